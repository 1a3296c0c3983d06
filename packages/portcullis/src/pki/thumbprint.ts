/** By which digest a certificate is known: SHA-256 of its DER form (`x5t#S256`, RFC 8705 §3.1). */
import { createHash, X509Certificate } from 'node:crypto'
import { PkiError } from './pki-error.ts'
import { readPublic } from './private-file.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** base64url. */
export function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url')
}

/** Those of all certificates of a PEM file. Throws PkiError when it cannot be read or holds none. */
export function thumbprintsIn(file: string): readonly string[] {
  const blocks = readPublic(file).match(BLOCK) ?? []
  if (blocks.length === 0) throw new PkiError(`${file} holds no certificate`, 'put a PEM certificate into it')
  try {
    return blocks.map((block) => thumbprintOf(new X509Certificate(block).raw))
  } catch (thrown) {
    throw new PkiError(`${file} holds a certificate that cannot be read`, 'make it PEM', thrown)
  }
}
