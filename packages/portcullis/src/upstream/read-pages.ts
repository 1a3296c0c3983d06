/** Reads a list that comes in pages, whole, and no further than it may go. */
import { Fault } from '../core/fault.ts'
import type { Params } from '../mcp/message.ts'

export interface PageLimits {
  readonly maxPages: number
  readonly maxItems: number
}

/**
 * The items of all pages, `member` of each result. Throws `upstream.too_large` beyond a limit, and `upstream.malformed` for
 * what is no list or goes in circles.
 */
export async function readPages(
  member: string,
  page: (cursor: string | undefined) => Promise<Params>,
  { maxPages, maxItems }: PageLimits,
): Promise<readonly unknown[]> {
  const raw: unknown[] = []
  let cursor: string | undefined
  for (let pages = 1; ; pages++) {
    const { [member]: items, nextCursor } = await page(cursor)
    if (!Array.isArray(items)) throw new Fault('upstream.malformed', { reason: `a list without ${member}` })
    raw.push(...(items as unknown[]))
    if (raw.length > maxItems) throw new Fault('upstream.too_large', { reason: member, maxItems })
    if (nextCursor === undefined || nextCursor === null) return raw
    if (typeof nextCursor !== 'string' || nextCursor === cursor) {
      throw new Fault('upstream.malformed', { reason: `cursor of ${member}` })
    }
    if (pages >= maxPages) throw new Fault('upstream.too_large', { reason: 'pages', maxPages })
    cursor = nextCursor
  }
}
