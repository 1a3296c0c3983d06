/**
 * Decides who is remembered: at most `capacity` subjects, and who gives way to a newcomer.
 *
 * Each tenant has an equal share. One that has used its share makes room itself, one that has not takes from the largest. In a
 * tenant those seen a few times give way first, then those not known yet; who is known only after a month without a call. So
 * whoever makes many principals pushes out their own, and a newcomer that finds no room is not remembered at all.
 */
import { f64At, Page, RECORD_WORDS, WORD } from './layout.ts'
import { Queue, Subject, type Tier } from './subject.ts'

const IDLE_MS = 30 * 24 * 3_600_000

interface Group {
  readonly tenant: string
  readonly byName: Map<string, Subject>
  readonly tiers: readonly [Queue, Queue, Queue]
}

export class SubjectTable {
  readonly capacity: number
  readonly #groups = new Map<string, Group>()
  readonly #pages: Page[] = []
  readonly #free: { readonly page: Page; readonly base: number }[] = []
  #size = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of the records. */
  get bytes(): number {
    return this.#pages.length * Page.RECORDS * RECORD_WORDS * 4
  }

  find(tenant: string, name: string): Subject | undefined {
    return this.#groups.get(tenant)?.byName.get(name)
  }

  /** The subject, a new one if it was not known; undefined when nobody gives way to it. `now` in ms since the epoch. */
  enter(tenant: string, name: string, now: number): Subject | undefined {
    const group = this.#groups.get(tenant) ?? this.#open(tenant)
    const known = group.byName.get(name)
    if (known !== undefined) return known
    const place = this.#place() ?? this.#yielded(group, now)
    if (place === undefined) {
      if (group.byName.size === 0) this.#groups.delete(tenant)
      return undefined
    }
    const subject = new Subject(tenant, name, place.page, place.base)
    group.byName.set(name, subject)
    group.tiers[0].push(subject)
    this.#size++
    return subject
  }

  /** It was seen just now, and belongs to this tier. */
  touch(subject: Subject, tier: Tier): void {
    const tiers = this.#groups.get(subject.tenant)?.tiers
    const queue = tiers?.[tier]
    if (queue === undefined || queue.last === subject) return
    tiers?.[subject.tier].remove(subject)
    subject.tier = tier
    queue.push(subject)
  }

  forget(subject: Subject): void {
    const group = this.#groups.get(subject.tenant)
    if (group === undefined || !subject.isKept) return
    group.tiers[subject.tier].remove(subject)
    group.byName.delete(subject.name)
    if (group.byName.size === 0) this.#groups.delete(subject.tenant)
    subject.isKept = false
    const { page, base } = subject
    page.u32.fill(0, base, base + RECORD_WORDS)
    this.#free.push({ page, base })
    this.#size--
  }

  /** All there are now; those of one tenant and tier in the order of their last calls. */
  all(): readonly Subject[] {
    return [...this.#groups.values()].flatMap(({ tiers }) => tiers.flatMap((queue) => queue.members()))
  }

  #open(tenant: string): Group {
    const group: Group = { tenant, byName: new Map(), tiers: [new Queue(), new Queue(), new Queue()] }
    this.#groups.set(tenant, group)
    return group
  }

  #place() {
    if (this.#size >= this.capacity) return undefined
    if (this.#free.length === 0) this.#grow()
    return this.#free.pop()
  }

  #grow(): void {
    const page = new Page()
    this.#pages.push(page)
    for (let at = Page.RECORDS - 1; at >= 0; at--) this.#free.push({ page, base: at * RECORD_WORDS })
  }

  /** The place of whoever gives way. */
  #yielded(newcomer: Group, now: number) {
    const hasShare = newcomer.byName.size * this.#groups.size >= this.capacity
    const from = hasShare ? newcomer : this.#largest()
    const victim = from === newcomer ? quiet(from, now) : (quiet(from, now) ?? from.tiers[2].first)
    if (victim === undefined) return undefined
    this.forget(victim)
    return this.#free.pop()
  }

  #largest(): Group {
    let largest: Group | undefined
    for (const group of this.#groups.values())
      if (largest === undefined || group.byName.size > largest.byName.size) largest = group
    return largest as Group
  }
}

function quiet({ tiers: [few, some, known] }: Group, now: number): Subject | undefined {
  const young = few.first ?? some.first
  if (young !== undefined) return young
  return known.first !== undefined && now - f64At(known.first, WORD.lastAt) > IDLE_MS ? known.first : undefined
}
