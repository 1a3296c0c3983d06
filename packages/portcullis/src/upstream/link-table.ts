import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Backoff } from './backoff.ts'
import type { ManagedLink } from './link.ts'

export interface LinkTableOptions {
  readonly clock: Clock
  /** Links of one upstream at a time: shared ones, leased ones and those of sessions. */
  readonly maxLinks: number
  /** After which a link that nobody uses is closed. */
  readonly idleSeconds: number
}

/** Where a link belongs. */
export interface Place {
  /** Links of the same key stand for each other. Undefined for one that a session owns: it is never handed out again. */
  readonly key: string | undefined
  /** Whose link it is; failures of one scope hold up no other. */
  readonly scope: string
  /** Who takes the place, where one scope is that of many; nobody has more than a share of all. */
  readonly owner?: string
}

interface Entry extends Place {
  readonly link: ManagedLink
  readonly openedAt: number
  usedAt: number
  leased: boolean
  borrower: string | undefined
  /** Callers who rely on what the link tells them without a request. */
  holders: number
}

/** One principal gets one of so many parts of the links. */
const SHARES = 4

type Open = () => Promise<ManagedLink>

/**
 * Whether a start that fails may be due to its own scope: to what its client declared, or to what its earlier calls left
 * in a volume.
 */
type Blame = 'everybody' | 'scope'

/** All links to one upstream: bounded in number, closed when idle, opened again when they ended. */
export class LinkTable {
  readonly #options: LinkTableOptions
  readonly #backoff: Backoff
  readonly #shared = new Map<string, Entry>()
  readonly #opening = new Map<string, Promise<ManagedLink>>()
  readonly #starting = new Set<Promise<unknown>>()
  /** Owners of the links that are being opened, each as often as it waits. */
  readonly #startingFor: string[] = []
  readonly #entries = new Set<Entry>()
  readonly #sweeper: NodeJS.Timeout
  #closed = false

  constructor(options: LinkTableOptions, backoff: Backoff) {
    this.#options = options
    this.#backoff = backoff
    this.#sweeper = setInterval(() => this.sweep(), Math.max(100, (options.idleSeconds * 1_000) / 4)).unref()
  }

  get size(): number {
    return this.#entries.size + this.#starting.size
  }

  /** The link of a key: the one that stands, without a promise, or one that is opened for all who ask meanwhile. */
  shared(key: string, scope: string, open: Open, blame: Blame = 'everybody'): ManagedLink | Promise<ManagedLink> {
    const entry = this.#shared.get(key)
    if (entry !== undefined && !entry.link.closed) {
      entry.usedAt = this.#options.clock.now()
      return entry.link
    }
    const opening = this.#opening.get(key)
    if (opening !== undefined) return opening
    const opened = this.#open({ key, scope }, open, blame, (fresh) => this.#shared.set(key, fresh))
    const link = opened.then((fresh) => fresh.link)
    this.#opening.set(key, link)
    const forget = () => this.#opening.delete(key)
    link.then(forget, forget)
    return link
  }

  /** A link for one caller at a time. `release` gives it back; it is used again for the same key. */
  async lease(
    key: string,
    scope: string,
    open: Open,
    owner?: string,
  ): Promise<{ readonly link: ManagedLink; release(): void }> {
    this.#requireShare(owner)
    const idle = [...this.#entries].find((entry) => entry.key === key && !entry.leased && !entry.link.closed)
    const entry = idle ?? (await this.#open({ key, scope, ...ownedBy(owner) }, open, 'scope', lend))
    lend(entry)
    entry.borrower = owner
    const release = (): void => {
      entry.leased = false
      entry.usedAt = this.#options.clock.now()
    }
    return { link: entry.link, release }
  }

  /** A link that its caller closes itself. */
  async own(scope: string, open: Open, owner?: string): Promise<ManagedLink> {
    this.#requireShare(owner)
    return (await this.#open({ key: undefined, scope, ...ownedBy(owner) }, open, 'scope', lend)).link
  }

  /** Keeps a link from being closed as idle. Returns a function that lets go of it. */
  retain(link: unknown): () => void {
    const entry = [...this.#entries].find((one) => one.link === link)
    if (entry === undefined) return () => {}
    entry.holders++
    let held = true
    return () => {
      if (held) entry.holders--
      held = false
      entry.usedAt = this.#options.clock.now()
    }
  }

  /** Drops links that have ended and closes those that nobody has used for long. Runs by itself now and then. */
  sweep(): void {
    const before = this.#options.clock.now() - this.#options.idleSeconds * 1_000
    for (const entry of this.#entries) {
      if (entry.link.closed) this.#drop(entry)
      else if (isIdle(entry) && entry.usedAt <= before) void this.#retire(entry)
    }
  }

  /** Ends the links of some scopes, whatever they carry; the next caller opens another. Resolves with how many there were. */
  async closeWhere(concerns: (scope: string) => boolean): Promise<number> {
    const ending = [...this.#entries].filter(({ scope, link }) => concerns(scope) && !link.closed)
    await Promise.allSettled(ending.map((entry) => this.#retire(entry)))
    return ending.length
  }

  /** Ends all links. Resolves when those that were being opened have ended too. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    const links = [...this.#entries].map((entry) => entry.link)
    this.#entries.clear()
    this.#shared.clear()
    await Promise.allSettled([...this.#starting, ...links.map((link) => link.close())])
  }

  /** `take` is called before anybody else can see the new link, and so before it can be closed to make room. */
  async #open(place: Place, open: Open, blame: Blame, take: (entry: Entry) => void): Promise<Entry> {
    if (this.#closed) throw new Fault('upstream.ended', { reason: 'the upstream was closed' })
    this.#makeRoom()
    this.#backoff.mayTry(place.scope)
    const starting = this.#start(open)
    this.#starting.add(starting)
    const { owner } = place
    if (owner !== undefined) this.#startingFor.push(owner)
    try {
      const link = await starting
      const now = this.#options.clock.now()
      const entry = { ...place, link, openedAt: now, usedAt: now, leased: false, borrower: owner, holders: 0 }
      take(entry)
      this.#entries.add(entry)
      return entry
    } catch (thrown) {
      if (!this.#closed && !isAboutCredential(thrown)) this.#backoff.failed(blame === 'scope' ? place.scope : undefined)
      throw thrown
    } finally {
      this.#starting.delete(starting)
      if (owner !== undefined) this.#startingFor.splice(this.#startingFor.indexOf(owner), 1)
    }
  }

  async #start(open: Open): Promise<ManagedLink> {
    const link = await open()
    if (!this.#closed) return link
    await link.close()
    throw new Fault('upstream.ended', { reason: 'the upstream was closed' })
  }

  /** Who has its share of links in use waits for one of its own, while others still find room. */
  #requireShare(owner: string | undefined): void {
    if (owner === undefined) return
    const isInUse = (entry: Entry) => entry.borrower === owner && !isIdle(entry) && !entry.link.closed
    const inUse = [...this.#entries].filter(isInUse).length
    const waiting = this.#startingFor.filter((one) => one === owner).length
    const share = Math.max(1, Math.ceil(this.#options.maxLinks / SHARES))
    if (inUse + waiting >= share) throw new Fault('limits.concurrency', { reason: 'links of one principal', share })
  }

  /** Ended links go first, then the one that nobody has used for longest. */
  #makeRoom(): void {
    for (const entry of this.#entries) if (entry.link.closed) this.#drop(entry)
    if (this.size < this.#options.maxLinks) return
    const [oldest] = [...this.#entries].filter(isIdle).sort((a, b) => a.usedAt - b.usedAt)
    if (oldest === undefined) {
      throw new Fault('upstream.unavailable', { reason: 'too many links', maxLinks: this.#options.maxLinks })
    }
    void this.#retire(oldest)
  }

  /** The link is not handed out any more; its end takes as long as it takes. */
  #retire(entry: Entry): Promise<void> {
    this.#entries.delete(entry)
    if (entry.key !== undefined && this.#shared.get(entry.key) === entry) this.#shared.delete(entry.key)
    return entry.link.close()
  }

  #drop(entry: Entry): void {
    void this.#retire(entry)
    if (isCrash(entry)) this.#backoff.ended(entry.scope, entry.openedAt)
  }
}

/** Where a link does not tell how it ended, only that of a session may have been closed by its owner. */
const isCrash = ({ key, link }: Entry): boolean =>
  link.ending === undefined ? key !== undefined : link.ending === 'crashed'

const ownedBy = (owner: string | undefined): Pick<Place, 'owner'> => (owner === undefined ? {} : { owner })

const lend = (entry: Entry): void => {
  entry.leased = true
}

const isIdle = (entry: Entry): boolean => !entry.leased && entry.holders === 0 && entry.link.inFlight === 0

/** One caller's credential that is missing or refused must not keep the others waiting. */
function isAboutCredential(thrown: unknown): boolean {
  if (!(thrown instanceof Fault)) return false
  const { code, detail } = thrown
  if (code === 'upstream.not_connected' || detail['credential'] !== undefined) return true
  return detail['status'] === 401 || detail['status'] === 403
}
