/** Decides how text lies in PostgreSQL, which has no NUL in it: a mark of private use and a digit take its place. */

const MARK = '\ue000'
const MARKED = /\ue000([01])/g

/** One text for each text, so that what was equal stays equal. */
export function toStored(text: string): string {
  if (!text.includes('\0') && !text.includes(MARK)) return text
  return text.replaceAll(MARK, `${MARK}1`).replaceAll('\0', `${MARK}0`)
}

/** Changes the row: it is the driver's own. */
export function fromStored(row: Record<string, unknown>): void {
  for (const [column, value] of Object.entries(row)) {
    if (typeof value !== 'string' || !value.includes(MARK)) continue
    row[column] = value.replaceAll(MARKED, (_, which) => (which === '0' ? '\0' : MARK))
  }
}
