/** What one request changes in what is remembered of its principal, its tool and its tenant. */
import { f32At, f64At, MARK_WORDS, type Place, seriesAt, setF32, setF64, setU32, u32At, WORD } from './layout.ts'
import { visitHour } from './hours.ts'
import { hashOf, markNew, pairOf } from './marks.ts'
import { add, calm, pass } from './series.ts'
import type { Sighting } from './sighting.ts'
import type { Transitions } from './transitions.ts'

const DAY_MS = 86_400_000
/** How fast the ratio of failures of the last calls moves, and how slowly the usual one. */
const FAST = 1 / 16
const SLOW = 1 / 400
const MAX_COUNT = 0xffff_ffff

const CALLS = [0, 1, 2]
const BYTES = [3, 4]
const EGRESS = seriesAt('egress')
const DENIED = seriesAt('denied')
const FINDINGS = seriesAt('findings')
const NEWCOMERS = seriesAt('newcomers')
const FIRST_TOOL = seriesAt('first-tool')
const FIRST_UPSTREAM = seriesAt('first-upstream')
const FIRST_NETWORK = seriesAt('first-network')
const SEQUENCE = seriesAt('sequence')
const HOUR = seriesAt('hour')

/** Lets time pass up to `now`, in ms since the epoch. A clock that was set back lets nothing fade and nothing be learned. */
export function advance(place: Place, now: number): void {
  const last = f64At(place, WORD.lastAt)
  // Many calls share a millisecond; the first of them has done all of this.
  if (last === now) return
  if (last === 0) setF64(place, WORD.firstAt, now)
  pass(place, last === 0 ? 0 : Math.max(0, now - last), now)
  setF64(place, WORD.lastAt, now)
  const day = Math.floor(now / DAY_MS)
  const lastDay = u32At(place, WORD.lastDay)
  if (day === lastDay) return
  // A day that the clock had been in already is not lived through twice.
  if (day > lastDay) setU32(place, WORD.days, u32At(place, WORD.days) + 1)
  setU32(place, WORD.lastDay, day)
}

/** What all kinds of subjects have in common; after `advance`. */
export function learnCall(place: Place, { outcome, bytes, findings }: Sighting): void {
  setU32(place, WORD.calls, Math.min(u32At(place, WORD.calls) + 1, MAX_COUNT))
  for (const at of CALLS) add(place, at, 1)
  if (bytes > 0) for (const at of BYTES) add(place, at, bytes)
  if (outcome === 'denied') add(place, DENIED, 1)
  if (findings > 0) add(place, FINDINGS, findings)
  if (outcome === 'ok' || outcome === 'failed') learnOutcome(place, outcome === 'failed' ? 1 : 0)
}

function learnOutcome(place: Place, failed: 0 | 1): void {
  const judged = u32At(place, WORD.judged)
  const slow = f32At(place, WORD.failSlow)
  const fast = f32At(place, WORD.failFast)
  setF32(place, WORD.failFast, fast + Math.max(FAST, 1 / (judged + 1)) * (failed - fast))
  setF32(place, WORD.failSlow, slow + Math.max(SLOW, 1 / (judged + 1)) * (failed - slow))
  setU32(place, WORD.judged, Math.min(judged + 1, MAX_COUNT))
}

/**
 * What only a principal has: what it uses for the first time, from where, when, and in which order. Of somebody who is not
 * known yet all of it is new, so it is remembered and not counted.
 */
export function learnHabits(place: Place, sighting: Sighting, habits: Habits): void {
  const { at, network, upstream, tool } = sighting
  const { seed, isKnown } = habits
  const note = (series: number, isNew: boolean): void => {
    if (isNew && isKnown) add(place, series, 1)
  }
  note(HOUR, visitHour(place, at))
  note(FIRST_NETWORK, markNew(place, WORD.networks, MARK_WORDS.networks, hashOf(network, seed)))
  if (upstream === undefined || tool === undefined) return
  const upstreamHash = hashOf(upstream, seed)
  const hash = pairOf(upstreamHash, hashOf(tool, seed))
  note(FIRST_UPSTREAM, markNew(place, WORD.tools, MARK_WORDS.tools, upstreamHash))
  const isFirst = markNew(place, WORD.tools, MARK_WORDS.tools, hash)
  note(FIRST_TOOL, isFirst)
  note(SEQUENCE, followsOddly(place, hash, habits) && !isFirst)
}

export interface Habits {
  /** Of the hashes. */
  readonly seed: number
  /** Of the tenant. */
  readonly transitions: Transitions
  /** Enough has been seen of it to be judged. */
  readonly isKnown: boolean
}

/** Whether a tool follows the one before it as it never did here, and hardly ever in the tenant. */
function followsOddly(place: Place, hash: number, { transitions }: Habits): boolean {
  const previous = u32At(place, WORD.previous)
  setU32(place, WORD.previous, hash)
  if (previous === 0) return false
  const isNewPair = markNew(place, WORD.pairs, MARK_WORDS.pairs, pairOf(previous, hash))
  return transitions.follow(previous, hash) && isNewPair
}

/** Bytes that a sandbox of this principal has sent; after `advance`. */
export const learnEgress = (place: Place, bytes: number): void => add(place, EGRESS, bytes)

/** A principal was seen for the first time; after `advance` of the tenant. */
export const learnNewcomer = (place: Place): void => add(place, NEWCOMERS, 1)

/** Forgets what is unusual now; what is usual stays. */
export function calmDown(place: Place): void {
  calm(place)
  setF32(place, WORD.failFast, f32At(place, WORD.failSlow))
}
