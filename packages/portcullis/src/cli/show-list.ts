/** Shows what a list command found: JSON, one value a line, or a table; and in words when there is nothing. */
import { printable, table, type Terminal } from './terminal.ts'

export interface ListForm<T> {
  readonly heads: readonly string[]
  /** Cells; what of them is not printable is replaced. */
  readonly row: (item: T) => readonly string[]
  /** Said when there is nothing. */
  readonly none: string
}

export function showList<T>(
  items: readonly T[],
  { json }: { readonly json?: boolean },
  terminal: Terminal,
  { heads, row, none }: ListForm<T>,
): void {
  if (json === true) {
    for (const item of items) terminal.out(JSON.stringify(item))
    return
  }
  if (items.length === 0) return terminal.err(none)
  for (const line of table([heads, ...items.map((item) => row(item).map(printable))])) terminal.out(line)
}

/** An instant to the minute, or `never`. */
export const minute = (at: number | undefined): string =>
  at === undefined ? 'never' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')
