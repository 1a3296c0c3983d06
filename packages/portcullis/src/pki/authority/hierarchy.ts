/**
 * Keeps root and intermediates. The root's key signs intermediates and the list of those that are revoked; for everything else
 * an intermediate is enough, so the root's key can be kept elsewhere. Reading loads no library; making does.
 */
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PkiError } from '../pki-error.ts'
import { privateFolder, readPrivate, readPublic, syncFolder, writeWhole } from '../private-file.ts'
import { type IssuedCertificate, IssuedLedger } from './issued-ledger.ts'
import { type Issuer, issuerId } from './issuer.ts'
import type { Pointers } from './make-certificate.ts'
import { authorityPlaces, intermediatePlaces } from './places.ts'

export interface Hierarchy {
  readonly root: Pick<Issuer, 'id' | 'leaf' | 'certificate'>
  /** Those that have not expired, newest first. */
  readonly intermediates: readonly Issuer[]
}

/** Called with an intermediate that is going to be made; when it rejects, none is. */
export type Announce = (planned: IssuedCertificate) => Promise<void> | void

const unannounced: Announce = () => undefined

/** Whom the records name where nobody asked for a certificate. */
export const OWN_TENANT = '@gateway'

/** Undefined when none was made yet. Throws PkiError for one that lacks a part. `now` in milliseconds. */
export function readHierarchy(folder: string, now: number): Hierarchy | undefined {
  const places = authorityPlaces(folder)
  if (!existsSync(places.issuer)) return undefined
  privateFolder(places.issuer)
  const root = parsed(readPublic(places.root), places.root)
  if (!existsSync(places.ledger)) throw lacks(folder, 'its ledger')
  const folders = readdirSync(places.issuer, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const all = folders.filter(({ name }) => /^[0-9a-f]{16}$/.test(name)).map(({ name }) => join(places.issuer, name))
  if (all.length === 0) throw lacks(folder, 'every intermediate')
  const intermediates = all
    .map((one) => readIntermediate(one, root.leaf))
    .filter(({ leaf }) => leaf.validToDate.getTime() > now)
    .toSorted((a, b) => b.leaf.validFromDate.getTime() - a.leaf.validFromDate.getTime())
  return { root, intermediates }
}

/** Reads the hierarchy, or makes it, whole or not at all: of several processes at once one is first. Throws PkiError. */
export async function openHierarchy(
  folder: string,
  now: number,
  pointers?: Pointers,
  announce = unannounced,
): Promise<Hierarchy> {
  const found = readHierarchy(folder, now)
  if (found !== undefined) {
    keepBundle(folder, found.root.certificate)
    return found
  }
  privateFolder(folder)
  await make(folder, now, pointers, announce)
  const made = readHierarchy(folder, now)
  if (made === undefined) throw lacks(folder, 'its issuer')
  keepBundle(folder, made.root.certificate)
  return made
}

/** Puts another intermediate beside the others. Throws PkiError when the root's key is not there. */
export async function addIntermediate(
  folder: string,
  now: number,
  pointers?: Pointers,
  announce = unannounced,
): Promise<void> {
  const { issuer, root, ledger } = authorityPlaces(folder)
  const key = rootKey(folder)
  const draft = draftOf(folder)
  try {
    const made = await writeIntermediate(draft, { certificate: readPublic(root), key }, now, pointers)
    await announce(made.record)
    new IssuedLedger(ledger).issued(made.record)
    renameSync(draft, join(issuer, made.id))
    syncFolder(issuer)
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true })
    throw thrown
  }
  await writeRootList(folder, now)
}

/** Signs the list of revoked intermediates anew; it holds for as long as the longest-lived of them. */
export async function writeRootList(folder: string, now: number): Promise<void> {
  const { root, rootList, ledger } = authorityPlaces(folder)
  const signer = { ...parsed(readPublic(root), root), key: rootKey(folder) }
  const { listOf } = await import('./revocation-list.ts')
  const kept = new IssuedLedger(ledger)
  const issued = kept.all().filter(({ issuer }) => issuer === signer.id)
  const nextUpdate = Math.max(...issued.map(({ notAfter }) => notAfter), now + 86_400_000)
  const moment = { now, nextUpdate, number: kept.nextListNumber(signer.id, now) }
  writeWhole(rootList, listOf(signer, issued, moment), 0o600)
}

/** PEM. Throws PkiError when it was taken away, which is how it should be most of the time. */
export function rootKey(folder: string): string {
  const file = authorityPlaces(folder).rootKey
  if (existsSync(file)) return readPrivate(file)
  throw new PkiError(
    `the key of the root is not in ${file}`,
    'this needs it: bring it back from where it is kept, and take it away afterwards',
  )
}

export const hasRootKey = (folder: string): boolean => existsSync(authorityPlaces(folder).rootKey)

async function make(folder: string, now: number, pointers: Pointers | undefined, announce: Announce): Promise<void> {
  const { makeRoot } = await import('./make-certificate.ts')
  const draft = draftOf(folder)
  const inside = authorityPlaces(folder)
  const at = (file: string) => join(draft, file.slice(inside.issuer.length + 1))
  try {
    const root = await makeRoot(now)
    writeWhole(at(inside.root), root.certificate, 0o644)
    writeWhole(at(inside.rootKey), root.key, 0o600)
    writeWhole(at(inside.ledger), '', 0o600)
    const first = join(draft, 'first')
    mkdirSync(first, { mode: 0o700 })
    const { id, record } = await writeIntermediate(first, root, now, pointers)
    renameSync(first, join(draft, id))
    await announce(record)
    const ledger = new IssuedLedger(at(inside.ledger))
    ledger.issued(record)
    const { listOf } = await import('./revocation-list.ts')
    const signer = { ...parsed(root.certificate, inside.root), key: root.key }
    const moment = { now, nextUpdate: record.notAfter, number: ledger.nextListNumber(signer.id, now) }
    writeWhole(at(inside.rootList), listOf(signer, [record], moment), 0o600)
    syncFolder(draft)
    renameSync(draft, inside.issuer)
    syncFolder(folder)
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true })
    // Another process was first: its hierarchy is the one.
    if (!['ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown
  }
}

async function writeIntermediate(
  folder: string,
  root: { readonly certificate: string; readonly key: string },
  now: number,
  pointers: Pointers | undefined,
): Promise<{ readonly id: string; readonly record: IssuedCertificate }> {
  const { makeIntermediate } = await import('./make-certificate.ts')
  const made = await makeIntermediate(root, now, pointers)
  const places = intermediatePlaces(folder)
  writeWhole(places.key, made.key, 0o600)
  writeWhole(places.certificate, made.certificate, 0o644)
  const leaf = new X509Certificate(made.certificate)
  const common = { tenant: OWN_TENANT, use: 'authority', names: [], issuedAt: now, issuedBy: 'gateway' } as const
  const issuer = issuerId(new X509Certificate(root.certificate))
  return { id: issuerId(leaf), record: { ...common, issuer, ...factsOf(leaf) } }
}

/** What the ledger takes from the certificate itself. */
export function factsOf(leaf: X509Certificate) {
  return {
    serial: leaf.serialNumber.toLowerCase(),
    subject: leaf.subject.replaceAll('\n', ', '),
    thumbprint: createHash('sha256').update(leaf.raw).digest('base64url'),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  }
}

function readIntermediate(folder: string, root: X509Certificate): Issuer {
  const places = intermediatePlaces(folder)
  const read = parsed(readPublic(places.certificate), places.certificate)
  const { leaf } = read
  if (!leaf.ca || !leaf.checkIssued(root) || !leaf.verify(root.publicKey))
    throw new PkiError(`${places.certificate} was not issued by the root`, 'restore the authority from a backup')
  return { ...read, key: readPrivate(places.key) }
}

function parsed(certificate: string, file: string) {
  try {
    const leaf = new X509Certificate(certificate)
    return { id: issuerId(leaf), leaf, certificate }
  } catch (thrown) {
    throw new PkiError(`${file} holds no certificate that can be read`, 'restore the authority from a backup', thrown)
  }
}

/** What clients trust already stays, so that an earlier root and this one hold side by side. */
function keepBundle(folder: string, root: string): void {
  const { bundle } = authorityPlaces(folder)
  const before = existsSync(bundle) ? readPublic(bundle) : ''
  if (!before.includes(root.trim())) writeWhole(bundle, before === '' ? root : `${before.trimEnd()}\n${root}`, 0o644)
}

function draftOf(folder: string): string {
  const draft = join(folder, `draft-${randomBytes(6).toString('hex')}`)
  mkdirSync(draft, { mode: 0o700 })
  return draft
}

const lacks = (folder: string, what: string): PkiError =>
  new PkiError(
    `the local authority in ${folder} lacks ${what}`,
    'restore it from a backup; without it what is revoked would be good again',
  )
