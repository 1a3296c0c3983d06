import { FactCollector, type Scope, type StatementFacts } from './statement-facts.ts'

/** A node of a parser's tree: plain data. */
export type Tree = Readonly<Record<string, unknown>>

/** What one parser's tree is made of. Whatever is in neither list ends the walk: what is not understood is not judged. */
export interface Grammar {
  /** Names with a capital: kinds of nodes. */
  readonly nodes: ReadonlySet<string>
  /** Names of their parts. */
  readonly fields: ReadonlySet<string>
  /** Parts without meaning for any rule. */
  readonly ignored: ReadonlySet<string>
  /** Takes a node into the facts; returns what of it is still to be walked, or nothing when the common walk shall go on. */
  readonly enter: (node: Tree, field: string, walk: Walk) => boolean
}

interface Step {
  readonly value: unknown
  readonly field: string
  readonly scope: Scope | undefined
}

/**
 * Walks a tree to its last leaf, with a stack of its own, because a chain of a thousand operators is a thousand levels deep.
 */
export class Walk {
  readonly facts = new FactCollector()
  readonly #grammar: Grammar
  readonly #steps: Step[] = []
  /** Of the node that is entered. */
  scope: Scope | undefined

  constructor(grammar: Grammar) {
    this.#grammar = grammar
  }

  run(statement: unknown): StatementFacts {
    this.later(statement, '', undefined)
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      if (this.facts.unknown !== undefined) break
      this.#visit(step)
    }
    return this.facts.facts()
  }

  /** Walks `value` afterwards, as the part `field` of some node. */
  later(value: unknown, field: string, scope: Scope | undefined = this.scope): void {
    this.#steps.push({ value, field, scope })
  }

  /** Walks all parts of `node` but those named. */
  rest(node: Tree, handled: readonly string[] = []): void {
    for (const [name, value] of Object.entries(node)) if (!handled.includes(name)) this.#part(name, value)
  }

  #visit({ value, field, scope }: Step): void {
    if (Array.isArray(value)) {
      for (const item of value) this.later(item, field, scope)
      return
    }
    if (typeof value !== 'object' || value === null) return
    this.scope = scope
    const node = value as Tree
    if (!this.#grammar.enter(node, field, this)) this.rest(node)
  }

  #part(name: string, value: unknown): void {
    if (isNothing(value) || name.endsWith('_token') || this.#grammar.ignored.has(name)) return
    const known = /^[A-Z]/.test(name) ? this.#grammar.nodes : this.#grammar.fields
    if (known.has(name)) this.later(value, name)
    else this.facts.unknown ??= name
  }
}

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  value === 'None' ||
  (Array.isArray(value) && value.length === 0)

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Items of a list, none when it is no list. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
