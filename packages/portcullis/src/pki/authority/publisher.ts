/** Decides what everybody may be told of the local authority: who is revoked, and the certificates of intermediates. */
import { readFileSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import { PkiError } from '../pki-error.ts'
import { type Hierarchy, readHierarchy } from './hierarchy.ts'
import { type IssuedCertificate, IssuedLedger } from './issued-ledger.ts'
import type { Issuer } from './issuer.ts'
import { answerQuestion } from './ocsp-responder.ts'
import { authorityPlaces } from './places.ts'
import { listOf } from './revocation-list.ts'

const LIST_VALID_MS = 86_400_000
const LIST_FRESH_MS = LIST_VALID_MS / 2
/** For so long the folder is not looked into again; the ledger always is. */
const HIERARCHY_MS = 1_000

interface MadeList {
  readonly bytes: Buffer
  readonly revision: number
  readonly freshUntil: number
}

export class Publisher {
  readonly #folder: string
  readonly #clock: Clock
  readonly #ledger: IssuedLedger
  readonly #lists = new Map<string, MadeList>()
  #known: { readonly at: number; readonly hierarchy: Hierarchy | undefined } | undefined

  /** The hierarchy is there already. Throws PkiError when the ledger cannot be read. */
  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
    this.#ledger = new IssuedLedger(authorityPlaces(folder).ledger)
  }

  /** DER of the list of `root` or of an intermediate; undefined for whoever is none. Throws PkiError. */
  list(issuer: string): Buffer | undefined {
    if (issuer === 'root') return this.#rootList()
    const signer = this.#intermediates().find(({ id }) => id === issuer)
    if (signer === undefined) return undefined
    const now = this.#clock.now()
    const { revision } = this.#ledger
    const known = this.#lists.get(issuer)
    if (known !== undefined && known.revision === revision && now < known.freshUntil) return known.bytes
    const issued = this.#ledger.all().filter((one) => one.issuer === issuer)
    const nextUpdate = Math.min(now + LIST_VALID_MS, signer.leaf.validToDate.getTime())
    const bytes = listOf(signer, issued, { now, nextUpdate, number: this.#ledger.nextListNumber(issuer, now) })
    this.#lists.set(issuer, { bytes, revision, freshUntil: now + LIST_FRESH_MS })
    return bytes
  }

  /** DER of the certificate of an intermediate; undefined for whoever is none. The root is nobody's to fetch: it is handed over. */
  certificate(issuer: string): Buffer | undefined {
    return this.#intermediates().find(({ id }) => id === issuer)?.leaf.raw
  }

  /** Both are DER. Throws PkiError when the ledger cannot be read. */
  ocsp(request: Buffer): Buffer {
    return answerQuestion(request, {
      issuers: this.#intermediates(),
      find: (issuer, serial) => this.#find(issuer, serial),
      now: this.#clock.now(),
    })
  }

  /** What a revoked intermediate has issued is revoked with it, whoever made it (RFC 6960 §2.7). */
  #find(issuer: string, serial: string): IssuedCertificate | undefined {
    const found = this.#ledger.find(issuer, serial)
    const signer = this.#intermediates().find(({ id }) => id === issuer)
    const root = this.#hierarchy()?.root
    const above = signer && root && this.#ledger.find(root.id, signer.leaf.serialNumber.toLowerCase())
    const revoked = found?.revoked ?? above?.revoked
    return found && revoked ? { ...found, revoked } : found
  }

  #rootList(): Buffer {
    const { rootList } = authorityPlaces(this.#folder)
    try {
      return readFileSync(rootList)
    } catch (cause) {
      const right = 'bring the key of the root back and revoke an intermediate again, or restore it from a backup'
      throw new PkiError(`the list of the root cannot be read from ${rootList}`, right, cause)
    }
  }

  #intermediates(): readonly Issuer[] {
    return this.#hierarchy()?.intermediates ?? []
  }

  #hierarchy(): Hierarchy | undefined {
    const now = this.#clock.now()
    if (this.#known === undefined || Math.abs(now - this.#known.at) >= HIERARCHY_MS)
      this.#known = { at: now, hierarchy: readHierarchy(this.#folder, now) }
    return this.#known.hierarchy
  }
}
