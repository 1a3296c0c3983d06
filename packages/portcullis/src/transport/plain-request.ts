/**
 * Decides what is beyond doubt one request: a POST whose head and length nobody could read in two ways (RFC 9112). Whatever else
 * arrives is left to node:http, which judges all the rest, so that nothing is allowed here that is refused there.
 */

/** Lengths in bytes. */
export interface PlainLimits {
  readonly maxHeaderBytes: number
  readonly maxHeaders: number
}

export interface PlainRequest {
  /** As sent. */
  readonly target: string
  /** Names in lower case, each once. */
  readonly headers: Readonly<Record<string, string>>
  /** Where the body begins and ends. */
  readonly start: number
  readonly end: number
  /** See `RequestHead`. */
  readonly kin?: object
}

/** Longer bodies come in more pieces than are worth waiting for. */
export const MAX_BODY_BYTES = 65_536
const BLANK_LINE = Buffer.from('\r\n\r\n')
const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1$/
/** A token (RFC 9110 §5.6.2), a colon, and printable ASCII with single blanks around it at most. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([!-~](?:[ -~]*[!-~])?)?$/
const LENGTH = /^(?:0|[1-9]\d{0,6})$/
/** Each of these changes how the message or the connection goes on. */
const OTHERS: ReadonlySet<string> = new Set([
  '__proto__',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Undefined unless `bytes` begin with such a request; of its body, some may still be missing. */
export function readPlain(bytes: Buffer, limits: PlainLimits): PlainRequest | undefined {
  const headEnd = bytes.indexOf(BLANK_LINE)
  if (headEnd < 0 || headEnd > limits.maxHeaderBytes) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const lineEnd = head.indexOf('\r\n')
  const target = REQUEST_LINE.exec(lineEnd < 0 ? head : head.slice(0, lineEnd))?.[1]
  const headers = target === undefined || lineEnd < 0 ? undefined : headersOf(head, lineEnd + 2, limits.maxHeaders)
  if (target === undefined || headers?.['host'] === undefined) return undefined
  const length = headers['content-length']
  if (length === undefined || !LENGTH.test(length) || Number(length) > MAX_BODY_BYTES) return undefined
  const start = headEnd + BLANK_LINE.length
  return { target, headers, start, end: start + Number(length) }
}

function headersOf(head: string, from: number, maxHeaders: number): Record<string, string> | undefined {
  const headers: Record<string, string> = {}
  let count = 0
  for (let start = from; start < head.length; ) {
    const found = head.indexOf('\r\n', start)
    const end = found < 0 ? head.length : found
    const match = HEADER.exec(head.slice(start, end))
    if (match === null || ++count > maxHeaders) return undefined
    const name = (match[1] as string).toLowerCase()
    const value = match[2] ?? ''
    if (OTHERS.has(name) || Object.hasOwn(headers, name)) return undefined
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
    headers[name] = value
    start = end + 2
  }
  return headers
}
