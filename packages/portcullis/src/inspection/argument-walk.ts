/** Walks the arguments of one call in one pass, without copying; what is too much for one turn is left for slices. */
import type { ArgumentPlan } from './argument-plan.ts'
import type { Sighting } from './finding.ts'
import type { PlanNode, Station } from './plan-node.ts'
import { pointerToken } from './propose-roles.ts'
import type { Verdict } from './verdict.ts'

/** One string and its place. */
export interface Leaf {
  readonly text: string
  readonly station: Station
  /** The object or list that holds it. */
  readonly holder: object
  readonly key: string | number
  /** It is not the value under `key` but that name itself, which the caller chose. */
  readonly isName: boolean
  readonly path: Path | undefined
}

/** Way to a holder; the pointer is made of it only when something is found. */
interface Path {
  readonly key: string | number
  readonly parent: Path | undefined
}

/** An object or a list that is being read. */
interface Frame {
  readonly holder: object
  /** Of an object. */
  readonly names: readonly string[] | undefined
  readonly length: number
  next: number
  readonly node: PlanNode | undefined
  /** Of strings for which there is none. */
  readonly inside: Station
  readonly path: Path | undefined
}

interface Long {
  readonly leaf: Leaf
  /** What stands before has been looked at. */
  from: number
}

/** What was found in one string, with what follows from it. */
export interface Judged {
  readonly leaf: Leaf
  readonly sighting: Sighting
  readonly verdict: Verdict
}

type Usable = Extract<ArgumentPlan, { usable: true }>

/** Characters that are inspected in one turn; each string counts as at least so many, each other value a little. */
const TURN_LENGTH = 32_768
const LEAST_LENGTH = 32
const OTHER_LENGTH = 8
const SLICE_LENGTH = 16_384
/** So much of the slice before is inspected again, because what is looked for may lie across the cut. */
const OVERLAP_LENGTH = 1_024
/** Of one call. Whoever sends more attacks than these learns and writes nothing by it. */
const MAX_JUDGED = 64

export class ArgumentWalk {
  readonly judged: Judged[] = []
  readonly #plan: Usable
  readonly #open: Frame[] = []
  /** Strings of which only a part has been looked at. */
  readonly #long: Long[] = []
  #room = TURN_LENGTH
  #isTooMuch = false

  /** Inspects what fits into one turn. `args` are already known to fit the tool's schema; `root` is the plan's place of them. */
  constructor(plan: Usable, args: object, root: PlanNode = plan.root) {
    this.#plan = plan
    this.#enter(args, root, plan.text, undefined)
    this.#turn()
  }

  /** Whether something has not been looked at yet. */
  get isUnread(): boolean {
    return this.#open.length > 0 || this.#long.length > 0
  }

  /** More was found that must not pass as it is than is kept: what is not kept could not be masked. */
  get isTooMuch(): boolean {
    return this.#isTooMuch
  }

  /** Looks at what is left, turn by turn; `pause` gives way to everybody else. */
  async finish(pause: () => Promise<void>): Promise<void> {
    while (this.isUnread) {
      await pause()
      this.#room = TURN_LENGTH
      this.#turn()
    }
  }

  #turn(): void {
    while (this.#room > 0) {
      const long = this.#long.at(-1)
      if (long !== undefined) this.#slice(long)
      else if (!this.#step()) return
    }
  }

  /** Looks at one member. False when there is none left. */
  #step(): boolean {
    const frame = this.#open.at(-1)
    if (frame === undefined) return false
    if (frame.next >= frame.length) {
      this.#open.pop()
      return true
    }
    const index = frame.next++
    if (frame.names === undefined) this.#member(frame, index, frame.node?.any)
    else this.#named(frame, frame.names[index] as string)
    return true
  }

  #named(frame: Frame, name: string): void {
    const known = frame.node?.members.get(name)
    this.#member(frame, name, known ?? frame.node?.any)
    // A name that the schema does not know was chosen by the caller.
    if (known === undefined) this.#string(frame, name, this.#plan.text, name, true)
  }

  #member(frame: Frame, key: string | number, node: PlanNode | undefined): void {
    const value = (frame.holder as Readonly<Record<string | number, unknown>>)[key]
    if (typeof value === 'string') this.#string(frame, value, node?.station ?? frame.inside, key, false)
    else if (typeof value === 'object' && value !== null)
      this.#enter(value, node, frame.inside, { key, parent: frame.path })
    else this.#room -= OTHER_LENGTH
  }

  #enter(holder: object, node: PlanNode | undefined, outside: Station, path: Path | undefined): void {
    this.#room -= OTHER_LENGTH
    const names = Array.isArray(holder) ? undefined : Object.keys(holder)
    const { length } = names ?? (holder as readonly unknown[])
    this.#open.push({ holder, names, length, next: 0, node, inside: node?.inside ?? outside, path })
  }

  #string({ holder, path }: Frame, text: string, station: Station, key: string | number, isName: boolean): void {
    if (text.length > SLICE_LENGTH && !station.whole) {
      this.#long.push({ leaf: { text, station, holder, key, isName, path }, from: 0 })
      return
    }
    this.#room -= Math.max(text.length, LEAST_LENGTH)
    const sightings = station.inspect(text)
    if (sightings.length > 0) this.#judge({ text, station, holder, key, isName, path }, sightings)
  }

  #slice(long: Long): void {
    const { leaf, from } = long
    const to = from + SLICE_LENGTH
    const text = leaf.text.slice(Math.max(0, from - OVERLAP_LENGTH), to)
    this.#room -= text.length
    this.#judge(leaf, leaf.station.inspect(text))
    if (to < leaf.text.length) long.from = to
    else this.#long.pop()
  }

  #judge(leaf: Leaf, sightings: readonly Sighting[]): void {
    for (const sighting of sightings) {
      const verdict = leaf.station.judge(sighting)
      if (verdict === 'allow') continue
      if (this.judged.length < MAX_JUDGED) this.judged.push({ leaf, sighting, verdict })
      else if (verdict !== 'annotate') this.#replaceMilder({ leaf, sighting, verdict })
    }
  }

  /** What is only noted gives way to what decides. */
  #replaceMilder(judged: Judged): void {
    const milder = this.judged.findIndex(({ verdict }) => verdict === 'annotate')
    if (milder === -1) this.#isTooMuch = true
    else this.judged[milder] = judged
  }
}

/** The way to a string, from the outermost argument. */
export function keysTo({ path, key }: Leaf): readonly (string | number)[] {
  const keys: (string | number)[] = [key]
  for (let at = path; at !== undefined; at = at.parent) keys.unshift(at.key)
  return keys
}

/** JSON pointer (RFC 6901) to a string, or to the member whose name it is. */
export const pointerTo = (leaf: Leaf): string =>
  keysTo(leaf)
    .map((key) => `/${pointerToken(String(key))}`)
    .join('')
