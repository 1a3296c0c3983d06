/**
 * Revocation lists that the operator keeps in files: whole ones, their deltas, and such as complete each other because each is about
 * some reasons alone. A certificate is good when all that are about it say so and none lacks (RFC 5280 §6.3.3).
 */
import { readFileSync, statSync } from 'node:fs'
import { PkiError } from '../pki-error.ts'
import { ALL_REASONS } from '../validation/distribution-points.ts'
import { asRefusal, CertificateRefused } from '../validation/refused.ts'
import { assertDelta, assertPart, type Link, reasonsOf, statusIn } from './check-list.ts'
import { readList, type RevocationList } from './crl.ts'
import type { Status } from './status.ts'

/** Read again when a file has changed. */
export class ListFiles {
  readonly #files: readonly string[]
  readonly #read = new Map<string, { readonly mark: string; readonly list: RevocationList }>()

  /** Throws PkiError for a file that cannot be read, holds no list, or one that is past its date. `now` in milliseconds. */
  constructor(files: readonly string[], now: number) {
    this.#files = files
    for (const file of files) {
      const { nextUpdate } = this.#open(file)
      if (now <= nextUpdate) continue
      const date = new Date(nextUpdate).toISOString()
      throw new PkiError(`the revocation list ${file} is past its date, which was ${date}`, 'put the current one there')
    }
    this.#assertWhole()
  }

  /** Undefined when no file is about the issuer of the link. Throws CertificateRefused `crl_…`, or PkiError. */
  async statusOf(link: Link, now: number): Promise<Status | undefined> {
    const { issuer } = link.certificate
    const ofIssuer = this.#files.map((file) => this.#open(file)).filter((list) => list.issuer.key === issuer.key)
    const deltas = ofIssuer.filter(({ base }) => base !== undefined)
    let problem: CertificateRefused | undefined
    let revoked: Status | undefined
    let reasons = 0
    for (const list of ofIssuer.filter(({ base }) => base === undefined)) {
      try {
        const status = await statusWith(list, deltas, link, now)
        // An older list that was left there must not hide what a newer one says.
        if (status.is === 'revoked') revoked ??= status
        reasons |= reasonsOf(list, link.certificate)
      } catch (thrown) {
        problem = asRefusal(thrown, 'crl_malformed')
      }
    }
    if (revoked !== undefined) return revoked
    if (reasons === ALL_REASONS) return { is: 'good' }
    if (problem !== undefined) throw problem
    if (ofIssuer.length > 0) throw new CertificateRefused('crl_scope', { what: 'some reasons alone' })
    return undefined
  }

  /** A delta that changes nothing of what is there would count for nothing, and nobody would see it. */
  #assertWhole(): void {
    const lists = this.#files.map((file) => ({ file, list: this.#open(file) }))
    for (const { file, list: delta } of lists) {
      if (delta.base === undefined || lists.some(({ list }) => isOf(delta, list))) continue
      const right = 'put the whole list beside it, or leave it out'
      throw new PkiError(`${file} is a delta, and the list that it changes is not among the files`, right)
    }
  }

  #open(file: string): RevocationList {
    try {
      const { dev, ino, size, mtimeNs } = statSync(file, { bigint: true })
      const mark = [dev, ino, size, mtimeNs].join(' ')
      const known = this.#read.get(file)
      if (known?.mark === mark) return known.list
      const list = readList(readFileSync(file))
      this.#read.set(file, { mark, list })
      return list
    } catch (cause) {
      throw new PkiError(
        `${file} holds no revocation list that can be read`,
        'write a whole one there, DER or PEM',
        cause,
      )
    }
  }
}

/** Whether `delta` is one of the lists that `list` belongs to, whatever their numbers. */
const isOf = (delta: RevocationList, list: RevocationList): boolean =>
  list.base === undefined && list.issuer.key === delta.issuer.key && list.scopeDer === delta.scopeDer

/**
 * What `list` says with its newest delta. One that cannot be believed, or that changes a later list than this one, is no news
 * that may be passed over: the operator put it there, and what it says is not known.
 */
async function statusWith(
  list: RevocationList,
  deltas: readonly RevocationList[],
  link: Link,
  now: number,
): Promise<Status> {
  await assertPart(list, link, now)
  const news = deltas.filter((delta) => isOf(delta, list) && delta.number >= list.number)
  for (const delta of news) await assertDelta(delta, list, link, now)
  const newest = news.toSorted((a, b) => (a.number < b.number ? 1 : -1))[0]
  return statusIn(list, link.certificate.serial, newest)
}
