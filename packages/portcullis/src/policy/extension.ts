/** Cedar's extension functions: decimal, ipaddr, datetime and duration. */
import { Decimal } from './decimal.ts'
import { Datetime, Duration } from './instant.ts'
import { IpRange } from './ip-range.ts'
import { toLong } from './long.ts'
import { EvaluationError, typeName, type Value } from './value.ts'

/** Takes as many values as the function has parameters; throws EvaluationError for one of the wrong type. */
type Extension = (...values: readonly Value[]) => Value

type Parameter<T extends Value> = (value: Value | undefined) => T

function instance<T extends Value>(type: abstract new (...parts: never[]) => T, name: string): Parameter<T> {
  return (value) => {
    if (value instanceof type) return value
    throw new EvaluationError(`expected ${name}, found ${value === undefined ? 'nothing' : typeName(value)}`)
  }
}

const text: Parameter<string> = (value) => {
  if (typeof value === 'string') return value
  throw new EvaluationError(`expected String, found ${value === undefined ? 'nothing' : typeName(value)}`)
}
const decimal = instance(Decimal, 'decimal')
const ip = instance(IpRange, 'ipaddr')
const datetime = instance(Datetime, 'datetime')
const duration = instance(Duration, 'duration')

const compare =
  (holds: (left: bigint, right: bigint) => boolean): Extension =>
  (left, right) =>
    holds(decimal(left).key, decimal(right).key)

/** Whole units, rounded towards zero. */
const units =
  (milliseconds: bigint): Extension =>
  (value) =>
    toLong(duration(value).key / milliseconds)

/** Loopback is 127.0.0.0/8 and ::1; multicast is 224.0.0.0/4 and ff00::/8 (RFC 4291, RFC 5771). */
const LOOPBACK = [IpRange.parse('127.0.0.0/8'), IpRange.parse('::1')]
const MULTICAST = [IpRange.parse('224.0.0.0/4'), IpRange.parse('ff00::/8')]
const inside =
  (networks: readonly IpRange[]): Extension =>
  (value) =>
    networks.some((network) => ip(value).within(network))

// biome-ignore format: one function a row
export const EXTENSIONS: Readonly<Record<string, Extension>> = {
  decimal:            (value) => Decimal.parse(text(value)),
  ip:                 (value) => IpRange.parse(text(value)),
  datetime:           (value) => Datetime.parse(text(value)),
  duration:           (value) => Duration.parse(text(value)),
  lessThan:           compare((left, right) => left < right),
  lessThanOrEqual:    compare((left, right) => left <= right),
  greaterThan:        compare((left, right) => left > right),
  greaterThanOrEqual: compare((left, right) => left >= right),
  isIpv4:             (value) => ip(value).version === 4,
  isIpv6:             (value) => ip(value).version === 6,
  isLoopback:         inside(LOOPBACK),
  isMulticast:        inside(MULTICAST),
  isInRange:          (value, range) => ip(value).within(ip(range)),
  offset:             (value, by) => datetime(value).offset(duration(by)),
  durationSince:      (value, other) => datetime(value).since(datetime(other)),
  toDate:             (value) => datetime(value).date(),
  toTime:             (value) => datetime(value).time(),
  toMilliseconds:     units(1n),
  toSeconds:          units(1_000n),
  toMinutes:          units(60_000n),
  toHours:            units(3_600_000n),
  toDays:             units(86_400_000n),
}
