/** Cedar's datetime and duration (RFC 80 of Cedar), in milliseconds. */
import { EvaluationError, type ExtensionValue } from './value.ts'

const LIMIT = 2n ** 63n
const DAY = 86_400_000n

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?(?:Z|([+-])(\d\d)(\d\d)))?$/
const SPAN = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/

function bounded(milliseconds: bigint): bigint {
  if (milliseconds < -LIMIT || milliseconds >= LIMIT) throw new EvaluationError('datetime overflow')
  return milliseconds
}

export class Duration implements ExtensionValue {
  readonly kind = 'duration'
  /** Milliseconds. */
  readonly key: bigint

  constructor(key: bigint) {
    this.key = bounded(key)
  }

  /** Parses `1d2h3m4s5ms`, each part optional but one. Throws EvaluationError for anything else. */
  static parse(text: string): Duration {
    const parts = SPAN.exec(text)
    if (parts === null || !/\d/.test(text)) throw new EvaluationError(`not a duration: ${JSON.stringify(text)}`)
    const [d, h, m, s, ms] = parts.slice(2).map((part) => BigInt(part ?? 0)) as [bigint, bigint, bigint, bigint, bigint]
    const total = d * DAY + h * 3_600_000n + m * 60_000n + s * 1_000n + ms
    return new Duration(parts[1] === '-' ? -total : total)
  }
}

export class Datetime implements ExtensionValue {
  readonly kind = 'datetime'
  /** Milliseconds since the Unix epoch. */
  readonly key: bigint

  constructor(key: bigint) {
    this.key = bounded(key)
  }

  /** Parses `2026-07-28` and `2026-07-28T12:00:00[.000](Z|+0200)`. Throws EvaluationError for anything else. */
  static parse(text: string): Datetime {
    const parts = DATE.exec(text)
    const milliseconds = parts === null ? undefined : instantOf(parts)
    if (milliseconds === undefined) throw new EvaluationError(`not a datetime: ${JSON.stringify(text)}`)
    return new Datetime(milliseconds)
  }

  offset(by: Duration): Datetime {
    return new Datetime(this.key + by.key)
  }

  since(other: Datetime): Duration {
    return new Duration(this.key - other.key)
  }

  /** Midnight UTC of this day. */
  date(): Datetime {
    return new Datetime(this.key - this.time().key)
  }

  /** Time since midnight UTC. */
  time(): Duration {
    return new Duration(((this.key % DAY) + DAY) % DAY)
  }
}

function instantOf(parts: RegExpExecArray): bigint | undefined {
  const [year, month, day, hour, minute, second, ms] = parts.slice(1, 8).map((part) => Number(part ?? 0))
  const [zoneHours, zoneMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)]
  // Date rolls 30 February over into March, so what comes back has to be what went in.
  const date = new Date(0)
  date.setUTCFullYear(year as number, (month as number) - 1, day)
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return undefined
  if ((hour as number) > 23 || (minute as number) > 59 || (second as number) > 59) return undefined
  if (zoneHours > 23 || zoneMinutes > 59) return undefined
  const zone = (zoneHours * 60 + zoneMinutes) * (parts[8] === '-' ? 1 : -1)
  const clock = (((hour as number) * 60 + (minute as number) + zone) * 60 + (second as number)) * 1000 + (ms as number)
  return BigInt(date.getTime()) + BigInt(clock)
}
