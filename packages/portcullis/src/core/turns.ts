/**
 * Spreads long work over turns of the event loop. What callers and upstreams may send takes longer to deal with than
 * everybody else can be kept waiting for; all such work together gets a few milliseconds of each turn.
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
const TURN_MS = 2

const jobs: Job[] = []

/** Resolves when the work is done, which begins in a later turn. Rejects with what the work throws. */
export function inTurns(work: Work): Promise<void> {
  return new Promise((resolve, reject) => {
    jobs.push({ work, resolve, reject })
    if (jobs.length === 1) setImmediate(turn)
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

const sleepers: (() => void)[] = []

/** Resolves in a later turn, in which nobody else who waits here goes on: of work in pieces, a turn sees one piece. */
export function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    sleepers.push(resolve)
    if (sleepers.length === 1) setImmediate(wake)
  })
}

function wake(): void {
  sleepers.shift()?.()
  if (sleepers.length > 0) setImmediate(wake)
}

/** The jobs take turns, so that a short one does not wait for the end of a long one. */
function turn(): void {
  const until = performance.now() + TURN_MS
  do {
    const job = jobs[0] as Job
    const isOver = run(job, until)
    jobs.shift()
    if (!isOver) jobs.push(job)
  } while (jobs.length > 0 && performance.now() < until)
  if (jobs.length > 0) setImmediate(turn)
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
