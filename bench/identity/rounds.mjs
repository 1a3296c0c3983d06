// Processor time of this process (getrusage, thread pool included) a call, in interleaved rounds.
import { setTimeout as sleep } from 'node:timers/promises'
import { shuffled } from '../lib/statistics.mjs'

const PAUSE_MS = 20

/**
 * Runs every measurement once to warm it, then once a round in shuffled order. `prepare` makes what `run` is then measured
 * with. Collects `microseconds` into each.
 */
export async function measureRounds(measurements, rounds) {
  for (let round = 0; round <= rounds; round++) {
    for (const one of shuffled(measurements)) {
      const figure = await measure(one)
      if (round > 0) (one.microseconds ??= []).push(figure)
    }
    console.log(round === 0 ? '  warm' : `  round ${round} of ${rounds}`)
  }
}

async function measure({ prepare, run }) {
  const work = await prepare()
  // Known callers wait for nothing, so without a pause nobody would ask for revocations, and all would be refused.
  await sleep(PAUSE_MS)
  globalThis.gc?.()
  const before = process.cpuUsage()
  await run(work)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / work.length
}

/** One after the other, as the calls of one client are. */
export async function inTurn(requests, ask) {
  for (const request of requests) {
    const answer = ask(request)
    if (answer instanceof Promise) await answer
  }
}
