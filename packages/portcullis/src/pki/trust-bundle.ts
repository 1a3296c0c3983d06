/** Reads the authorities of a SPIFFE trust domain: a SPIFFE bundle (a JSON Web Key Set, SPIFFE Trust Domain and Bundle §4) or PEM. */
import { X509Certificate } from 'node:crypto'
import { PkiError } from './pki-error.ts'
import { readPublic } from './private-file.ts'
import { thumbprintOf } from './thumbprint.ts'

export interface TrustBundle {
  /** PEM, one authority each. */
  readonly authorities: readonly string[]
  /** `x5t#S256` of each. */
  readonly thumbprints: ReadonlySet<string>
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g
const MAX_AUTHORITIES = 100

/** Throws PkiError for a file that cannot be read, or that holds anything but authorities, or none. */
export function readTrustBundle(file: string): TrustBundle {
  return trustBundle(readPublic(file), file)
}

/** As `readTrustBundle`, for what the file holds; `file` is its name in errors. */
export function trustBundle(text: string, file: string): TrustBundle {
  const certificates = text.trimStart().startsWith('{') ? fromJson(text, file) : fromPem(text, file)
  if (certificates.length === 0) throw bad(file, 'holds no authority of X.509 certificates')
  if (certificates.length > MAX_AUTHORITIES) throw bad(file, `holds more than ${MAX_AUTHORITIES} authorities`)
  for (const { ca, subject } of certificates) if (!ca) throw bad(file, `holds ${subject}, which is no authority`)
  return {
    authorities: certificates.map((one) => one.toString()),
    thumbprints: new Set(certificates.map(({ raw }) => thumbprintOf(raw))),
  }
}

function fromPem(text: string, file: string): readonly X509Certificate[] {
  return (text.match(BLOCK) ?? []).map((block) => certificate(block, file))
}

/** Keys of other uses, such as `jwt-svid`, vouch for no certificate (§4.2.2). Exactly one certificate stands in `x5c`. */
function fromJson(text: string, file: string): readonly X509Certificate[] {
  const keys = keysOf(text, file)
  return keys.flatMap((key) => {
    if (typeof key !== 'object' || key === null || !('use' in key) || key.use !== 'x509-svid') return []
    const chain: unknown = 'x5c' in key ? key.x5c : undefined
    const [der, ...more] = Array.isArray(chain) ? (chain as readonly unknown[]) : []
    if (typeof der !== 'string' || more.length > 0) throw bad(file, 'has an x509-svid key without its one certificate')
    return [certificate(Buffer.from(der, 'base64'), file)]
  })
}

function keysOf(text: string, file: string): readonly unknown[] {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new PkiError(`${file} is not JSON`, 'write a SPIFFE bundle or PEM into it', cause)
  }
  const keys: unknown =
    typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined
  if (!Array.isArray(keys)) throw bad(file, 'is not a SPIFFE bundle')
  return keys
}

function certificate(encoded: string | Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(encoded)
  } catch (cause) {
    throw new PkiError(`${file} holds a certificate that cannot be read`, 'write it anew', cause)
  }
}

const bad = (file: string, what: string): PkiError =>
  new PkiError(`${file} ${what}`, 'write a SPIFFE bundle or PEM into it')
