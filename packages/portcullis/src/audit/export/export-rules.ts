/** How an exporter works, whatever its receiver. */
export interface ExportRules {
  readonly maxRecords: number
  /** Of the records of one delivery, as they stand in the chain. */
  readonly maxBytes: number
  /** How long the first record after a pause waits for others. */
  readonly waitMs: number
  /** For one delivery; then it counts as failed. */
  readonly deadlineMs: number
  /** How often a record is tried that the receiver refuses for what it is. */
  readonly attempts: number
}

const FIRST_MS = 500
const LONGEST_MS = 60_000

/** How long to wait after so many failures in a row: twice as long each time, and never the same for all who wait. */
export function backOffMs(failures: number, random: () => number, askedMs = 0): number {
  const most = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 16), LONGEST_MS)
  return Math.max(askedMs, most / 2 + (random() * most) / 2)
}
