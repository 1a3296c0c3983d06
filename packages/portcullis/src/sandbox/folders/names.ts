/**
 * Names of files as the kernel knows them: bytes, of which only NUL and `/` have a meaning.
 *
 * Inside, one character of a string stands for one byte, so that every name survives; only reports are made readable.
 */

const PLAIN = /^[\x20-\x7e]*$/
/** Controls, and marks that turn the direction of text: both make a log show something else than what happened. */
const MISLEADING = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\\]/u
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What `node:fs` takes for a path in bytes. */
export const pathOf = (bytes: string): string | Buffer => (PLAIN.test(bytes) ? bytes : Buffer.from(bytes, 'latin1'))

/** The bytes of a path that came as text. */
export const bytesOf = (path: string): string => Buffer.from(path, 'utf8').toString('latin1')

/** Text in which no two names look alike: what is not plain UTF-8, and the backslash itself, is written as `\xNN`. */
export function readable(bytes: string): string {
  if (PLAIN.test(bytes) && !bytes.includes('\\')) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  try {
    return Array.from(UTF8.decode(buffer), (letter) => (MISLEADING.test(letter) ? escaped(letter) : letter)).join('')
  } catch {
    return bytes.replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, (byte) => hex(byte.charCodeAt(0)))
  }
}

const escaped = (letter: string) => Array.from(Buffer.from(letter, 'utf8'), hex).join('')

const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`
