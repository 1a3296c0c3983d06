/** Verifies what authorities sign beside certificates: revocation lists and OCSP responses. */
import { constants, type KeyObject, verify } from 'node:crypto'
import { readOne, readRow } from '../validation/der.ts'

const RSA_PSS = '1.2.840.113549.1.1.10'

const DIGESTS: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
}
const PSS_DIGESTS: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
}

export interface Signed {
  readonly data: Buffer
  readonly signature: Buffer
  readonly oid: string
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Buffer
}

/** False for a wrong signature and for an algorithm that the key cannot have made. Never rejects. */
export function isSignedWith({ data, signature, oid, algorithm }: Signed, key: KeyObject): Promise<boolean> {
  const isPss = oid === RSA_PSS
  const digest = isPss ? pssDigest(algorithm) : DIGESTS[oid]
  const padding = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {}
  return new Promise((resolve) => {
    try {
      // In a thread: a list can have many megabytes.
      verify(digest ?? null, data, { key, ...padding }, signature, (error, good) => resolve(error === null && good))
    } catch {
      resolve(false)
    }
  })
}

function pssDigest(algorithm: Buffer): string | undefined {
  const [, parameters] = readRow(readOne(algorithm).content)
  const named = parameters && readRow(parameters.content).find(({ tag }) => tag === 0xa0)
  const oid = named && readRow(readRow(named.content)[0]?.content ?? Buffer.alloc(0))[0]
  return PSS_DIGESTS[oid?.content.toString('hex') ?? '']
}
