/**
 * Sees how each request ended, learns from it, and says what follows when a caller behaves as it never did.
 *
 * What restricts somebody concerns that principal alone: a tool or a tenant that is unusual is told of and never held back,
 * or a single caller could bring everybody to a halt.
 */
import { ANSWERS, type AnomalyAnswer, type Level, LEVELS } from '../core/anomaly-words.ts'
import type { Clock } from '../core/clock.ts'
import { type Assessment, assess, type AssessRules, assessOne, burstWeight, isKnown, type Reason } from './assess.ts'
import type { Blocks } from './blocks.ts'
import { u32At, WORD } from './layout.ts'
import { advance, calmDown, learnCall, learnEgress, learnHabits, learnNewcomer } from './learn.ts'
import type { Memory, TableKind } from './memory.ts'
import { idOf, Recent } from './recent.ts'
import { Repeats } from './repeats.ts'
import { isRestricting, type Restriction } from './restrictions.ts'
import type { Sighting } from './sighting.ts'
import { Strangers } from './strangers.ts'
import { shortName, type Subject, type SubjectName, type Tier } from './subject.ts'

/** What is told once for a subject and a reason, with how often it happened since it was told last. */
export interface Alert {
  readonly subject: SubjectName
  readonly level: Level
  readonly score: number
  readonly reasons: readonly Reason[]
  readonly answer: AnomalyAnswer
  readonly count: number
  /** Of the request that raised it. */
  readonly incident?: string
  /** Until when the answer holds, in ms since the epoch; present when it restricts. */
  readonly until?: number
}

export interface WatchRules extends AssessRules {
  readonly answers: Readonly<Record<Level, AnomalyAnswer>>
  /** How long an answer that restricts holds. */
  readonly holdMs: number
  /** How long the same alert is not repeated. */
  readonly repeatMs: number
  /** Failed sign-ins of one address within a minute. */
  readonly failedSignInsPerMinute: number
}

export interface WatchParts {
  readonly memory: Memory
  readonly rules: WatchRules
  readonly clock: Clock
  /** Must not throw. */
  readonly alert: (alert: Alert) => void
  /** Where blocks of addresses go; without it these are told only. */
  readonly blocks?: Blocks | undefined
  /** Addresses that are never blocked. */
  readonly isExemptNetwork: (network: string) => boolean
  /** The wider network that one is in, which may fail `factor` times as often; undefined where there is none. */
  readonly siteOf?: ((network: string) => { readonly site: string; readonly factor: number } | undefined) | undefined
}

/** Whoever asked, and whether nothing may follow for them but an alert. */
export interface Asker {
  readonly tenant: string
  readonly principal: string
  readonly isExempt: boolean
  /** Is never put on the list of blocks: the administration has to stay open. */
  readonly isAdministrator: boolean
  readonly incident: string
}

/** From so many calls somebody is more than a passer-by. */
const SEEN_OFTEN = 8

export class Watch {
  readonly memory: Memory
  readonly recent = new Recent()
  readonly #parts: WatchParts
  readonly #repeats: Repeats<Alert>
  readonly #strangers = new Strangers()
  /** Alerts by level and kind of subject, notes included. */
  readonly counts = new Map<string, number>()
  /** Principals that found no room. */
  untracked = 0

  constructor(parts: WatchParts) {
    this.memory = parts.memory
    this.#parts = parts
    this.#repeats = new Repeats(parts.rules.repeatMs)
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#parts.clock.now()
  }

  get rules(): WatchRules {
    return this.#parts.rules
  }

  /** Learns from one request that has ended, and answers what is unusual about it. */
  observe(sighting: Sighting, asker: Asker): void {
    const { at, tenant, upstream, tool } = sighting
    const name = shortName(sighting.principal)
    if (asker.isExempt || asker.isAdministrator) this.memory.homes.visit(sighting.network, at)
    const all = this.#seen('tenant', tenant, tenant, at)
    const known = this.memory.find('principal', tenant, name)
    if (known === undefined && all !== undefined) learnNewcomer(all)
    const principal = this.#seen('principal', tenant, name, at)
    let own = 0
    if (principal === undefined) this.untracked++
    else {
      const isSettled = isKnown(principal, this.rules)
      const { seed } = this.memory
      learnHabits(principal, sighting, { seed, transitions: this.memory.transitionsOf(tenant), isKnown: isSettled })
      own = this.#judge('principal', principal, sighting, asker)
    }
    if (all !== undefined) this.#judge('tenant', all, sighting, asker, own)
    if (upstream === undefined || tool === undefined) return
    const used = this.#seen('tool', tenant, shortName(`${upstream}/${tool}`), at)
    if (used !== undefined) this.#judge('tool', used, sighting, asker, own)
  }

  /** A tool was called that nobody should call: the top level at once. */
  sprung(asker: Asker): void {
    const assessment = assessOne({ reason: 'canary', observed: 1, expected: 0, weight: 100 }, this.rules.levels)
    const { tenant } = asker
    this.#answer(
      { kind: 'principal', tenant, name: shortName(asker.principal) },
      { ...assessment, level: 'critical' },
      asker,
    )
  }

  /** A sandbox of this principal has sent bytes to the outside. Judged with its next call. */
  sent(tenant: string, principal: string, bytes: number): void {
    const subject = this.memory.find('principal', tenant, shortName(principal))
    if (subject === undefined) return
    advance(subject, this.#parts.clock.now())
    learnEgress(subject, bytes)
  }

  /** Somebody at an address failed to sign in. `tenant` is whose chain tells of it. */
  stranger(network: string, tenant: string, incident: string): void {
    const { failedSignInsPerMinute } = this.rules
    this.#failedAt(network, failedSignInsPerMinute, tenant, incident)
    const around = this.#parts.siteOf?.(network)
    if (around !== undefined) this.#failedAt(around.site, failedSignInsPerMinute * around.factor, tenant, incident)
  }

  #failedAt(network: string, limit: number, tenant: string, incident: string): void {
    const { clock, isExemptNetwork } = this.#parts
    const tries = this.#strangers.failed(network, clock.now())
    const weight = burstWeight(tries, limit)
    if (weight === 0) return
    const isHome = this.#isHome(network, clock.now())
    const observed = Number(tries.toPrecision(3))
    const reason: Reason = { reason: 'failed-sign-ins', observed, expected: limit, weight, windowSeconds: 60 }
    const asker = {
      tenant,
      principal: '',
      isExempt: isHome || isExemptNetwork(network),
      isAdministrator: false,
      incident,
    }
    this.#answer({ kind: 'network', tenant, name: network }, assessOne(reason, this.rules.levels), asker)
  }

  /** Of a wider network it is enough that one in it is a home. */
  #isHome(network: string, now: number): boolean {
    const { homes } = this.memory
    if (homes.has(network, now)) return true
    const { siteOf } = this.#parts
    return homes.entries.some(([home]) => homes.has(home, now) && siteOf?.(home)?.site === network)
  }

  /** What holds for a principal now. */
  restrictionOf(tenant: string, principal: string): Restriction | undefined {
    const { restrictions } = this.memory
    return restrictions.size === 0 ? undefined : restrictions.of(tenant, shortName(principal), this.#parts.clock.now())
  }

  /**
   * Ends what restricts a subject and forgets what is counted of it now, so that it does not begin again at once. With
   * `baseline`, what is usual for it is forgotten as well. False when nothing is known of it. Rejects when a block cannot be
   * taken back; then nothing is changed.
   */
  async release(subject: SubjectName, baseline: boolean): Promise<boolean> {
    const { kind, tenant, name } = subject
    if (kind === 'principal') await this.#parts.blocks?.lift(tenant, name)
    const wasRestricted = kind === 'principal' && this.memory.restrictions.end(tenant, name)
    const wasShown = this.recent.get(subject) !== undefined
    this.recent.remove(subject)
    if (kind === 'network') return this.#strangers.forget(name) || wasShown
    const known = this.memory.find(kind, tenant, name)
    if (known === undefined) return wasRestricted || wasShown
    if (baseline) this.memory.tables[kind].forget(known)
    else calmDown(known)
    return true
  }

  /** Tells what was withheld and is due at `now`; from time to time, and of everything at the end. */
  sweep(now: number): void {
    for (const { last, count } of this.#repeats.sweep(now)) this.#parts.alert({ ...last, count })
  }

  #seen(kind: TableKind, tenant: string, name: string, now: number): Subject | undefined {
    const subject = this.memory.enter(kind, tenant, name, now)
    if (subject !== undefined) advance(subject, now)
    return subject
  }

  /** Returns the score. Up to `explained` it is the doing of the caller alone, of whom it was told. */
  #judge(kind: TableKind, subject: Subject, sighting: Sighting, asker: Asker, explained = 0): number {
    learnCall(subject, sighting)
    this.memory.tables[kind].touch(subject, this.#tierOf(subject))
    const assessment = assess(subject, this.rules)
    if (assessment.level === undefined || rankOf(assessment.level) <= rankAt(explained, this.rules))
      return assessment.score
    this.#answer({ kind, tenant: sighting.tenant, name: subject.name }, assessment, asker)
    return assessment.score
  }

  #tierOf(subject: Subject): Tier {
    if (isKnown(subject, this.rules)) return 2
    return u32At(subject, WORD.calls) >= SEEN_OFTEN ? 1 : 0
  }

  #answer(subject: SubjectName, assessment: Assessment, asker: Asker): void {
    const { level, score, reasons } = assessment
    if (level === undefined) return
    const answer = mildest(this.rules.answers[level], mostFor(subject, asker))
    const until = this.#restrict(subject, answer, { score, reasons }, asker)
    this.recent.put({ subject, level, score, reasons, answer, at: this.#parts.clock.now() })
    const key = `${level} ${subject.kind}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    if (answer === 'note') return
    const alert: Alert = {
      ...{ subject, level, score, reasons, answer, count: 1, incident: asker.incident },
      ...(until !== undefined && { until }),
    }
    const repeated = `${subject.tenant}\n${idOf(subject)}\n${level}\n${answer}\n${reasons[0]?.reason ?? ''}`
    const count = this.#repeats.admit(repeated, alert, this.#parts.clock.now())
    if (count > 0) this.#parts.alert({ ...alert, count })
  }

  /** Until when; undefined when nothing restricts. */
  #restrict(subject: SubjectName, answer: AnomalyAnswer, { score, reasons }: Assessment, asker: Asker) {
    if (!isRestricting(answer)) return undefined
    const now = this.#parts.clock.now()
    const until = now + this.rules.holdMs
    const reason = reasons[0]?.reason ?? 'unknown'
    const { kind, tenant, name } = subject
    const block = { tenant, value: name, reason: `anomaly: ${reason}, score ${score}`, until }
    if (kind === 'network') {
      this.#parts.blocks?.block({ ...block, kind: 'address' })
      return until
    }
    const { restrictions } = this.memory
    const before = restrictions.of(tenant, name, now)
    const held = restrictions.put({ tenant, principal: name, answer, score, reason, since: now, until }, now)
    // Calls that were under way end unusual as well; each of them need not be told to all nodes.
    const isNews = before?.answer !== 'block' || before.until < until - this.rules.holdMs / 2
    if (held.answer === 'block' && isNews && !asker.isAdministrator)
      this.#parts.blocks?.block({ ...block, kind: 'principal' })
    return held.until
  }
}

const rankOf = (level: Level): number => LEVELS.indexOf(level)

const rankAt = (score: number, { levels }: WatchRules): number =>
  LEVELS.findLastIndex((level) => score >= levels[level])

/** The most that may follow for a subject. */
function mostFor({ kind }: SubjectName, { isExempt }: Asker): AnomalyAnswer {
  return isExempt || kind === 'tool' || kind === 'tenant' ? 'alert' : 'block'
}

const mildest = (one: AnomalyAnswer, other: AnomalyAnswer): AnomalyAnswer =>
  ANSWERS.indexOf(one) <= ANSWERS.indexOf(other) ? one : other
