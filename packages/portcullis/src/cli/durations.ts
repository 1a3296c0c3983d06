/** Reads durations of the command line, such as `90d`. */
import { CommandError, EXIT } from './exit.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Milliseconds since the epoch of `2026-01-31T12:00:00Z`, `2026-01-31` (its first moment in UTC), or `2h`: so long ago. Throws CommandError. */
export function parseInstant(text: string, nowMs: number): number {
  if (/^\d{1,9}[smhd]$/.test(text)) return nowMs - parseDuration(text) * 1_000
  const isOne = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
  const at = isOne ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  const says = 'is not a time; write 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago'
  throw new CommandError(EXIT.usage, `${JSON.stringify(text)} ${says}`)
}

/** Seconds of `30s`, `15m`, `12h`, `90d`. Throws CommandError. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  const unit = match === null ? undefined : SECONDS[match[2] ?? '']
  if (match === null || unit === undefined) {
    throw new CommandError(EXIT.usage, `${JSON.stringify(text)} is not a duration; write 30s, 15m, 12h or 90d`)
  }
  return Number(match[1]) * unit
}
