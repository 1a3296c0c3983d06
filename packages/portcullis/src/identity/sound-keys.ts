/** Decides which published keys are strong enough to vouch for anybody: an issuer's mistake must not let others sign in its name. */
import type { JWK } from 'jose'

const MIN_RSA_BITS = 2048
/** Beyond that verifying is work that a caller can order for free. */
const MAX_RSA_BITS = 8192
/** FIPS 186-5 §A.1.1. With 1 everybody can sign, and small ones forgive mistakes in padding least. */
const MIN_EXPONENT = 65_537n
const MAX_EXPONENT_BITS = 256

/** Elliptic curves have no such choices; their points are looked at by whoever imports them. */
export function isSoundKey({ kty, n, e }: JWK): boolean {
  if (kty !== 'RSA') return true
  const [modulus, exponent] = [numberOf(n), numberOf(e)]
  if (modulus === undefined || exponent === undefined) return false
  const bits = bitsOf(modulus)
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS || modulus % 2n === 0n) return false
  if (exponent < MIN_EXPONENT || exponent % 2n === 0n || bitsOf(exponent) > MAX_EXPONENT_BITS) return false
  return !isOfSmartCards(modulus)
}

/**
 * Keys of a broken generator of smart cards (ROCA, CVE-2017-15361) can be factored. Its primes are powers of 65537 modulo
 * all small primes, so their product is too: that is its fingerprint, which a good key has once in more than 10^8.
 */
function isOfSmartCards(modulus: bigint): boolean {
  return FINGERPRINT.every(({ prime, powers }) => powers.has(Number(modulus % BigInt(prime))))
}

/** The primes whose product the generator uses for keys of every size. */
const FINGERPRINT = smallPrimes(167).map((prime) => ({ prime, powers: powersOf(65_537, prime) }))

function smallPrimes(last: number): readonly number[] {
  const upTo = Array.from({ length: last - 1 }, (_, index) => index + 2)
  return upTo.filter((one) => upTo.every((other) => other * other > one || one % other !== 0))
}

function powersOf(base: number, modulus: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1 % modulus; !powers.has(power); power = (power * (base % modulus)) % modulus) powers.add(power)
  return powers
}

function numberOf(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !/^[\w-]{1,4096}$/.test(text)) return undefined
  return BigInt(`0x${Buffer.from(text, 'base64url').toString('hex') || '0'}`)
}

const bitsOf = (value: bigint): number => value.toString(2).length
