/** Decides how a long list is handed out: in pages, each with a cursor to the next. */
import { refuseField, text, whole, optional } from './fields.ts'

const USUAL = 100
const MOST = 500

/** Members of the query of every list. */
export const PAGE_FIELDS = {
  limit: optional(whole('entries of one page', 1, MOST)),
  cursor: optional(text('the `next` of the page before', { max: 800, pattern: /^[A-Za-z0-9_-]+$/ })),
} as const

export interface PageQuery {
  readonly limit?: number
  readonly cursor?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Absent on the last page. */
  readonly next?: string
}

/**
 * The entries after the cursor. `keyOf` gives each its place, unique and in the order of code units, so that entries which
 * come or go between two pages hide no others.
 */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit = USUAL, cursor }: PageQuery,
): Page<T> {
  const after = cursor === undefined ? undefined : decode(cursor)
  const keyed = all.map((item) => [keyOf(item), item] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const rest = after === undefined ? keyed : keyed.filter(([key]) => key > after)
  const shown = rest.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(([, item]) => item),
    ...(rest.length > limit && last !== undefined && { next: encode(last[0]) }),
  }
}

/** An instant as text that sorts as instants do. */
export const byTime = (at: number, id: string): string => `${String(at).padStart(16, '0')} ${id}`

const encode = (key: string): string => Buffer.from(key).toString('base64url')

function decode(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url')
  return key.toString('base64url') === cursor ? key.toString() : refuseField('cursor', 'what a page gave as `next`')
}
