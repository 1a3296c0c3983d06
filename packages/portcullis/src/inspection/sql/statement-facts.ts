import type { StatementKind } from './sql-rules.ts'

/** What one statement does, in words that do not depend on its dialect: the walks of the parsers' trees end here. */
export interface StatementFacts {
  /** Of the statement itself, and of every statement within it; undefined is one that no rule can permit. */
  readonly kinds: readonly (StatementKind | undefined)[]
  readonly tables: readonly (readonly string[])[]
  readonly functions: readonly (readonly string[])[]
  /** Behind a value or a row of a function: fields, or functions that nobody wrote brackets for. */
  readonly attributes: readonly (readonly string[])[]
  /** Each with the qualifiers that the author wrote. */
  readonly columns: readonly (readonly string[])[]
  /** What a qualifier stands for: names of tables, or `null` for a subquery. */
  readonly sources: ReadonlyMap<string, ReadonlySet<string | null>>
  readonly star: boolean
  /** What the statement does beside its kind: `into`, `lock`, `assignment`, … */
  readonly effects: ReadonlySet<Effect>
  readonly limit: Limit
  /** A part of the tree that the walk does not know: the statement cannot be judged. */
  readonly unknown?: string
}

export type Effect = 'into' | 'lock' | 'assignment' | 'operator' | 'reserved-alias' | 'double-quoted'

/** Rows that the outermost query may return; `unclear` is a parameter, an expression, a percentage or WITH TIES. */
export type Limit = number | 'none' | 'unclear'

/** A name that a WITH clause declared, and those that were declared before or around it. */
export interface Scope {
  readonly name: string
  readonly outer: Scope | undefined
}

/** Collects facts while a tree is walked. */
export class FactCollector {
  readonly kinds: (StatementKind | undefined)[] = []
  readonly tables: string[][] = []
  readonly functions: string[][] = []
  readonly attributes: string[][] = []
  readonly columns: string[][] = []
  readonly sources = new Map<string, Set<string | null>>()
  readonly effects = new Set<Effect>()
  /** Qualifiers that may stand for a value instead of a row; `*` for any. There an attribute may be a call. */
  readonly values = new Set<string>()
  star = false
  limit: Limit = 'none'
  unknown: string | undefined

  /** `key` tells a quoted name from an unquoted one, since databases do; a name in scope is no table. */
  table(parts: readonly string[], key: string, alias: string | undefined, scope: Scope | undefined): void {
    const name = parts.at(-1) ?? ''
    const declared = parts.length === 1 && inScope(scope, key)
    if (!declared) this.tables.push([...parts])
    this.source(alias ?? name, declared ? null : name)
  }

  source(qualifier: string, table: string | null): void {
    const key = qualifier.toLowerCase()
    const known = this.sources.get(key)
    if (known === undefined) this.sources.set(key, new Set([table]))
    else known.add(table)
  }

  facts(): StatementFacts {
    const { kinds, tables, functions, attributes, columns, sources, star, effects, limit, unknown } = this
    const facts = { kinds, tables, functions, attributes, columns, sources, star, effects, limit }
    return unknown === undefined ? facts : { ...facts, unknown }
  }
}

function inScope(scope: Scope | undefined, key: string): boolean {
  for (let at = scope; at !== undefined; at = at.outer) if (at.name === key) return true
  return false
}
