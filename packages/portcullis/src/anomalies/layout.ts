/** Decides what is remembered of a subject and where in its record it stands. A snapshot on disk holds records as they are. */

/** Changes with every change of this file, so that no record is read as another form. */
export const LAYOUT_VERSION = 1

/** What is counted over time. Counts decay with `windowMs`, so each is about what happened in the last window. */
export interface Series {
  /** The reason that it can become. */
  readonly name: SeriesName
  readonly windowMs: number
  /** Windows with work in them that the usual is learned from; older ones fade. */
  readonly memory: number
  readonly rule: SeriesRule
  /** Of its weight in a score. */
  readonly most: number
}

export type SeriesName =
  | 'calls'
  | 'bytes-out'
  | 'egress'
  | 'denied'
  | 'findings'
  | 'newcomers'
  | 'first-tool'
  | 'first-upstream'
  | 'first-network'
  | 'sequence'
  | 'hour'

/**
 * `multiple`: unusual is what is several times the usual, and at least `least`. `count`: each one more than usual has
 * `points`. `always` rules apply to whoever is not known yet as well.
 */
export type SeriesRule =
  | { readonly kind: 'multiple'; readonly least: number }
  | { readonly kind: 'count'; readonly points: number; readonly always?: true }

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const multiple = (name: SeriesName, windowMs: number, memory: number, least: number, most: number): Series => ({
  ...{ name, windowMs, memory, most },
  rule: { kind: 'multiple', least },
})

const count = (name: SeriesName, windowMs: number, points: number, most: number, always?: true): Series => ({
  ...{ name, windowMs, memory: 500, most },
  rule: { kind: 'count', points, ...(always && { always }) },
})

/** Several windows of the same name: what is spread thin over an hour hides from one of ten seconds, and the reverse. */
export const SERIES: readonly Series[] = [
  multiple('calls', 10 * SECOND, 2_000, 20, 80),
  multiple('calls', 5 * MINUTE, 500, 60, 80),
  multiple('calls', HOUR, 200, 200, 80),
  multiple('bytes-out', 5 * MINUTE, 500, 262_144, 75),
  multiple('bytes-out', HOUR, 200, 1_048_576, 75),
  multiple('egress', HOUR, 200, 1_048_576, 70),
  multiple('denied', MINUTE, 500, 10, 75),
  count('findings', 5 * MINUTE, 12, 75, true),
  multiple('newcomers', HOUR, 200, 10, 70),
  count('first-tool', 10 * MINUTE, 15, 60),
  count('first-upstream', 10 * MINUTE, 20, 60),
  count('first-network', HOUR, 30, 60),
  count('sequence', 10 * MINUTE, 10, 40),
  count('hour', HOUR, 25, 25),
]

/** Where a series stands in `SERIES`; of several with the same name, the first. */
export const seriesAt = (name: SeriesName): number => SERIES.findIndex((series) => series.name === name)

/** How many of the words of a record each series has, and which of them is which. */
export const SERIES_WORDS = 6
export const SERIES_WORD = { value: 0, peak: 1, mean: 2, variance: 3, samples: 4, sampledAt: 5 } as const

/** Words of 32 bits; instants are 64-bit floats in two of them. */
export const WORD = {
  firstAt: 0,
  lastAt: 2,
  calls: 4,
  /** Hash of the tool that was called last; 0 when none was. */
  previous: 5,
  failFast: 6,
  failSlow: 7,
  /** Days, of 24 hours in UTC, on which it was seen, and the last of them. */
  days: 8,
  lastDay: 9,
  /** The last ten minutes that the profile of hours counts, and the sum of that profile. */
  lastSlot: 10,
  hoursTotal: 11,
  /** Judged calls, up to where the ratio of failures settles. */
  judged: 12,
  series: 16,
  tools: 16 + SERIES.length * SERIES_WORDS,
  networks: 32 + SERIES.length * SERIES_WORDS,
  pairs: 40 + SERIES.length * SERIES_WORDS,
  hours: 56 + SERIES.length * SERIES_WORDS,
} as const

/** How many words the marks of first uses have. */
export const MARK_WORDS = { tools: 16, networks: 8, pairs: 16 } as const
export const HOURS_OF_WEEK = 168

/** Of one record; even, because of the instants. */
export const RECORD_WORDS = 2 * Math.ceil((WORD.hours + HOURS_OF_WEEK / 4) / 2)
export const RECORD_BYTES = RECORD_WORDS * 4

/** Many records side by side: one piece of memory that is read as what each word is. */
export class Page {
  static readonly RECORDS = 256
  readonly f64: Float64Array
  readonly f32: Float32Array
  readonly u32: Uint32Array
  readonly u8: Uint8Array

  constructor() {
    const memory = new ArrayBuffer(Page.RECORDS * RECORD_BYTES)
    this.f64 = new Float64Array(memory)
    this.f32 = new Float32Array(memory)
    this.u32 = new Uint32Array(memory)
    this.u8 = new Uint8Array(memory)
  }
}

/** One record: where it begins in its page, in words. */
export interface Place {
  readonly page: Page
  readonly base: number
}

export const f64At = ({ page, base }: Place, word: number): number => page.f64[(base + word) >> 1] as number
export const setF64 = ({ page, base }: Place, word: number, value: number): void => {
  page.f64[(base + word) >> 1] = value
}
export const f32At = ({ page, base }: Place, word: number): number => page.f32[base + word] as number
export const setF32 = ({ page, base }: Place, word: number, value: number): void => {
  page.f32[base + word] = value
}
export const u32At = ({ page, base }: Place, word: number): number => page.u32[base + word] as number
export const setU32 = ({ page, base }: Place, word: number, value: number): void => {
  page.u32[base + word] = value
}
