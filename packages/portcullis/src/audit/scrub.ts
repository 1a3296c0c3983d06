/**
 * Takes secrets and personal data out of what is about to be printed: by the names of members, and by their forms in text. The last
 * net, not the first: rooms keep secrets in `Secret`, which does not print, and texts of callers out of logs and records.
 */
import type { SensitiveKind } from '../core/recognise/kinds.ts'
import { Recogniser } from '../core/recognise/recognise.ts'

const SECRET_NAMES: ReadonlySet<string> = new Set(
  [
    'authorization proxy-authorization cookie set-cookie x-api-key api-key apikey password passwd passphrase secret',
    'client_secret clientsecret token access_token accesstoken refresh_token refreshtoken id_token idtoken code_verifier',
    'private_key privatekey client_assertion assertion credentials dpop session mcp-session-id',
  ].flatMap((names) => names.split(' ')),
)

// Bounded repetition and no nesting: linear in the length of the text.
const SECRET_SHAPES =
  /\b(?:Bearer|Basic|DPoP)\s+[\w.~+/=-]{8,}|(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]*/gi
/** Addresses of machines stay: whoever looks into a log or a record looks for them. */
const KINDS: readonly SensitiveKind[] = ['secret', 'card', 'iban', 'national-id', 'email', 'phone']
const recogniser = new Recogniser(new Set(KINDS))
const LEAST_LENGTH = 7
/** A shorter number is no card, account or person. */
const LEAST_NUMBER = 1e11
const MAX_DEPTH = 6
const MAX_TEXT_LENGTH = 4096
const REDACTED = '[redacted]'

/** A copy that can be given to JSON.stringify: no cycles, no big integers, no getters, no secrets that it can recognise. */
export function scrub(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'bigint') return scrubText(value.toString())
  if (typeof value === 'number' && value >= LEAST_NUMBER) return scrubNumber(value)
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '[deep]'
  if (value instanceof Error) return scrubError(value, depth)
  if (Array.isArray(value)) return value.map((entry) => scrub(entry, depth + 1) ?? null)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return scrub(value.toJSON(), depth + 1)
  const copy: Record<string, unknown> = Object.create(null)
  for (const [name, entry] of Object.entries(value)) {
    copy[MAY_TELL.test(name) ? scrubText(name) : name] = SECRET_NAMES.has(name.toLowerCase())
      ? REDACTED
      : scrub(entry, depth + 1)
  }
  return copy
}

/** Names that somebody else chose: our own are words. */
const MAY_TELL = /[@\d]|[^]{24}/

/** Text without what looks like a secret or personal data, and not longer than 4,096 characters. */
export function scrubText(text: string): string {
  if (text.length < LEAST_LENGTH) return text
  const isCut = text.length > MAX_TEXT_LENGTH + REACH_BEHIND
  const plain = text.slice(0, MAX_TEXT_LENGTH + REACH_BEHIND).replace(SECRET_SHAPES, REDACTED)
  // What stands at the very end of a text that was cut may be the first half of something, which nobody would recognise.
  const end = Math.min(MAX_TEXT_LENGTH, isCut ? Math.max(0, plain.length - REACH_BEHIND) : plain.length)
  let left = ''
  let done = 0
  for (const span of recogniser.find(plain)) {
    if (span.start >= end) break
    left += plain.slice(done, span.start) + (span.kind === 'secret' ? REDACTED : `[${span.kind}]`)
    done = span.end
  }
  const scrubbed = done < end ? left + plain.slice(done, end) : left
  return text.length > MAX_TEXT_LENGTH ? `${scrubbed}…` : scrubbed
}

/** What is cut in two is recognised by its second half, too. */
const REACH_BEHIND = 512

function scrubNumber(value: number): unknown {
  const text = String(value)
  const scrubbed = scrubText(text)
  return scrubbed === text ? value : scrubbed
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
