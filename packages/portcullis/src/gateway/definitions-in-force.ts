/** What is approved of all upstreams while the gateway runs: the lock and first uses, followed as they change. */
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Finding } from '../inspection/finding.ts'
import { changeText, differenceOf } from '../inspection/definitions/difference.ts'
import type { HeldReason } from '../inspection/definitions/check-definition.ts'
import type { Item } from '../inspection/definitions/item.ts'
import { type ItemKey, type Kind, keyOf } from '../inspection/definitions/kind.ts'
import type { Approval, Lock } from '../inspection/definitions/lock.ts'
import { lockText } from '../inspection/definitions/lock-text.ts'
import { suspicions } from '../inspection/definitions/poisoning.ts'
import { Neighbourhood, type Placed } from '../inspection/definitions/resemblance.ts'
import { approve, changesOf, type LockChange, surveyed, withoutGone } from '../inspection/definitions/survey.ts'
import type { ArgumentRoles } from '../inspection/role.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { FirstUse } from './first-use.ts'
import { LockFile } from './lock-file.ts'
import { toldBy, ToldNote } from './told-note.ts'
import { type Notice, type Precedents, UpstreamJudge } from './upstream-judge.ts'

export interface DefinitionParts {
  readonly config: Config
  readonly ledger: Pick<Ledger, 'append'>
  readonly clock: Clock
  readonly log: Logger
}

/** What somebody has read and decides about: SHA-256 digest, lower-case hex, as it was shown. */
export interface ShownDefinition {
  readonly item: ItemKey
  readonly digest: string
}

export interface WaitingDefinition extends LockChange {
  readonly findings: readonly Finding[]
}

/** How much of a difference goes on record. The whole of it is what `portcullis lock diff` shows. */
const MAX_TOLD = 20

export class DefinitionsInForce implements Precedents {
  readonly #parts: DefinitionParts
  readonly #file: LockFile
  readonly #firstUse: FirstUse
  readonly #judges = new Map<string, UpstreamJudge>()
  #upstreams: ReadonlyMap<string, Upstream> = new Map()
  #lock: Lock
  #generation = 1
  #neighbours: { readonly of: number; readonly known: Neighbourhood } | undefined
  #tellings = 0
  readonly #note: ToldNote

  /** Throws LockError when the lock, or what is remembered of first uses, is not to be believed. */
  constructor(parts: DefinitionParts) {
    const { config, log } = parts
    this.#parts = parts
    this.#file = new LockFile(config)
    this.#lock = this.#file.readTrusted()
    this.#file.remember(this.#lock)
    const onFailure = (error: unknown) => log.error('first uses cannot be remembered', { error })
    this.#firstUse = new FirstUse(stateLayout(config).firstUse, onFailure)
    for (const [name, { trust, code }] of Object.entries(config.upstreams))
      if (code === undefined) this.#judges.set(name, new UpstreamJudge(name, trust, this))
    const onLoss = (error: unknown) => log.warn('what upstreams say cannot be noted', { error })
    this.#note = new ToldNote(stateLayout(config).told, () => this.#judges.values(), onLoss)
  }

  /** Undefined for what the gateway itself offers. */
  judgeOf(upstream: string): UpstreamJudge | undefined {
    return this.#judges.get(upstream)
  }

  /** Follows the lock from now on. Returns a function that ends that, and all writing. */
  follow(upstreams: ReadonlyMap<string, Upstream>): () => Promise<void> {
    this.#upstreams = upstreams
    const unwatch = this.#file.watch(() => this.reload())
    return () => {
      unwatch()
      return this.#note.close()
    }
  }

  /** Reads the lock again. One that is not to be believed changes nothing, and is told in log and record. */
  reload(): void {
    try {
      this.#readAgain()
    } catch (thrown) {
      // Also what the file system or the key throws: nobody who calls this could do anything about it.
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      this.#parts.log.error('the lock is not believed; what it said before stays in force', { reason })
      this.#record('definitions.lock-refused', { reason })
    }
  }

  /** Whether that changed anything. Throws LockError, and what the file system throws. */
  #readAgain(): boolean {
    const lock = this.#file.readTrusted()
    // What this gateway wrote itself is heard of too.
    if (lockText(lock) === lockText(this.#lock)) return false
    const signers = lock.signatures.length === 0 ? [] : this.#file.verify(lock)
    this.#file.remember(lock)
    this.#put(lock, { signers })
    return true
  }

  /** Everything that upstreams say now and nobody has approved, of all or of one, with what looks suspicious about it. */
  waiting(upstream?: string): readonly WaitingDefinition[] {
    const lock = this.#withTold()
    return changesIn(lock, upstream).map((change) => {
      const one = lock.upstreams.get(change.upstream)?.waiting.get(change.item)
      const item = one === undefined || 'gone' in one ? undefined : one.item
      return { ...change, findings: item === undefined ? [] : this.evidence(change.upstream, item) }
    })
  }

  /** Throws `definition.changed` unless each of these waits, and is still what was shown. */
  mustBeAsShown(upstream: string, shown: readonly ShownDefinition[]): void {
    const now = new Map(changesIn(this.#withTold(), upstream).map(({ item, after }) => [item, after]))
    for (const { item, digest } of shown) {
      const told = now.get(item)
      if (told !== digest) throw new Fault('definition.changed', { upstream, item, digest, ...(told && { told }) })
    }
  }

  /**
   * Approves what an upstream says now in the lock, signed with the key of this installation. Throws `definition.changed`
   * and approves nothing when one of these is no longer what was shown, or the lock not the one that is in force; LockError
   * when nobody trusts that key; and what the file system throws.
   */
  approve(upstream: string, by: string, shown: readonly ShownDefinition[]): void {
    if (this.#readAgain()) throw new Fault('definition.changed', { reason: 'the lock was another one' })
    this.mustBeAsShown(upstream, shown)
    if (shown.length === 0) return
    const names = shown.map(({ item }) => item)
    const at = this.#parts.clock.now()
    const merged = approve(this.#withTold(), upstream, names, { by, at: new Date(at).toISOString() })
    const signed = this.#file.sign(merged, by, at)
    this.#file.remember(signed)
    this.#put(signed, { signers: [by], approved: names, upstream }, by)
  }

  /** What somebody has approved of the meaning of a tool's arguments; undefined where nobody has. */
  rolesOf(upstream: string, tool: string): ArgumentRoles | undefined {
    return this.#lock.upstreams.get(upstream)?.approved.get(keyOf({ kind: 'tool', name: tool }))?.roles
  }

  readonly heldReason: HeldReason = (name, item) => {
    const upstream = this.#upstreams.get(name)
    const judge = this.#judges.get(name)
    if (upstream === undefined || judge === undefined || item.kind === 'none') return undefined
    if (item.kind === 'tool') return upstream.catalogue.isHeld(item.name) ? judge.whyTool(item.name) : undefined
    if (!judge.asksForOffers) return undefined
    return upstream.offered().then(() => judge.reasonOf(item))
  }

  get generation(): number {
    return this.#generation
  }

  approval(upstream: string, key: ItemKey): Pick<Approval, 'item'> | undefined {
    const pinned = this.#firstUse.of(upstream, key)
    // For a trusted upstream nothing waits for the lock, so a change is one from what it said last.
    if (pinned !== undefined && this.#judges.get(upstream)?.trust === 'trusted') return pinned
    const locked = this.#lock.upstreams.get(upstream)
    return locked === undefined ? pinned : locked.approved.get(key)
  }

  knows(upstream: string): boolean {
    return (this.#lock.upstreams.get(upstream)?.approved.size ?? 0) > 0 || !this.#firstUse.isFirst(upstream, 'server')
  }

  isFirst(upstream: string, kind: Kind): boolean {
    return !this.#lock.upstreams.has(upstream) && this.#firstUse.isFirst(upstream, kind)
  }

  looked(upstream: string, kind: Kind): void {
    if (this.#judges.get(upstream)?.trust === 'reviewed') this.#firstUse.looked(upstream, kind)
  }

  believe(upstream: string, item: Item): void {
    this.#firstUse.pin(upstream, item)
  }

  evidence(upstream: string, item: Item): readonly Finding[] {
    return [...suspicions(item), ...this.#neighbourhood().resemblances(upstream, item)]
  }

  told(): void {
    this.#tellings++
    this.#note.due()
  }

  notice(upstream: string, notices: readonly Notice[]): void {
    const items = notices.slice(0, MAX_TOLD).map((notice) => this.#noticed(upstream, notice))
    const isHeld = notices.some(({ standing }) => standing.state === 'held')
    const what = isHeld ? 'definitions.held' : 'definitions.changed'
    const said = isHeld ? 'definitions are new or have changed, and wait for approval' : 'definitions have changed'
    this.#parts.log.warn(said, { upstream, count: notices.length, items })
    this.#record(what, { upstream, count: notices.length, items })
  }

  #noticed(upstream: string, { item, standing }: Notice) {
    const { before } = standing
    const changes = before === undefined ? [] : differenceOf(before.item.fields, item.fields).map(changeText)
    const findings = this.evidence(upstream, item).map(({ reason, at, evidence }) => `${reason} ${at} ${evidence}`)
    return {
      item: keyOf(item),
      why: standing.state === 'held' ? standing.why : 'changed',
      ...(before && { before: before.item.digest }),
      after: item.digest,
      ...(changes.length > 0 && { changes: changes.slice(0, MAX_TOLD) }),
      ...(findings.length > 0 && { findings: findings.slice(0, MAX_TOLD) }),
    }
  }

  #put(lock: Lock, detail: object, by?: string): void {
    this.#lock = lock
    this.#generation++
    this.#neighbours = undefined
    this.#parts.log.info('the lock was read', { ...detail })
    this.#record('definitions.lock', { ...detail }, by)
    for (const upstream of this.#upstreams.values()) upstream.rejudge()
  }

  /** The lock with everything that was told beside it. What was not told may only not have been asked for. */
  #withTold(): Lock {
    let lock = this.#lock
    for (const judge of this.#judges.values())
      if (judge.seen.size > 0) lock = surveyed(lock, judge.upstream, toldBy(judge))
    return withoutGone(lock)
  }

  #neighbourhood(): Neighbourhood {
    const of = this.#tellings + this.#generation
    if (this.#neighbours?.of !== of) this.#neighbours = { of, known: new Neighbourhood(this.#everything()) }
    return this.#neighbours.known
  }

  *#everything(): Generator<Placed> {
    for (const [upstream, { approved: known }] of this.#lock.upstreams)
      for (const { item } of known.values()) yield { upstream, item }
    for (const [upstream, items] of this.#firstUse.all()) for (const item of items) yield { upstream, item }
    for (const { upstream, seen } of this.#judges.values()) for (const item of seen.values()) yield { upstream, item }
  }

  #record(what: string, detail: Readonly<Record<string, unknown>>, by?: string): void {
    const body = { kind: 'change' as const, what, ...(by !== undefined && { by }), detail }
    this.#parts.ledger.append(GATEWAY_TENANT, body).catch((error: unknown) => {
      this.#parts.log.error('a change of definitions is not on record', { what, error })
    })
  }
}

const changesIn = (lock: Lock, upstream: string | undefined): readonly LockChange[] =>
  changesOf(lock).filter((change) => upstream === undefined || change.upstream === upstream)
