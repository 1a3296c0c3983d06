/** How a statement is written: as SQL, with its values apart from its text, so that no value can ever become SQL. */

export type SqlValue = string | number | null

/** `values[n]` stands between `parts[n]` and `parts[n + 1]`. Made by `sql` only. */
export interface Statement {
  readonly parts: readonly string[]
  readonly values: readonly SqlValue[]
}

/**
 * Whose rows a statement may touch, in tables that have a tenant: those of one tenant, those that a caller can name, or all.
 * A database with row-level security holds the statement to it; without a reach it finds no row of anybody there.
 */
export type Reach =
  | {
      readonly tenant: string
      /** Statements that name the same here run one after another, each seeing what the last one did. */
      readonly alone?: string
    }
  /** The digest, id or name by which the row was asked for. */
  | { readonly named: string; readonly alone?: string }
  /** For what a node does for itself: news of all tenants, and what has ended. */
  | { readonly all: true; readonly alone?: string }

/** What a driver does with statements: it joins their parts with the placeholders of its database. */
export interface Database {
  /** The rows that a statement selects or returns. */
  rows<Row>(statement: Statement, reach?: Reach): Promise<readonly Row[]>
  /** How many rows a statement changed. */
  change(statement: Statement, reach?: Reach): Promise<number>
}

export const ALL: Reach = { all: true }

/** Tag of a template. What it holds becomes a parameter, unless it is a statement, which becomes a part. */
export function sql(texts: TemplateStringsArray, ...inserts: readonly (SqlValue | Statement)[]): Statement {
  const parts = [texts[0] as string]
  const values: SqlValue[] = []
  for (const [index, insert] of inserts.entries()) {
    const text = texts[index + 1] as string
    if (insert === null || typeof insert !== 'object') {
      values.push(insert)
      parts.push(text)
      continue
    }
    values.push(...insert.values)
    append(parts, insert.parts)
    append(parts, [text])
  }
  return { parts, values }
}

/** The statements with commas between them. */
export function list(statements: readonly Statement[]): Statement {
  return statements.reduce((all, next) => sql`${all}, ${next}`)
}

function append(parts: string[], [first = '', ...rest]: readonly string[]): void {
  parts.push(`${parts.pop()}${first}`, ...rest)
}
