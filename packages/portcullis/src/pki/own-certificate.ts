/** Reads the operator's own certificate and key. */
import { checkKeyPair } from './key-pair.ts'
import type { KeyPair } from './key-pair.ts'
import { readPrivate, readPublic } from './private-file.ts'

/** Paths are absolute, `now` is in milliseconds. Throws PkiError: missing, open to others, not matching, expired. */
export function readOwnCertificate(certificateFile: string, keyFile: string, now: number): KeyPair {
  const place = { certificate: certificateFile, key: keyFile }
  return checkKeyPair(readPublic(certificateFile), readPrivate(keyFile), now, place)
}
