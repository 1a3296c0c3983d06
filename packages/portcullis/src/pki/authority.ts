/** Keeps the local authority: a root that signs nothing but the gateway's own listener certificates. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkKeyPair } from './key-pair.ts'
import type { KeyPair } from './key-pair.ts'
import { PkiError } from './pki-error.ts'
import { privateFolder, readPrivate, readPublic, writeWhole } from './private-file.ts'

const AUTHORITY_DAYS = 3650

/** The file that clients trust, for instance by NODE_EXTRA_CA_CERTS. */
export function authorityFile(folder: string): string {
  return join(folder, 'ca.crt')
}

/**
 * Opens the authority in `folder`, or makes one where there is none. Half an authority is an error: a new one in its place
 * would lock out every client that trusts the old one. Throws PkiError.
 */
export async function openAuthority(folder: string, now: number): Promise<KeyPair> {
  privateFolder(folder)
  const place = { certificate: authorityFile(folder), key: join(folder, 'ca.key') }
  const found = [place.certificate, place.key].filter((file) => existsSync(file))
  if (found.length === 1) {
    throw new PkiError(
      `the local authority in ${folder} lacks a file`,
      'restore it, or remove the folder to begin anew',
    )
  }
  if (found.length === 0) await create(place, now)
  const authority = checkKeyPair(readPublic(place.certificate), readPrivate(place.key), now, place)
  if (!authority.leaf.ca) throw new PkiError(`${place.certificate} is no authority`, 'restore it, or remove the folder')
  return authority
}

async function create(place: { readonly certificate: string; readonly key: string }, now: number): Promise<void> {
  const { issueAuthority } = await import('./issue.ts')
  const issued = await issueAuthority('Portcullis local authority', AUTHORITY_DAYS, now)
  writeWhole(place.key, issued.key, 0o600)
  writeWhole(place.certificate, issued.certificate, 0o644)
}
