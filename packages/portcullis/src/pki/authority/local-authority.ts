/** Decides what the local authority issues, for how long, and what it takes back. */
import { X509Certificate } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { PkiError } from '../pki-error.ts'
import { readPublic } from '../private-file.ts'
import {
  addIntermediate,
  type Announce,
  factsOf,
  hasRootKey,
  type Hierarchy,
  openHierarchy,
  rootKey,
  writeRootList,
} from './hierarchy.ts'
import { type IssuedCertificate, IssuedLedger } from './issued-ledger.ts'
import type { Issuer } from './issuer.ts'
import type { LeafWish } from './make-certificate.ts'
import { shownName, subjectNames } from './names.ts'
import { authorityPlaces } from './places.ts'
import { pointersTo } from './pointers.ts'
import { REASONS, type ReasonWord } from './reasons.ts'

export interface LocalAuthorityOptions {
  /** Absolute. */
  readonly folder: string
  readonly clock: Clock
  /** Origin at which everybody may ask what is revoked; absent where nobody may: then no certificate says so. */
  readonly url?: string | undefined
  /** Told of each intermediate before it is made. */
  readonly announce?: Announce | undefined
}

export interface Wish {
  readonly tenant: string
  readonly use: 'server' | 'client'
  /** Common name; the first name when absent. */
  readonly subject?: string | undefined
  readonly names: readonly string[]
  readonly lifeMs: number
  /** PKCS #10, PEM. */
  readonly request: string
  readonly by: string
  readonly replaces?: string
}

/** Called with what is going to be issued or revoked; when it rejects, nothing is. */
export type Before = (planned: IssuedCertificate) => Promise<void>

export interface Handed {
  readonly issued: IssuedCertificate
  /** The certificate and the intermediate that signed it, PEM. */
  readonly chain: string
}

const MAX_SUBJECT_CHARS = 64

export class LocalAuthority {
  readonly #options: LocalAuthorityOptions
  readonly #ledger: IssuedLedger

  private constructor(options: LocalAuthorityOptions) {
    this.#options = options
    this.#ledger = new IssuedLedger(authorityPlaces(options.folder).ledger)
  }

  /** Makes the authority where there is none. Rejects with PkiError. */
  static async open(options: LocalAuthorityOptions): Promise<LocalAuthority> {
    const { folder, clock, url, announce } = options
    await openHierarchy(folder, clock.now(), url === undefined ? undefined : pointersTo(url, 'root'), announce)
    return new LocalAuthority(options)
  }

  /** All that were issued, oldest first. Throws PkiError when the ledger is damaged. */
  list(): readonly IssuedCertificate[] {
    return this.#ledger.all()
  }

  /** Undefined when no such serial number was given; upper case and colons, as other programs show them, do no harm. */
  find(serial: string): IssuedCertificate | undefined {
    const plain = serial
      .toLowerCase()
      .replaceAll(':', '')
      .replace(/^(?:00)+/, '')
    return this.#ledger.all().find((one) => one.serial === plain)
  }

  /** PEM of all that clients have to trust. */
  get bundle(): string {
    return readPublic(authorityPlaces(this.#options.folder).bundle)
  }

  get hasRootKey(): boolean {
    return hasRootKey(this.#options.folder)
  }

  /**
   * Whoever signs now: the newest intermediate that is not revoked. Another one is made when a third of its life is left and the
   * root's key is there. Rejects with PkiError when there is neither.
   */
  async signer(): Promise<Issuer> {
    const { folder, clock, url, announce } = this.#options
    const now = clock.now()
    const found = await openHierarchy(folder, now)
    refuseExpiredRoot(found, now)
    const usable = this.#usable(found)
    if (usable !== undefined && (!isAging(usable, now) || !this.hasRootKey)) return usable
    if (!this.hasRootKey) {
      const wrong =
        'every intermediate of the local authority has expired or is revoked, and the key of its root is not here'
      throw new PkiError(
        wrong,
        `bring it back to ${authorityPlaces(folder).rootKey}; another intermediate is made then`,
      )
    }
    await addIntermediate(folder, now, url === undefined ? undefined : pointersTo(url, 'root'), announce)
    return this.#usable(await openHierarchy(folder, now)) ?? this.signer()
  }

  /** When the signer ends, milliseconds, if that is soon and nothing here can prolong it. */
  async endsSoon(): Promise<number | undefined> {
    const signer = await this.signer()
    return isAging(signer, this.#options.clock.now()) ? signer.leaf.validToDate.getTime() : undefined
  }

  /** Rejects with PkiError for names, a subject or a request that cannot be used, and with what `before` rejects with. */
  async issue(wish: Wish, before: Before): Promise<Handed> {
    const names = subjectNames(wish.names, wish.use)
    const subject = subjectOf(wish.subject ?? names[0]?.value)
    const { keyInRequest } = await import('./request.ts')
    const publicKey = await keyInRequest(wish.request)
    return this.#sign({ ...wish, subject, names, publicKey }, before)
  }

  /** As `issue`, for a key of our own. */
  async issueOwn(wish: Omit<Wish, 'request'>, publicKey: LeafWish['publicKey']): Promise<Handed> {
    const names = subjectNames(wish.names, wish.use)
    return this.#sign({ ...wish, subject: subjectOf(names[0]?.value), names, publicKey }, () => Promise.resolve())
  }

  /**
   * What is revoked already stays as it was. An intermediate is put on the root's list, for which the root's key is needed: whoever
   * reads that believes nothing that it has signed. Rejects with PkiError, and with what `before` rejects with.
   */
  async revoke(serial: string, word: ReasonWord, by: string, before: Before): Promise<IssuedCertificate> {
    const found = this.find(serial)
    if (found === undefined) throw new PkiError(`no certificate ${serial} was issued here`, 'look at the list')
    const { folder, clock } = this.#options
    if (found.use === 'authority') rootKey(folder)
    // The list may not have been written when it was revoked.
    if (found.revoked !== undefined && found.use === 'authority') await writeRootList(folder, clock.now())
    if (found.revoked !== undefined) return found
    const revoked = { at: clock.now(), reason: REASONS[word], by }
    await before({ ...found, revoked })
    const now = this.#ledger.revoke(found, revoked)
    if (found.use === 'authority') await writeRootList(folder, clock.now())
    return now
  }

  async #sign(
    wish: Omit<Wish, 'names' | 'request'> & Pick<LeafWish, 'names' | 'publicKey'>,
    before: Before,
  ): Promise<Handed> {
    const { clock, url } = this.#options
    const signer = await this.signer()
    const now = clock.now()
    const { signLeaf } = await import('./make-certificate.ts')
    const pointers = url === undefined ? undefined : pointersTo(url, signer.id)
    const { subject = '', lifeMs, use, names, publicKey, tenant, by, replaces } = wish
    const leafWish = { use, subject, names, publicKey, pointers, notAfter: now + lifeMs }
    const pem = await signLeaf(signer, leafWish, now)
    const issued: IssuedCertificate = {
      ...factsOf(new X509Certificate(pem)),
      ...{ issuer: signer.id, tenant, use, subject, names: names.map(shownName), issuedAt: now, issuedBy: by },
      ...(replaces !== undefined && { replaces }),
    }
    await before(issued)
    this.#ledger.issued(issued)
    return { issued, chain: pem + signer.certificate }
  }

  #usable({ root, intermediates }: Hierarchy): Issuer | undefined {
    return intermediates.find(
      ({ leaf }) => this.#ledger.find(root.id, leaf.serialNumber.toLowerCase())?.revoked === undefined,
    )
  }
}

function refuseExpiredRoot({ root: { leaf } }: Hierarchy, now: number): void {
  if (leaf.validToDate.getTime() > now) return
  const right = 'move the folder of the authority away to begin anew, and have clients trust the new one'
  throw new PkiError(`the root of the local authority expired on ${leaf.validTo}`, right)
}

function isAging({ leaf }: Issuer, now: number): boolean {
  const end = leaf.validToDate.getTime()
  return end - now < (end - leaf.validFromDate.getTime()) / 3
}

/** A common name of 1 to 64 characters (RFC 5280, ub-common-name); a longer name stands among the names alone. */
function subjectOf(text = 'client'): string {
  if (/^[^\p{Cc}\p{Cf}]+$/u.test(text)) return Array.from(text).slice(0, MAX_SUBJECT_CHARS).join('')
  throw new PkiError('the subject is no line of text', 'give a name without control characters')
}
