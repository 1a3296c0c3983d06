/** Remembers what Cedar said, so that policies which did not change need no WebAssembly when the gateway starts. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Cedar, CedarMistake, Verdict } from './cedar.ts'

/** Flawless answers by the SHA-256 of their questions. Plain JSON; they hold for the version of Cedar that gave them. */
export interface CedarAnswers {
  readonly parsed: Readonly<Record<string, PolicyJson>>
  /** Policies that fit to a schema: whether no request can satisfy them. */
  readonly fitting: Readonly<Record<string, boolean>>
}

const MAX_FITTING = 20_000

/** Asks `cedar` only what it was not asked before. Mistakes are not remembered: whoever makes one is told in full. */
export class RememberedCedar implements Cedar {
  readonly #cedar: Cedar
  readonly #known: CedarAnswers
  readonly #parsed = new Map<string, PolicyJson>()
  readonly #fitting = new Map<string, boolean>()
  #fresh = false

  constructor(cedar: Cedar, known: CedarAnswers) {
    this.#cedar = cedar
    this.#known = known
  }

  /** Whether there are answers that `answers` did not tell yet. */
  get fresh(): boolean {
    return this.#fresh
  }

  parse(text: string): PolicyJson | readonly CedarMistake[] {
    const key = digest(text)
    const known = this.#parsed.get(key) ?? own(this.#known.parsed, key)
    if (known !== undefined) {
      this.#parsed.set(key, known)
      return known
    }
    const answer = this.#cedar.parse(text)
    if ('effect' in answer && survivesJson(answer)) {
      this.#parsed.set(key, answer)
      this.#fresh = true
    }
    return answer
  }

  /** Cedar judges each policy for itself, so the verdicts of some and the memory of others make one answer. */
  validate(schema: string, texts: readonly string[]): readonly Verdict[] {
    const under = digest(schema)
    const keys = texts.map((text) => digest(`${under} ${text}`))
    const known = keys.map((key) => this.#recall(key))
    const asked = texts.filter((_, index) => known[index] === undefined)
    const fresh = asked.length === 0 ? [] : [...this.#cedar.validate(schema, asked)]
    return known.map((verdict, index) => verdict ?? this.#keep(keys[index] as string, fresh.shift() as Verdict))
  }

  print(policy: PolicyJson): string {
    return this.#cedar.print(policy)
  }

  /** What was asked since this object was made, and nothing older. */
  answers(): CedarAnswers {
    this.#fresh = false
    return { parsed: Object.fromEntries(this.#parsed), fitting: Object.fromEntries(this.#fitting) }
  }

  #recall(key: string): Verdict | undefined {
    const impossible = this.#fitting.get(key) ?? own(this.#known.fitting, key)
    if (impossible === undefined) return undefined
    this.#fitting.set(key, impossible)
    return { mistakes: [], impossible }
  }

  /** An upstream that changes its tools again and again must not fill the memory. */
  #keep(key: string, verdict: Verdict): Verdict {
    if (verdict.mistakes.length > 0) return verdict
    if (this.#fitting.size >= MAX_FITTING) this.#fitting.clear()
    this.#fitting.set(key, verdict.impossible)
    this.#fresh = true
    return verdict
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

const survivesJson = (value: unknown): boolean => isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)
