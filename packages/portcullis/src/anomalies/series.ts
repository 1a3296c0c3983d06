/**
 * What is usual, and how far from it something is: counts that decay with time, and the mean and variance of their peaks.
 *
 * Peaks are learned on a logarithmic scale, because work comes in bursts: unusual is a multiple, not a difference. Only windows
 * in which the subject worked are learned from, so a quiet night does not make a morning unusual.
 */
import { f32At, type Place, SERIES, type Series, SERIES_WORD, SERIES_WORDS, WORD } from './layout.ts'

const WINDOWS = [...new Set(SERIES.map(({ windowMs }) => windowMs))]
const WINDOW_OF = SERIES.map(({ windowMs }) => WINDOWS.indexOf(windowMs))
const factors = new Float64Array(WINDOWS.length)

/** Deviation, on the scale of logarithms, below which nobody is taken to be that regular: 3 of it are 3.3 times the usual. */
const LEAST_DEVIATION = 0.4
/** From so many deviations something is unusual, and from so many it has its full weight. */
const UNUSUAL = 3
const EXTREME = 6
/** How much of what is beyond usual is learned: a burst does not make itself usual. */
const LEARNED_EXCESS = 0.25
/** Windows that must have been learned before anything is called unusual. */
const MIN_SAMPLES = 12
/** What two windows can add to; beyond, 32-bit floats would lose single ones. */
const MAX_VALUE = 1e15

const wordOf = (at: number): number => WORD.series + at * SERIES_WORDS

/** Lets all counts fade by `elapsedMs`, and learns the windows that are over. `now` in milliseconds since the epoch. */
export function pass({ page, base }: Place, elapsedMs: number, now: number): void {
  const { f32, u32 } = page
  for (let at = 0; at < WINDOWS.length; at++) factors[at] = Math.exp(-elapsedMs / (WINDOWS[at] as number))
  const seconds = Math.floor(now / 1_000)
  for (let at = 0; at < SERIES.length; at++) {
    const word = base + wordOf(at)
    const series = SERIES[at] as Series
    f32[word] = (f32[word] as number) * (factors[WINDOW_OF[at] as number] as number)
    const since = seconds - (u32[word + SERIES_WORD.sampledAt] as number)
    if (since >= 0 && since * 1_000 < series.windowMs) continue
    // A clock that was set back begins the window anew and teaches nothing.
    if (since > 0 && (u32[word + SERIES_WORD.sampledAt] as number) > 0) learn(f32, word, series)
    u32[word + SERIES_WORD.sampledAt] = seconds
    f32[word + SERIES_WORD.peak] = f32[word]
  }
}

function learn(f32: Float32Array, word: number, { memory }: Series): void {
  const samples = f32[word + SERIES_WORD.samples] as number
  const mean = f32[word + SERIES_WORD.mean] as number
  const variance = f32[word + SERIES_WORD.variance] as number
  const peak = Math.log1p(f32[word + SERIES_WORD.peak] as number)
  const limit = mean + UNUSUAL * Math.max(Math.sqrt(variance), LEAST_DEVIATION)
  const learned = samples >= MIN_SAMPLES && peak > limit ? limit + LEARNED_EXCESS * (peak - limit) : peak
  const share = Math.max(1 / (samples + 1), 1 / memory)
  const away = learned - mean
  f32[word + SERIES_WORD.mean] = mean + share * away
  f32[word + SERIES_WORD.variance] = (1 - share) * (variance + share * away * away)
  f32[word + SERIES_WORD.samples] = Math.min(samples + 1, 65_535)
}

/** Counts `amount` in one series; after `pass`. */
export function add({ page: { f32 }, base }: Place, at: number, amount: number): void {
  const word = base + wordOf(at)
  const value = Math.min((f32[word] as number) + amount, MAX_VALUE)
  f32[word] = value
  if (value > (f32[word + SERIES_WORD.peak] as number)) f32[word + SERIES_WORD.peak] = value
}

/** What is counted now. */
export const valueOf = (place: Place, at: number): number => f32At(place, wordOf(at))

/** The usual peak of one window. */
export const usualOf = (place: Place, at: number): number => Math.expm1(f32At(place, wordOf(at) + SERIES_WORD.mean))

/** What a series adds to a score, from 0 to its `most`. `isKnown`: enough has been seen of the subject to judge it. */
export function weightOf(place: Place, at: number, isKnown: boolean): number {
  const { rule, most } = SERIES[at] as Series
  const word = wordOf(at)
  const value = f32At(place, word)
  if (rule.kind === 'count') {
    if (!isKnown && rule.always !== true) return 0
    const excess = isKnown ? value - usualOf(place, at) : value
    // What has faded below one half of a single thing is over.
    return value < 0.5 || excess <= 0 ? 0 : Math.min(most, rule.points * excess)
  }
  if (!isKnown || value < rule.least || f32At(place, word + SERIES_WORD.samples) < MIN_SAMPLES) return 0
  const deviation = Math.max(Math.sqrt(f32At(place, word + SERIES_WORD.variance)), LEAST_DEVIATION)
  const away = (Math.log1p(value) - f32At(place, word + SERIES_WORD.mean)) / deviation
  return most * Math.min(1, Math.max(0, (away - UNUSUAL) / (EXTREME - UNUSUAL)))
}

/** Forgets what is counted now; what is usual stays. */
export function calm({ page: { f32 }, base }: Place): void {
  for (let at = 0; at < SERIES.length; at++) {
    const word = base + wordOf(at)
    f32[word] = 0
    f32[word + SERIES_WORD.peak] = 0
  }
}
