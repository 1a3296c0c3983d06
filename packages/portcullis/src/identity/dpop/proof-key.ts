/**
 * Decides which key a proof may bring, and whether it signed (RFC 7517, RFC 7518 §3). By the thread of the call: a proof
 * comes with each one, and a verification that waits for the thread pool costs three times as much.
 */
import { constants, createPublicKey, hash, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { Fault } from '../../core/fault.ts'
import type { TokenAlgorithm } from '../../core/token-algorithms.ts'

/** A public key, for one algorithm alone. */
export interface ProofKey {
  readonly key: KeyObject
  /** RFC 7638, SHA-256, base64url. */
  readonly jkt: string
  readonly algorithm: TokenAlgorithm
}

interface Signing {
  readonly type: 'ec' | 'ed25519' | 'rsa'
  readonly curve?: string
  readonly digest: string | null
  readonly options: Readonly<Record<string, unknown>>
  /** Of a signature; those of RSA are as long as the key. */
  readonly bytes?: number
}

const EC = { type: 'ec', options: { dsaEncoding: 'ieee-p1363' } } as const
const ED25519 = { type: 'ed25519', digest: null, options: {}, bytes: 64 } as const
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

const SIGNINGS: Readonly<Partial<Record<TokenAlgorithm, Signing>>> = {
  ES256: { ...EC, curve: 'prime256v1', digest: 'sha256', bytes: 64 },
  ES384: { ...EC, curve: 'secp384r1', digest: 'sha384', bytes: 96 },
  ES512: { ...EC, curve: 'secp521r1', digest: 'sha512', bytes: 132 },
  EdDSA: ED25519,
  Ed25519: ED25519,
  PS256: { type: 'rsa', digest: 'sha256', options: PSS },
  RS256: { type: 'rsa', digest: 'sha256', options: {} },
}

const MIN_RSA_BITS = 2_048
const MAX_RSA_BITS = 4_096
/** Members that only a private or a shared key has (RFC 7518 §6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Throws `identity.invalid_proof` for a private key, one of another type or curve, or one that is none. */
export function readProofKey(jwk: unknown, algorithm: TokenAlgorithm): ProofKey {
  const signing = SIGNINGS[algorithm]
  if (signing === undefined) throw invalid('algorithm')
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw invalid('no key')
  if (PRIVATE.some((member) => Object.hasOwn(jwk, member))) throw invalid('private key')
  const key = imported(jwk)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key
  if (type !== signing.type || details.namedCurve !== signing.curve) throw invalid('key of another kind')
  const { modulusLength: bits } = details
  if (bits !== undefined && (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)) throw invalid('size of the key')
  return { key, jkt: thumbprint(key), algorithm }
}

/** Whether the compact JWS was signed by the key. Throws nothing. */
export function isSignedBy({ key, algorithm }: ProofKey, jws: string): boolean {
  const signing = SIGNINGS[algorithm] as Signing
  const dot = jws.lastIndexOf('.')
  const signature = Buffer.from(jws.slice(dot + 1), 'base64url')
  if (signing.bytes !== undefined && signature.length !== signing.bytes) return false
  try {
    return verify(signing.digest, Buffer.from(jws.slice(0, dot)), { key, ...signing.options }, signature)
  } catch {
    return false
  }
}

function imported(jwk: object): KeyObject {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  } catch (cause) {
    throw invalid('unusable key', cause)
  }
}

/** Of the key as it was understood, not as it was written, so that one key has one thumbprint. */
function thumbprint(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' })
  return hash('sha256', JSON.stringify({ crv, e, kty, n, x, y }), 'base64url')
}

function invalid(reason: string, cause?: unknown): Fault {
  return new Fault('identity.invalid_proof', { reason }, { cause })
}
