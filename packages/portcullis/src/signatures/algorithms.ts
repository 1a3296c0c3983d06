/**
 * Decides how bytes are signed and how a signature is checked (RFC 9421 §3.3). A key is good for one algorithm, which the
 * configuration names: a message can neither choose one nor have a public key used as a shared secret.
 */
import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'

export const SIGNATURE_ALGORITHMS = ['ed25519', 'ecdsa-p256-sha256', 'rsa-pss-sha512', 'hmac-sha256'] as const

export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

/** A key with its name and the one algorithm that it is for. */
export interface NamedKey {
  /** As in `keyid`. */
  readonly id: string
  readonly algorithm: SignatureAlgorithm
  readonly key: KeyObject
}

const MIN_RSA_BITS = 2048
const MIN_SECRET_BYTES = 32
/** R and S of P-256, and both halves of Ed25519. */
const SHORT_BYTES = 64
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 } as const

/** The signature of `bytes`; `key` is private or secret. */
export function signBytes({ algorithm, key }: NamedKey, bytes: Buffer): Buffer {
  switch (algorithm) {
    case 'ed25519':
      return sign(null, bytes, key)
    case 'ecdsa-p256-sha256':
      return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
    case 'rsa-pss-sha512':
      return sign('sha512', bytes, { key, ...PSS })
    case 'hmac-sha256':
      return createHmac('sha256', key).update(bytes).digest()
  }
}

/** Whether the key made the signature. Never throws for what a signature contains. */
export function isSignatureOf({ algorithm, key }: NamedKey, bytes: Buffer, signature: Buffer): boolean {
  switch (algorithm) {
    case 'ed25519':
      return signature.length === SHORT_BYTES && verify(null, bytes, key, signature)
    case 'ecdsa-p256-sha256':
      return signature.length === SHORT_BYTES && verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
    case 'rsa-pss-sha512':
      return verify('sha512', bytes, { key, ...PSS }, signature)
    case 'hmac-sha256': {
      const own = createHmac('sha256', key).update(bytes).digest()
      return own.length === signature.length && timingSafeEqual(own, signature)
    }
  }
}

/** Why the key is not for the algorithm, or undefined when it is. */
export function unfitness(algorithm: SignatureAlgorithm, key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  switch (algorithm) {
    case 'ed25519':
      return type === 'ed25519' ? undefined : 'is no Ed25519 key'
    case 'ecdsa-p256-sha256':
      return type === 'ec' && details?.namedCurve === 'prime256v1' ? undefined : 'is no key on P-256'
    case 'rsa-pss-sha512':
      if (type !== 'rsa' && type !== 'rsa-pss') return 'is no RSA key'
      return (details?.modulusLength ?? 0) >= MIN_RSA_BITS ? undefined : `has less than ${MIN_RSA_BITS} bits`
    case 'hmac-sha256':
      if (key.type !== 'secret') return 'is no shared secret'
      return (key.symmetricKeySize ?? 0) >= MIN_SECRET_BYTES ? undefined : `has less than ${MIN_SECRET_BYTES} bytes`
  }
}
