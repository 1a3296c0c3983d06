// Signs MCP requests and checks signed answers (RFC 9421, RFC 9530) with Node alone. It shares no code with the gateway, so
// that each of the two shows that the other one keeps to the standard.
import { createHash, randomBytes, sign, verify } from 'node:crypto'

/** Headers that say what a request does: each of them is covered where it is there. */
const WEIGHTY = ['authorization', 'dpop', 'content-type', 'content-encoding', 'last-event-id', 'if-match']

const text = (value) => `"${value.replace(/["\\]/g, '\\$&')}"`
const bytes = (buffer) => `:${buffer.toString('base64')}:`

export const contentDigest = (body) => `sha-256=${bytes(createHash('sha256').update(body).digest())}`

/** The headers of `request` (method, url, headers, body) and the three that sign it, and what its answer is bound to. */
export function signRequest(request, { keyId, privateKey, tag = 'mcp', label = 'mcp', ...more }) {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  if (request.body !== undefined) headers['content-digest'] = contentDigest(request.body)
  const covered = more.covered ?? [
    '@method',
    '@target-uri',
    ...(request.body === undefined ? [] : ['content-digest']),
    ...WEIGHTY.filter((name) => headers[name] !== undefined),
    ...Object.keys(headers).filter((name) => name.startsWith('mcp-')),
  ]
  const created = more.created ?? Math.floor(Date.now() / 1000)
  const nonce = more.nonce ?? randomBytes(18).toString('base64url')
  const expires = more.expires === undefined ? '' : `;expires=${more.expires}`
  const algorithm = more.algorithm === undefined ? '' : `;alg=${text(more.algorithm)}`
  const list = covered.map(text).join(' ')
  const input = `(${list});created=${created}${expires};nonce=${text(nonce)};keyid=${text(keyId)}${algorithm};tag=${text(tag)}`
  const part = (name) => partOf(name, { ...request, headers })
  const base = [...covered.map((name) => `${text(name)}: ${part(name)}`), `"@signature-params": ${input}`].join('\n')
  const signature = more.sign?.(Buffer.from(base, 'latin1')) ?? sign(null, Buffer.from(base, 'latin1'), privateKey)
  headers['signature-input'] = `${label}=${input}`
  headers['signature'] = `${label}=${bytes(signature)}`
  return { headers, signature, label }
}

function partOf(name, { method, url, headers }) {
  const { protocol, host, pathname, search } = new URL(url)
  if (name === '@method') return method
  if (name === '@target-uri') return `${protocol}//${host}${pathname}${search}`
  if (name === '@authority') return host
  if (name === '@path') return pathname
  if (name === '@query') return search === '' ? '?' : search
  return headers[name]
}

/** What is to be sent as `Accept-Signature`, for an answer with this nonce of ours. */
export const wanted = (nonce, tag = 'mcp') =>
  `answer=("@status" "content-digest");created;nonce=${text(nonce)};tag=${text(tag)}`

/**
 * Throws unless `answer` (status, headers, body) is signed with the key and bound to `signed`, which `signRequest` gave for
 * `request`. The list of covered parts has one form with this gateway, so it is compared as it is.
 */
export function checkAnswer(answer, request, signed, { keyId, publicKey, nonce, tag = 'mcp', maxAgeSeconds = 60 }) {
  const { status, headers, body } = answer
  const [label, input] = split(headers['signature-input'])
  const [, given] = split(headers['signature'])
  const [list, parameters] = [input.slice(0, input.indexOf(')') + 1), input.slice(input.indexOf(')') + 1)]
  const there = ['content-type', 'mcp-session-id'].filter((name) => headers[name] !== undefined)
  const ofAnswer = ['@status', 'content-digest', ...there]
  const ofRequest = ['@method', '@target-uri', ...(request.body === undefined ? [] : ['content-digest'])]
  const parts = [
    ...ofAnswer.map((name) => [text(name), name === '@status' ? String(status) : headers[name]]),
    ...ofRequest.map((name) => [`${text(name)};req`, partOf(name, { ...request, headers: signed.headers })]),
    [`"signature";req;key=${text(signed.label)}`, bytes(signed.signature)],
  ]
  if (list !== `(${parts.map(([name]) => name).join(' ')})`) throw new Error(`another list of parts: ${list}`)
  checkParameters(parameters, { keyId, nonce, tag, maxAgeSeconds })
  const base = [...parts.map(([name, value]) => `${name}: ${value}`), `"@signature-params": ${input}`].join('\n')
  if (!verify(null, Buffer.from(base, 'latin1'), publicKey, Buffer.from(given.slice(1, -1), 'base64')))
    throw new Error(`the answer is not signed with ${keyId}`)
  if (headers['content-digest'] !== contentDigest(body)) throw new Error('another body')
  return label
}

const NAME = 'dev.portcullis/signature'

/** The same for one message of a stream, whose signature is in `_meta`. Returns the message without it. */
export function checkMessage(message, signed, { keyId, publicKey, nonce, tag = 'mcp', maxAgeSeconds = 60 }) {
  const { bare, member } = withoutSignature(message)
  if (member === undefined) throw new Error('a message without a signature')
  const { input, signature } = member
  const list = '("@message" "@request")'
  if (!input.startsWith(list)) throw new Error(`another list of parts: ${input}`)
  checkParameters(input.slice(list.length), { keyId, nonce, tag, maxAgeSeconds })
  const base = [
    'portcullis-mcp-message-v1',
    `"@message": ${contentDigest(canonical(bare))}`,
    `"@request": ${bytes(signed.signature)}`,
    `"@signature-params": ${input}`,
  ].join('\n')
  if (!verify(null, Buffer.from(base), publicKey, Buffer.from(signature.slice(1, -1), 'base64')))
    throw new Error(`the message is not signed with ${keyId}`)
  return bare
}

function withoutSignature(message) {
  const place = message.method !== undefined ? 'params' : message.error === undefined ? 'result' : 'error'
  const holder = place === 'error' ? message.error.data : message[place]
  const { [NAME]: member, ...meta } = holder?._meta ?? {}
  if (member === undefined) return { bare: message, member }
  const { _meta, ...rest } = holder
  const left = Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
  const isEmpty = Object.keys(left).length === 0
  if (place === 'result') return { bare: { ...message, result: left }, member }
  if (place === 'error') {
    const { data, ...error } = message.error
    return { bare: { ...message, error: isEmpty ? error : { ...error, data: left } }, member }
  }
  const { params, ...others } = message
  return { bare: isEmpty ? others : { ...message, params: left }, member }
}

/** RFC 8785. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

function split(field) {
  if (typeof field !== 'string') throw new Error('an answer without a signature')
  const at = field.indexOf('=')
  return [field.slice(0, at), field.slice(at + 1)]
}

function checkParameters(parameters, { keyId, nonce, tag, maxAgeSeconds }) {
  const found = Object.fromEntries(
    [...parameters.matchAll(/;([a-z]+)=(?:"([^"\\]*)"|(\d+))/g)].map(([, name, quoted, number]) => [
      name,
      quoted ?? Number(number),
    ]),
  )
  if (found.keyid !== keyId) throw new Error(`signed with ${found.keyid}`)
  if (found.tag !== tag) throw new Error('signed for another purpose')
  if (nonce !== undefined && found.nonce !== nonce) throw new Error('not the answer to this question')
  if (Math.abs(Date.now() / 1000 - found.created) > maxAgeSeconds) throw new Error('not signed now')
}
