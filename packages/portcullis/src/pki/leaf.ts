/** Keeps the certificate of the listener, which the local authority issues anew when a third of its life is left. */
import type { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Clock } from '../core/clock.ts'
import { OWN_TENANT } from './authority/hierarchy.ts'
import type { IssuedCertificate } from './authority/issued-ledger.ts'
import type { LocalAuthority } from './authority/local-authority.ts'
import { authorityPlaces } from './authority/places.ts'
import { PUBLISHED_PATH } from './authority/pointers.ts'
import { openAuthority } from './authority.ts'
import { checkKeyPair } from './key-pair.ts'
import type { KeyPair } from './key-pair.ts'
import { PkiError } from './pki-error.ts'
import { readPrivate, writeWhole } from './private-file.ts'
import { exportKey, generateKeys } from './signing-key.ts'

const LEAF_DAYS = 30
const DAY_MS = 86_400_000
const RENEW_BEFORE_MS = (LEAF_DAYS / 3) * DAY_MS

const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'] as const

export interface ServerCertificateOptions {
  readonly clock: Clock
  /** Origin at which everybody may ask what is revoked; the certificate says so. */
  readonly url?: string | undefined
  /** Another one whatever the present one is worth. */
  readonly anew?: boolean
  /** Told of each that is issued, and of each intermediate. */
  readonly onIssued?: ((issued: IssuedCertificate) => void) | undefined
  /** Told when the intermediate ends soon, milliseconds, and only the root's key, which is not here, could prolong that. */
  readonly onAging?: ((end: number) => void) | undefined
}

/**
 * The certificate for localhost, 127.0.0.1, ::1 and `names`. Issues one, whole or not at all, if there is none, if it lacks a
 * name, is of another authority, is revoked, or has less than ten days left. Throws PkiError.
 */
export async function serverCertificate(
  folder: string,
  names: readonly string[],
  options: ServerCertificateOptions,
): Promise<KeyPair> {
  const { clock, url, onIssued, anew = false } = options
  const opened = await openAuthority(folder, clock, url, onIssued)
  const wanted: readonly [string, ...string[]] = [LOCAL_NAMES[0], ...new Set([...LOCAL_NAMES.slice(1), ...names])]
  // One file for both: two could be of different issues after a crash.
  const file = authorityPlaces(folder).server
  const existing = anew ? undefined : read(file, clock.now())
  const made =
    opened.is === 'former'
      ? await fromFormer(opened.root, existing, wanted, clock.now())
      : await fromLocal(opened.authority, existing, wanted, options)
  if (made === undefined) return existing as KeyPair
  writeWhole(file, `${made.certificate}${made.key}`, 0o600)
  return checkKeyPair(made.certificate, made.key, clock.now(), { certificate: file, key: file })
}

type Made = Pick<KeyPair, 'certificate' | 'key'> | undefined

async function fromFormer(
  root: KeyPair,
  existing: KeyPair | undefined,
  names: readonly [string, ...string[]],
  now: number,
): Promise<Made> {
  if (existing !== undefined && fits(existing, root.leaf, names, now)) return undefined
  const { issueServer } = await import('./issue.ts')
  return issueServer(root, names, LEAF_DAYS, now)
}

async function fromLocal(
  authority: LocalAuthority,
  existing: KeyPair | undefined,
  names: readonly string[],
  { clock, url, onIssued, onAging }: ServerCertificateOptions,
): Promise<Made> {
  const signer = await authority.signer()
  const ends = await authority.endsSoon()
  if (ends !== undefined) onAging?.(ends)
  const isGood = (pair: KeyPair): boolean =>
    authority.find(pair.leaf.serialNumber)?.revoked === undefined && pointsTo(pair, url)
  if (existing !== undefined && fits(existing, signer.leaf, names, clock.now(), ends) && isGood(existing))
    return undefined
  const keys = await generateKeys()
  const wish = { tenant: OWN_TENANT, use: 'server', names, lifeMs: LEAF_DAYS * DAY_MS, by: 'gateway' } as const
  const { chain, issued } = await authority.issueOwn(wish, keys.publicKey)
  onIssued?.(issued)
  return { certificate: chain, key: await exportKey(keys.privateKey) }
}

/** Whether it says where to ask, as it should now. */
function pointsTo({ leaf }: KeyPair, url: string | undefined): boolean {
  const access = leaf.infoAccess ?? ''
  return url === undefined ? access === '' : access.includes(`URI:${url}${PUBLISHED_PATH}/ocsp`)
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

/** One that ends with its issuer, which nothing can prolong, would not last longer if it were made again. */
function fits(
  pair: KeyPair,
  issuer: X509Certificate,
  names: readonly string[],
  now: number,
  issuerEnds = Number.POSITIVE_INFINITY,
): boolean {
  if (pair.expiresAt - now < RENEW_BEFORE_MS && pair.expiresAt < issuerEnds) return false
  if (!pair.leaf.checkIssued(issuer) || !pair.leaf.verify(issuer.publicKey)) return false
  return names.every((name) => (isIP(name) === 0 ? pair.leaf.checkHost(name) : pair.leaf.checkIP(name)) !== undefined)
}
