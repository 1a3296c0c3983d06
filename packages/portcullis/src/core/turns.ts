/**
 * Spreads long work over turns of the event loop. What callers and upstreams may send takes longer to deal with than
 * everybody else can be kept waiting for; all such work together gets a few milliseconds of a turn now and then.
 */
import { performance } from 'node:perf_hooks'

/** Goes on with some work until `performance.now()` reaches `until`, or a little longer. True when it is done. */
export type Work = (until: number) => boolean

interface Job {
  readonly work: Work
  readonly resolve: () => void
  readonly reject: (thrown: unknown) => void
}

/** Of one turn, for all work together, so that many senders of large messages take no more of it than one. */
const TURN_MS = 1
/**
 * Then everybody else has so many turns, or so much time where they fill it: a small call passes through a dozen turns on its way,
 * and would wait for long work in each of them. Turns in which nobody has anything to do take some microseconds.
 */
const REST_TURNS = 12
const REST_MS = 5

const jobs: Job[] = []
const sleepers: (() => void)[] = []
let isAwake = false
let restTurns = 0
let restUntil = 0
/** Whose turn it is where both wait. */
let isOfSleepers = false

/** Resolves when the work is done, which begins in a later turn. Rejects with what the work throws. */
export function inTurns(work: Work): Promise<void> {
  return new Promise((resolve, reject) => {
    jobs.push({ work, resolve, reject })
    wake()
  })
}

/** Calls `each` for the values in their order: at once when they are few, otherwise in turns. */
export function eachInTurns<T>(values: readonly T[], few: number, each: (value: T) => void): Promise<void> | void {
  if (values.length <= few) return values.forEach((value) => each(value))
  let at = 0
  return inTurns((until) => {
    while (at < values.length) {
      each(values[at++] as T)
      if (performance.now() >= until) break
    }
    return at === values.length
  })
}

/** Resolves in a later turn, in which no other long work goes on: of work in pieces, a turn sees one piece. */
export function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    sleepers.push(resolve)
    wake()
  })
}

function wake(): void {
  if (isAwake) return
  isAwake = true
  setImmediate(turn)
}

function turn(): void {
  if (restTurns > 0 && performance.now() < restUntil) restTurns--
  else goOn()
  isAwake = jobs.length > 0 || sleepers.length > 0
  if (isAwake) setImmediate(turn)
}

function goOn(): void {
  isOfSleepers = sleepers.length > 0 && (jobs.length === 0 || !isOfSleepers)
  const now = performance.now()
  if (isOfSleepers) sleepers.shift()?.()
  else doJobs(now + TURN_MS)
  restTurns = REST_TURNS
  restUntil = now + TURN_MS + REST_MS
}

/** The jobs take turns, so that a short one does not wait for the end of a long one. */
function doJobs(until: number): void {
  do {
    const job = jobs[0] as Job
    const isOver = run(job, until)
    jobs.shift()
    if (!isOver) jobs.push(job)
  } while (jobs.length > 0 && performance.now() < until)
}

function run({ work, resolve, reject }: Job, until: number): boolean {
  try {
    if (!work(until)) return false
    resolve()
  } catch (thrown) {
    reject(thrown)
  }
  return true
}
