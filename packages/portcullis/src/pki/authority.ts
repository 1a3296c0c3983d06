/**
 * Decides who signs the listener's certificate: an intermediate of the local authority, or, where an earlier set-up made a root
 * that may sign leaves only, that root for as long as its key is there. Clients trust that root alone, so it goes on until the
 * operator, who knows what they trust by now, takes its key away.
 */
import { existsSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import type { Announce } from './authority/hierarchy.ts'
import { LocalAuthority } from './authority/local-authority.ts'
import { authorityPlaces } from './authority/places.ts'
import { checkKeyPair, type KeyPair } from './key-pair.ts'
import { PkiError } from './pki-error.ts'
import { privateFolder, readPrivate, readPublic } from './private-file.ts'

/** The file that clients trust, for instance by NODE_EXTRA_CA_CERTS. */
export function authorityFile(folder: string): string {
  return authorityPlaces(folder).bundle
}

export type ListenerAuthority =
  | { readonly is: 'former'; readonly root: KeyPair }
  | { readonly is: 'local'; readonly authority: LocalAuthority }

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/

/**
 * Opens the authority in `folder`, or makes one where there is none. Half an authority is an error: a new one in its place
 * would lock out every client that trusts the old one. Throws PkiError.
 */
export async function openAuthority(
  folder: string,
  clock: Clock,
  url?: string,
  announce?: Announce,
): Promise<ListenerAuthority> {
  privateFolder(folder)
  const { bundle, formerKey, issuer } = authorityPlaces(folder)
  const [hasBundle, hasKey, hasIssuer] = [bundle, formerKey, issuer].map((file) => existsSync(file))
  if (hasKey !== hasBundle && !hasIssuer) {
    throw new PkiError(
      `the local authority in ${folder} lacks a file`,
      'restore it, or remove the folder to begin anew',
    )
  }
  if (hasKey && hasBundle) return { is: 'former', root: formerRoot(bundle, formerKey, clock.now()) }
  return { is: 'local', authority: await LocalAuthority.open({ folder, clock, url, announce }) }
}

/** The first of the bundle; the root of what came later stands behind it. */
function formerRoot(bundle: string, keyFile: string, now: number): KeyPair {
  const [first = ''] = BLOCK.exec(readPublic(bundle)) ?? []
  const root = checkKeyPair(first, readPrivate(keyFile), now, { certificate: bundle, key: keyFile })
  if (!root.leaf.ca) throw new PkiError(`${bundle} is no authority`, 'restore it, or remove the folder')
  return root
}
