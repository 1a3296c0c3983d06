/** Reads durations of the command line, such as `90d`. */
import { CommandError, EXIT } from './exit.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds of `30s`, `15m`, `12h`, `90d`. Throws CommandError. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  const unit = match === null ? undefined : SECONDS[match[2] ?? '']
  if (match === null || unit === undefined) {
    throw new CommandError(EXIT.usage, `${JSON.stringify(text)} is not a duration; write 30s, 15m, 12h or 90d`)
  }
  return Number(match[1]) * unit
}
