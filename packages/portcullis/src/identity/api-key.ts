/** Decides what an API key looks like: `pcl_[<environment>_]<43 random base62 digits><6 checksum digits>`. */
import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '../core/secret.ts'

export const API_KEY_PREFIX = 'pcl_'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_BYTES = 32
const BODY_DIGITS = 43
const CHECKSUM_DIGITS = 6
const ENVIRONMENT = /^[a-z0-9]{1,8}$/
const SHAPE = /^pcl_(?:[a-z0-9]{1,8}_)?[0-9A-Za-z]{49}$/

/**
 * Makes a key of 256 random bits. `environment` is a label of 1 to 8 lower-case letters and digits that people and secret
 * scanners see. Throws a TypeError when the label or the randomness has another shape.
 */
export function mintApiKey(random: (bytes: number) => Uint8Array, environment?: string): Secret {
  if (environment !== undefined && !ENVIRONMENT.test(environment)) {
    throw new TypeError('the environment of an API key is 1 to 8 lower-case letters and digits')
  }
  const bytes = random(RANDOM_BYTES)
  if (bytes.length !== RANDOM_BYTES) throw new TypeError(`an API key needs ${RANDOM_BYTES} random bytes`)
  const label = environment === undefined ? '' : `${environment}_`
  const unsigned = API_KEY_PREFIX + label + base62(bytes, BODY_DIGITS)
  return new Secret(unsigned + checksum(unsigned))
}

/** Whether the text has the shape and the checksum of a key. A typo is refused here, without asking a store. */
export function isApiKey(text: string): boolean {
  if (!SHAPE.test(text)) return false
  const end = text.length - CHECKSUM_DIGITS
  return checksum(text.slice(0, end)) === text.slice(end)
}

/** SHA-256 in base64url: the only form in which a credential is stored or remembered. 256 random bits need no slow hash. */
export function credentialDigest(credential: string): string {
  return hash('sha256', credential, 'base64url')
}

/** A public random id of 16 base62 digits, for a key or anything else that people name. */
export function mintId(random: (bytes: number) => Uint8Array): string {
  return base62(random(RANDOM_BYTES), BODY_DIGITS).slice(-16)
}

function checksum(text: string): string {
  return digits(BigInt(crc32(text)), CHECKSUM_DIGITS)
}

function base62(bytes: Uint8Array, length: number): string {
  return digits(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), length)
}

function digits(value: bigint, length: number): string {
  let rest = value
  let text = ''
  for (let at = 0; at < length; at++) {
    text = DIGITS.charAt(Number(rest % 62n)) + text
    rest /= 62n
  }
  return text
}
