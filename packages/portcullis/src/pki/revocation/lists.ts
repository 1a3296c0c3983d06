/** Where revocation lists come from: the network, and what was fetched before. */
import type { DistributionPoint } from '../validation/distribution-points.ts'
import { CertificateRefused } from '../validation/refused.ts'
import { assertDelta, assertList, type Link, statusIn } from './check-list.ts'
import { readList, type RevocationList } from './crl.ts'
import { Remembered } from './remembered.ts'
import type { Status } from './status.ts'

/** Rejects for whatever does not come whole, in time and in the size that is allowed. */
export type FetchBytes = (url: string, body?: { readonly type: string; readonly bytes: Buffer }) => Promise<Buffer>

/** Keeps lists over restarts, so that a distribution point that is down for an hour stops nobody. Neither call throws. */
export interface ListStore {
  read(url: string): Promise<Buffer | undefined>
  write(url: string, bytes: Buffer): Promise<void>
}

const MAX_LISTS = 200
/** A list is asked for again after this, however long it says that it is good. */
const REFRESH_MS = 3_600_000
const RETRY_MS = 10_000
const MAX_POINTS_ASKED = 4

/** Lists that distribution points give. One for the whole gateway, so that each is fetched once. */
export class FetchedLists {
  readonly #store: ListStore | undefined
  readonly #fetched = new Remembered<RevocationList>({
    max: MAX_LISTS,
    freshUntil: ({ nextUpdate }, now) => Math.min(nextUpdate, now + REFRESH_MS),
    retryMs: RETRY_MS,
  })
  /** The newest that was believed: who can change what we fetch could bring an older one again. */
  readonly #believed = new Map<string, RevocationList>()

  constructor(store?: ListStore) {
    this.#store = store
  }

  /** Throws CertificateRefused `crl_…`: the problem of the last distribution point that was asked. */
  async statusOf(link: Link, fetch: FetchBytes, now: number): Promise<Status> {
    let problem = new CertificateRefused('crl_unreachable', { what: 'no distribution point that can be asked' })
    for (const url of urlsOf(link.certificate.distributionPoints)) {
      try {
        const list = await this.#get(url, link, fetch, now)
        const delta = await this.#deltaOf(list, link, fetch, now)
        return statusIn(list, link.certificate.serial, delta)
      } catch (thrown) {
        problem =
          thrown instanceof CertificateRefused ? thrown : new CertificateRefused('crl_unreachable', { url }, thrown)
      }
    }
    throw problem
  }

  /** The newest that can be believed, of what is fetched and what was believed before, be it before the last start. */
  async #get(url: string, link: Link, fetch: FetchBytes, now: number): Promise<RevocationList> {
    const kept = this.#believed.get(url) ?? (await this.#stored(url))
    const problems: unknown[] = []
    const believed = async (from: () => Promise<RevocationList>): Promise<RevocationList | undefined> => {
      try {
        const list = await from()
        if (list.base !== undefined)
          throw new CertificateRefused('crl_scope', { what: 'a delta in the place of a list' })
        await assertList(list, link, now)
        return list
      } catch (thrown) {
        problems.push(thrown)
        return undefined
      }
    }
    const fetched = await believed(() => this.#fetched.get(url, now, () => fetchList(url, fetch)))
    const earlier = kept === undefined || kept === fetched ? undefined : await believed(() => Promise.resolve(kept))
    const list = fetched === undefined || (earlier !== undefined && earlier.number > fetched.number) ? earlier : fetched
    if (list === undefined) throw problems[0]
    if (list !== kept) await this.#store?.write(url, list.der)
    this.#believe(url, list)
    return list
  }

  async #stored(url: string): Promise<RevocationList | undefined> {
    const bytes = await this.#store?.read(url)
    try {
      return bytes && readList(bytes)
    } catch {
      return undefined
    }
  }

  #believe(url: string, list: RevocationList): void {
    this.#believed.delete(url)
    this.#believed.set(url, list)
    const [oldest] = this.#believed.keys()
    if (this.#believed.size > MAX_LISTS && oldest !== undefined) this.#believed.delete(oldest)
  }

  /** The whole list is good by its own date; a delta that cannot be had or believed only makes it less new. */
  async #deltaOf(
    list: RevocationList,
    link: Link,
    fetch: FetchBytes,
    now: number,
  ): Promise<RevocationList | undefined> {
    const [url] = urlsOf([...list.freshest, ...link.certificate.freshest])
    if (url === undefined) return undefined
    try {
      const delta = await this.#fetched.get(url, now, () => fetchList(url, fetch))
      await assertDelta(delta, list, link, now)
      return delta
    } catch {
      return undefined
    }
  }
}

async function fetchList(url: string, fetch: FetchBytes): Promise<RevocationList> {
  let bytes: Buffer
  try {
    bytes = await fetch(url)
  } catch (cause) {
    throw new CertificateRefused('crl_unreachable', { url }, cause)
  }
  return readList(bytes)
}

/** Points that cover all reasons and whose lists the authority itself signs. */
export const urlsOf = (points: readonly DistributionPoint[]): readonly string[] =>
  points
    .filter(({ reasons, indirect }) => reasons === undefined && !indirect)
    .flatMap(({ urls }) => urls)
    .filter((url) => /^https?:\/\//i.test(url))
    .slice(0, MAX_POINTS_ASKED)
