/** At which hours of the week somebody works: 168 small counts in UTC, of ten minutes each with work in them. */
import { HOURS_OF_WEEK, type Place, setU32, u32At, WORD } from './layout.ts'

const SLOT_MS = 600_000
const HOUR_MS = 3_600_000
/** Ten-minute pieces that have to be known before an hour can be unusual. */
const LEAST_KNOWN = 100
/** Below this share of all work an hour is unusual. */
const RARE = 0.005

/** Counts the instant `now`. True when somebody works at an hour at which they hardly ever did; told once in ten minutes. */
export function visitHour(place: Place, now: number): boolean {
  const slot = Math.floor(now / SLOT_MS)
  if (slot === u32At(place, WORD.lastSlot)) return false
  // A clock that was set back, or a first visit, is counted and not judged.
  const isForward = slot > u32At(place, WORD.lastSlot) && u32At(place, WORD.lastSlot) > 0
  setU32(place, WORD.lastSlot, slot)
  const hour = Math.floor(now / HOUR_MS) % HOURS_OF_WEEK
  const isRare = isForward && u32At(place, WORD.hoursTotal) >= LEAST_KNOWN && shareOf(place, hour) < RARE
  count(place, hour)
  return isRare
}

/** The share of work around an hour: the hours beside it count as well, the same hour of other days by half. */
function shareOf(place: Place, hour: number): number {
  const { u8 } = place.page
  const at = (place.base + WORD.hours) * 4
  const of = (index: number): number => u8[at + ((index + HOURS_OF_WEEK) % HOURS_OF_WEEK)] as number
  let near = of(hour) + of(hour - 1) + of(hour + 1)
  for (let day = 1; day < 7; day++) near += of(hour + 24 * day) / 2
  return near / Math.max(1, u32At(place, WORD.hoursTotal))
}

function count(place: Place, hour: number): void {
  const { u8 } = place.page
  const at = (place.base + WORD.hours) * 4
  u8[at + hour] = (u8[at + hour] as number) + 1
  setU32(place, WORD.hoursTotal, u32At(place, WORD.hoursTotal) + 1)
  if ((u8[at + hour] as number) === 255) halve(place, at)
}

/** Old habits fade. */
function halve(place: Place, at: number): void {
  const { u8 } = place.page
  let total = 0
  for (let hour = at; hour < at + HOURS_OF_WEEK; hour++) {
    u8[hour] = (u8[hour] as number) >>> 1
    total += u8[hour] as number
  }
  setU32(place, WORD.hoursTotal, total)
}
