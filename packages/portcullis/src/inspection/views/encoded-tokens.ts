/**
 * Decides which tokens are text in base64 (RFC 4648, both alphabets) or hex, and reads them in place. The test is the outcome:
 * valid UTF-8, mostly printable, which random bytes and ordinary words practically never are.
 */
import { isUtf8 } from 'node:buffer'

const TOKEN = /[a-z0-9+/_-]{16,}={0,2}/gi
const WHOLE = /^\s*(?:0x|base64[:,])?([a-z0-9+/_-]{8,}={0,2})\s*$/i
const HEX_TEXT = /^(?:[0-9a-f]{2})+$/i
/** For short ones, which are text by chance more easily. */
const PRINTABLE = /^[\t\n\r -~\u00a0-\u024f]{4,}$/
const PRINTABLES = /[\t\n\r -~]/g
// oxlint-disable-next-line no-control-regex -- what text does not have
const UNPRINTABLE = /[\0-\x08\ufffd]/
const LEAST_SHARE = 0.75
const SHORT_BYTES = 12
const LEAST_TOKEN = 16
const MAX_TOKENS = 16
const LEAST_WHOLE = 8
const MAX_WHOLE_CHECKED = 64

const utf8 = new TextDecoder()

/** Undoes one layer of the whole value (8 characters and more) or of at most 16 tokens in it (16 characters and more). */
export function decodeTokens(text: string): string {
  if (!mayHoldTokens(text)) return text
  const whole = WHOLE.exec(text)?.[1]
  if (whole !== undefined) return readable(whole) ?? text
  let tokens = 0
  return text.replace(TOKEN, (token) => (++tokens > MAX_TOKENS ? token : (readable(token) ?? token)))
}

/** Whether there may be a token. Looks at every 16th character only, for a longer run cannot hide between two looks. */
export function mayHoldTokens(text: string): boolean {
  if (text.length <= MAX_WHOLE_CHECKED && text.length >= LEAST_WHOLE && WHOLE.test(text)) return true
  for (let at = LEAST_TOKEN - 1; at < text.length; ) {
    let start = at
    while (start > at - LEAST_TOKEN && isTokenCharacter(text.charCodeAt(start))) start--
    if (start === at - LEAST_TOKEN) return true
    at = start + LEAST_TOKEN
  }
  return false
}

function isTokenCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x2f && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x2b ||
    code === 0x2d ||
    code === 0x5f
  )
}

function readable(token: string): string | undefined {
  return (HEX_TEXT.test(token) ? asText(Buffer.from(token, 'hex')) : undefined) ?? asText(Buffer.from(token, 'base64'))
}

function asText(bytes: Buffer): string | undefined {
  if (bytes.length < 4) return undefined
  const wide = bytes.length % 2 === 0 && bytes[1] === 0 && bytes[3] === 0
  const text = wide ? bytes.toString('utf16le') : decoded(bytes)
  if (text === undefined) return undefined
  if (bytes.length < SHORT_BYTES) return PRINTABLE.test(text) ? text : undefined
  return (text.match(PRINTABLES)?.length ?? 0) >= text.length * LEAST_SHARE || !UNPRINTABLE.test(text)
    ? text
    : undefined
}

/** Most tokens are no text, and an error for each would cost more than all else. */
const decoded = (bytes: Buffer): string | undefined => (isUtf8(bytes) ? utf8.decode(bytes) : undefined)
