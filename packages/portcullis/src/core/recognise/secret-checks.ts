/** Decides whether what looks like a secret can be one: its disorder, and the checksums that some vendors put into their tokens. */
import { crc32 } from 'node:zlib'

/** Bits for each character (Shannon). Random base62 of 20 characters and more has over 3.5, words and examples have less. */
export function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/** What people write where a secret would stand. */
const PLACEHOLDER =
  /example|sample|placeholder|your[_-]|dummy|changeme|redacted|x{5,}|\*{4,}|0{8,}|(.)\1{7,}|1234567890abcdef|abcdefghijk/i

export const isPlaceholder = (text: string): boolean => PLACEHOLDER.test(text)

/** What code and prose put where a password could stand: names of things, types, members of objects, calls. */
const NO_SECRET =
  /^[a-z_#./:@-]*(?:passw|passphrase|secret|token|api_?key|credential)[a-z_#./:@-]*$|^(?:true|false|null|none|nil|undefined|string|number|boolean|required|optional|not[-_ ]?set|unset|empty|default|hidden|masked|encrypted|sha\d+|md5|bcrypt|utf-?8)$|^(?:https?|file|arn|vault|env|ref|op|keyvault):|^[a-z_]+(?:\.[a-z_]+)+$|\b(?:process|self|this|args|os|config|settings|props|req|request|params|options|env)\.|^[$#/.%<({[@*]|[)>}\]]$|::|->|=>/i

/** Whether it is what code and prose put there. */
export const isName = (text: string): boolean => NO_SECRET.test(text)

/** Whether a text in the place of a password can be one: more than letters, and no name of a thing. */
export const isWrittenSecret = (text: string): boolean =>
  /[A-Za-z]/.test(text) && /[^A-Za-z]/.test(text) && !NO_SECRET.test(text) && !isPlaceholder(text)

/** Whether a text in the place of a key can be one: letters and digits, and no name of a thing. */
export const isWrittenKey = (text: string): boolean =>
  /[A-Za-z]/.test(text) && /\d/.test(text) && !NO_SECRET.test(text) && !isPlaceholder(text)

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * The last six characters of a token of GitHub or npm are the CRC-32 of the random part in base62 (GitHub, "Behind GitHub's new
 * authentication token formats", 2021; npm followed). Facts only; nothing is copied.
 */
export function hasCrc32(token: string): boolean {
  const body = token.slice(token.indexOf('_') + 1)
  let rest = crc32(body.slice(0, -6))
  let expected = ''
  for (let place = 0; place < 6; place++) {
    expected = (BASE62[rest % 62] as string) + expected
    rest = Math.floor(rest / 62)
  }
  return body.slice(-6) === expected
}

/** Three parts of base64url of which the first is a JSON object with `alg` (RFC 7515). */
export function isJwt(token: string): boolean {
  try {
    const head: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'))
    return typeof head === 'object' && head !== null && 'alg' in head
  } catch {
    return false
  }
}
