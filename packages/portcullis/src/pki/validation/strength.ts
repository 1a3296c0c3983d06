/** Which keys and signatures are strong enough to believe (CA/B Forum BR 6.1.5, 6.1.6, 7.1.3; RFC 8301, RFC 9155). */
import type { KeyObject } from 'node:crypto'
import { type Certificate } from './certificate.ts'
import { readOne, readRow, TAG } from './der.ts'
import type { Profile } from './profile.ts'
import { CertificateRefused } from './refused.ts'

const MIN_RSA_BITS = 2048
/** More costs more to verify than a handshake should. */
const MAX_RSA_BITS = 16_384
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
/** Strong, and not in the Baseline Requirements yet. */
const MODERN = new Set(['ed25519', 'ed448', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'])

// biome-ignore format: one family a row
const SIGNATURES = new Set([
  '1.2.840.113549.1.1.11', '1.2.840.113549.1.1.12', '1.2.840.113549.1.1.13', // RSA with SHA-256, 384, 512
  '1.2.840.10045.4.3.2', '1.2.840.10045.4.3.3', '1.2.840.10045.4.3.4', // ECDSA with SHA-256, 384, 512
])
const RSA_PSS = '1.2.840.113549.1.1.10'
/** Ed25519, Ed448, ML-DSA-44, 65, 87 (RFC 8410, RFC 9881). */
// biome-ignore format: one family a row
const MODERN_SIGNATURES = new Set([
  '1.3.101.112', '1.3.101.113',
  '2.16.840.1.101.3.4.3.17', '2.16.840.1.101.3.4.3.18', '2.16.840.1.101.3.4.3.19',
])
/** SHA-256, 384, 512 below 2.16.840.1.101.3.4.2. */
const GOOD_DIGESTS = ['608648016503040201', '608648016503040202', '608648016503040203']

/** Throws CertificateRefused `weak_key`. */
export function assertStrongKey({ key, keyInfo }: Pick<Certificate, 'key' | 'keyInfo'>, profile: Profile): void {
  const kind = key.asymmetricKeyType ?? 'unknown'
  const weak = (what: string): CertificateRefused => new CertificateRefused('weak_key', { kind, what })
  if (kind === 'rsa' || kind === 'rsa-pss') return assertStrongRsa(key, weak)
  if (kind === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve
    if (curve === undefined || !CURVES.has(curve)) throw weak(`the curve ${curve}`)
    // Parameters that are spelled out can be those of a curve that looks like another one (CVE-2020-0601).
    if (!hasNamedCurve(keyInfo)) throw weak('a curve that is spelled out')
    return
  }
  if (profile === 'webpki' || !MODERN.has(kind)) throw weak('a kind of key that is not allowed')
}

function assertStrongRsa({ asymmetricKeyDetails }: KeyObject, weak: (what: string) => CertificateRefused): void {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS || modulusLength % 8 !== 0)
    throw weak(`RSA with ${modulusLength} bits`)
  if (publicExponent < 3n || publicExponent % 2n === 0n) throw weak(`RSA with the exponent ${publicExponent}`)
}

function hasNamedCurve(keyInfo: Buffer): boolean {
  const [algorithm] = readRow(readOne(keyInfo, TAG.sequence).content)
  const [, parameters] = readRow(algorithm?.content ?? Buffer.alloc(0))
  return parameters?.tag === TAG.oid
}

/** Whether a signature of this algorithm (its OID and its AlgorithmIdentifier, DER) counts. */
export function isStrongSignature(oid: string, algorithm: Buffer, profile: Profile): boolean {
  if (SIGNATURES.has(oid)) return true
  if (oid === RSA_PSS) return hasStrongParameters(algorithm)
  return profile !== 'webpki' && MODERN_SIGNATURES.has(oid)
}

/** Absent parameters mean SHA-1 (RFC 4055 §3.1), so the digest and that of the mask have to be named. */
function hasStrongParameters(algorithm: Buffer): boolean {
  const [, parameters] = readRow(readOne(algorithm, TAG.sequence).content)
  const fields = parameters === undefined ? [] : readRow(parameters.content)
  const digests = [0xa0, 0xa1].map((tag) => fields.find((field) => field.tag === tag)?.content.toString('hex'))
  return digests.every((found) => found !== undefined && GOOD_DIGESTS.some((digest) => found.includes(digest)))
}
