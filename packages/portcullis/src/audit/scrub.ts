/**
 * Takes secrets out of what is about to be printed: by the names of members, and by the shapes of bearer tokens and
 * private keys in text. The last net, not the first: rooms keep secrets in `Secret`, which does not print.
 */
const SECRET_NAMES: ReadonlySet<string> = new Set(
  [
    'authorization proxy-authorization cookie set-cookie x-api-key api-key apikey password passwd passphrase secret',
    'client_secret clientsecret token access_token accesstoken refresh_token refreshtoken id_token idtoken code_verifier',
    'private_key privatekey client_assertion assertion credentials dpop session mcp-session-id',
  ].flatMap((names) => names.split(' ')),
)

// Bounded repetition and no nesting: linear in the length of the text.
const SECRET_SHAPES =
  /\b(?:Bearer|Basic|DPoP)\s+[\w.~+/=-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]*/gi
const MAX_DEPTH = 6
const MAX_TEXT_LENGTH = 4096
const REDACTED = '[redacted]'

/** A copy that can be given to JSON.stringify: no cycles, no big integers, no getters, no secrets that it can recognise. */
export function scrub(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '[deep]'
  if (value instanceof Error) return scrubError(value, depth)
  if (Array.isArray(value)) return value.map((entry) => scrub(entry, depth + 1) ?? null)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return scrub(value.toJSON(), depth + 1)
  const copy: Record<string, unknown> = Object.create(null)
  for (const [name, entry] of Object.entries(value)) {
    copy[name] = SECRET_NAMES.has(name.toLowerCase()) ? REDACTED : scrub(entry, depth + 1)
  }
  return copy
}

/** Text without what looks like a bearer token or a private key, and not longer than 4,096 characters. */
export function scrubText(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text
  return short.replace(SECRET_SHAPES, REDACTED)
}

function scrubError(error: Error, depth: number): unknown {
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined
  const detail = 'detail' in error ? scrub(error.detail, depth + 1) : undefined
  return {
    name: error.name,
    message: scrubText(error.message),
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    ...(error.stack && { stack: scrubText(error.stack) }),
    ...(error.cause !== undefined && { cause: scrub(error.cause, depth + 1) }),
  }
}
