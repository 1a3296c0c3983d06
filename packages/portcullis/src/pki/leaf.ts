/** Keeps the certificate of the listener, which the local authority issues anew when a third of its life is left. */
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { openAuthority } from './authority.ts'
import { checkKeyPair } from './key-pair.ts'
import type { KeyPair } from './key-pair.ts'
import { PkiError } from './pki-error.ts'
import { readPrivate, writeWhole } from './private-file.ts'

const LEAF_DAYS = 30
const RENEW_BEFORE_MS = (LEAF_DAYS / 3) * 86_400_000

const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'] as const

/**
 * The certificate for localhost, 127.0.0.1, ::1 and `names`; `now` in milliseconds. Issues one, whole or not at all, if
 * there is none, if it lacks a name, is of another authority, or has less than ten days left. Throws PkiError.
 */
export async function serverCertificate(folder: string, names: readonly string[], now: number): Promise<KeyPair> {
  const authority = await openAuthority(folder, now)
  const wanted: readonly [string, ...string[]] = [LOCAL_NAMES[0], ...new Set([...LOCAL_NAMES.slice(1), ...names])]
  // One file for both: two could be of different issues after a crash.
  const file = join(folder, 'server.pem')
  const existing = read(file, now)
  if (existing !== undefined && fits(existing, authority, wanted, now)) return existing
  const { issueServer } = await import('./issue.ts')
  const issued = await issueServer(authority, wanted, LEAF_DAYS, now)
  writeWhole(file, `${issued.certificate}${issued.key}`, 0o600)
  return checkKeyPair(issued.certificate, issued.key, now, { certificate: file, key: file })
}

/** Nothing when there is no usable file: it is ours to replace. A file that others can read is an error, not a reason. */
function read(file: string, now: number): KeyPair | undefined {
  if (!existsSync(file)) return undefined
  const content = readPrivate(file)
  const keyAt = content.indexOf('-----BEGIN PRIVATE KEY-----')
  if (keyAt < 0) return undefined
  try {
    return checkKeyPair(content.slice(0, keyAt), content.slice(keyAt), now, { certificate: file, key: file })
  } catch (thrown) {
    if (thrown instanceof PkiError) return undefined
    throw thrown
  }
}

function fits(pair: KeyPair, authority: KeyPair, names: readonly string[], now: number): boolean {
  if (pair.expiresAt - now < RENEW_BEFORE_MS) return false
  if (!pair.leaf.checkIssued(authority.leaf) || !pair.leaf.verify(authority.leaf.publicKey)) return false
  return names.every((name) => (isIP(name) === 0 ? pair.leaf.checkHost(name) : pair.leaf.checkIP(name)) !== undefined)
}
