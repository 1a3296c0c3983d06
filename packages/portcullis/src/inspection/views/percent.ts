/**
 * Decides what percent-encoding (RFC 3986, section 2.1) stands for, in the lenient way of the decoders that attacks count on:
 * overlong UTF-8 gives its ASCII character, a byte that is no UTF-8 its Latin-1 one, and `%u0027` is read as IIS reads it.
 */
import { decodeTokens } from './encoded-tokens.ts'
import { decodeLeniently } from './lenient-utf8.ts'

const ESCAPES = /(?:%[0-9a-f]{2})+|%u[0-9a-f]{4}/gi
const HEX = 16

/** Undoes one layer; text without it comes back as it is. */
export function decodePercent(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(ESCAPES, (run) => {
    if (run[1] === 'u' || run[1] === 'U') return String.fromCharCode(Number.parseInt(run.slice(2), HEX))
    return decodeLeniently(Buffer.from(run.replaceAll('%', ''), 'hex'))
  })
}

/** `+` for a blank, as HTML forms write it; only in text without blanks. */
export function decodePlus(text: string): string {
  return text.includes('+') && !text.includes(' ') && decodeTokens(text) === text ? text.replaceAll('+', ' ') : text
}
