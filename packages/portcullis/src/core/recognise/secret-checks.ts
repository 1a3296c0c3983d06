/** Decides whether what looks like a secret can be one: its disorder, its words, and the checksums that some vendors put into their tokens. */
import { crc32 } from 'node:zlib'
import { isWordy } from './wordy.ts'

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
  /example|sample|placeholder|your[_-]|dummy|changeme|redacted|x{5,}|\*{4,}|0{8,}|(.)\1{7,}|1234567890abcdef|abcdefghijk|not[_-]?a[_-]?(?:real|secret)|fake[_-]?(?:key|token|secret|pass)|^(?:(?:foo|bar|baz|qux|lorem|ipsum)[-_ .]?)+$/i

export const isPlaceholder = (text: string): boolean => PLACEHOLDER.test(text)

/** Said to be none. */
const DECLARED = /example|redacted|placeholder|dummy|x{5,}|\*{4,}/i

/** Behind a literal that only one vendor has: whatever does not say of itself that it is none. */
export const isGiven = (text: string): boolean => !DECLARED.test(text)

/** Of a form that few have: what is repeated or said to be none is left out, and what follows the alphabet is not. */
export const isVaried = (text: string): boolean =>
  entropy(text) >= 2.5 && !DECLARED.test(text) && !/0{8,}|(.)\1{7,}/.test(text)

export const isFair = (text: string): boolean => entropy(text) >= 2.5 && !isPlaceholder(text)
export const isRandom = (text: string): boolean => entropy(text) >= 3 && !isPlaceholder(text)

/** What code and prose put where a password could stand: names of things, types, members of objects, calls. */
const NO_SECRET =
  /^[a-z_#./:@-]*(?:passw|passphrase|secret|token|api_?key|credential)[a-z_#./:@-]*$|^(?:true|false|null|none|nil|undefined|string|number|boolean|varchar|bytes|binary|integer|object|field|hash(?:ed)?|unknown|required|optional|not[-_ ]?set|unset|empty|default|hidden|masked|encrypted|sha\d+|md5|bcrypt|utf-?8)$|^(?:https?|file|arn|vault|env|ref|op|keyvault):|^[a-z_]+(?:\.[a-z_]+)+$|^path\/|^\^.*\^$|\b(?:process|self|this|args|os|config|settings|props|req|request|params|options|env)\.|^[$#/.%<({[@*]|[)>}\]]$|::|->|=>/i

/** Whether it is what code and prose put there. */
export const isName = (text: string): boolean => NO_SECRET.test(text)

/** Whether a text in the place of a password can be one: more than letters, and no name of a thing. */
export const isWrittenSecret = (text: string): boolean =>
  /[A-Za-z]/.test(text) && /[^A-Za-z]/.test(text) && !NO_SECRET.test(text) && !isPlaceholder(text)

/** The same of prose, where words have hyphens and apostrophes. */
export const isMixed = (text: string): boolean => /\d/.test(text) && isWrittenSecret(text)

/** Whether a text in the place of a key can be one: letters and digits, and neither the name of a thing nor words. */
export const isWrittenKey = (text: string): boolean =>
  /[A-Za-z]/.test(text) && /\d/.test(text) && !NO_SECRET.test(text) && !isPlaceholder(text) && !isWordy(text)

/** Digests that say so, versions, dates, files, public keys, and what fingers type. */
const LOOK_ALIKE =
  /^(?:sha(?:1|224|256|384|512)|md5|crc32)[-:]|^v?\d{1,4}(?:\.\d{1,4}){2,}|^\d{4}-\d\d-\d\d|^(?:pk|pub|public)[_-]|\.(?:pem|crt|key|json|ya?ml|toml|env|txt|[jt]sx?|py|go|rb|java|html?|png|jpe?g|svg|css)$|^[a-z]:\\|^\.{0,2}\/|a1b2c3d4/i

/** A key that is random, and neither a name nor a digest. */
export const isRandomKey = (text: string): boolean => isWrittenKey(text) && entropy(text) >= 3 && !LOOK_ALIKE.test(text)

/** Of a form that has nothing but its length and its place: digits, and letters of both cases, without words. */
export const isDense = (text: string): boolean =>
  /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && entropy(text) >= 3.5 && !isWordy(text)

/** In an environment or an address nothing but a value can stand, so that a word is one too. */
export const isWord = (text: string): boolean => !isPlaceholder(text) && !NO_VALUE.test(text)

/** The same where code may stand, too. */
export const isPlainWord = (text: string): boolean => isWord(text) && !isName(text)

/** The same of one word: a label begins with a capital. */
export const isLowerWord = (text: string): boolean => /^[a-z]/.test(text) && isPlainWord(text)

const NO_VALUE =
  /^(?:(?:my|your|the|user|db|root|admin|new|old|some|current|confirm|enter|strong|super|secret|test)[_-]?){0,2}(?:pass(?:word|wd|phrase)(?:[_-]here)?|pass[_-]here)$|^[a-z]{2,12}(?:[_-][a-z]{2,12}){0,4}[_-]pass(?:word|wd|phrase)$|^path\/|^\^.*\^$|^(?:pwd|x-oauth-basic|true|false|null|none|nil|undefined|string|required|optional|replace.{0,40}|changeit|\.+|-+)$|^[%$<{(*[]|[)>}]$/i

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
