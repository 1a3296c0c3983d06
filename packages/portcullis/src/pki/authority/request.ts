/** Decides whom a certificate is made for: whoever proves by a request that the key is theirs (PKCS #10, RFC 2986). */
import 'reflect-metadata'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator, type PublicKey } from '@peculiar/x509'
import { PkiError } from '../pki-error.ts'
import { exportKey, generateKeys, SIGNING } from '../signing-key.ts'

export const MAX_REQUEST_CHARS = 16_384
const MIN_RSA_BITS = 2_048
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']

/** The key in a request. What else it says is not looked at: names come from whoever may give them. Throws PkiError. */
export async function keyInRequest(pem: string): Promise<PublicKey> {
  if (pem.length > MAX_REQUEST_CHARS) throw unusable('is too long')
  let request: Pkcs10CertificateRequest
  try {
    request = new Pkcs10CertificateRequest(pem)
  } catch (thrown) {
    throw unusable('cannot be read', thrown)
  }
  const isProof = await request.verify().catch(() => false)
  if (!isProof) throw unusable('is not signed by its own key')
  const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
  if (!isStrong(key)) throw unusable('has a weak key: use P-256, P-384, P-521, Ed25519, or RSA of 2048 bits')
  return request.publicKey
}

/** A new key and a request that proves it, both PEM. The key leaves this process only as its caller wishes. */
export async function makeRequest(): Promise<{ readonly key: string; readonly request: string }> {
  const keys = await generateKeys()
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, name: '', signingAlgorithm: SIGNING })
  return { key: await exportKey(keys.privateKey), request: `${request.toString('pem')}\n` }
}

function isStrong({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails
  if (asymmetricKeyType === 'ec') return CURVES.includes(namedCurve)
  return asymmetricKeyType === 'ed25519' || (asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS)
}

const unusable = (what: string, cause?: unknown): PkiError =>
  new PkiError(`the certificate request ${what}`, 'make one with: openssl req -new', cause)
