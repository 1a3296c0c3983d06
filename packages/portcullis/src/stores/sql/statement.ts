/** How a statement is written: as SQL, with its values apart from its text, so that no value can ever become SQL. */

export type SqlValue = string | number | null

/** `values[n]` stands between `parts[n]` and `parts[n + 1]`. Made by `sql` only. */
export interface Statement {
  readonly parts: readonly string[]
  readonly values: readonly SqlValue[]
}

/** What a driver does with statements: it joins their parts with the placeholders of its database. */
export interface Database {
  /** The rows that a statement selects or returns. */
  rows<Row>(statement: Statement): Promise<readonly Row[]>
  /** How many rows a statement changed. */
  change(statement: Statement): Promise<number>
}

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
