// Traffic that a test makes: callers with habits, on a clock that the test holds, always the same from the same seed.

import { Memory } from '../../src/anomalies/memory.ts'
import type { Sighting } from '../../src/anomalies/sighting.ts'
import { type Alert, Watch, type WatchParts, type WatchRules } from '../../src/anomalies/watch.ts'

export const RULES: WatchRules = {
  levels: { low: 25, medium: 50, high: 75, critical: 90 },
  answers: { low: 'note', medium: 'alert', high: 'alert', critical: 'alert' },
  learning: { days: 3, calls: 200 },
  deniedPerMinute: 30,
  failedSignInsPerMinute: 30,
  holdMs: 900_000,
  repeatMs: 600_000,
}

/** Monday 5 January 2026, 00:00 UTC. */
export const MONDAY = Date.UTC(2026, 0, 5)
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** Numbers from 0 up to 1, the same from the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mix = Math.imul(state ^ (state >>> 15), 1 | state)
    mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix
    return ((mix ^ (mix >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface Scene {
  readonly watch: Watch
  readonly memory: Memory
  readonly alerts: Alert[]
  now: number
  /** One request of `ana` at `files/read`, answered with 2 KB, unless said otherwise. */
  see(more?: Partial<Sighting> & { readonly isExempt?: boolean }): void
}

export function scene(
  more: Partial<WatchRules> = {},
  parts: Partial<Pick<WatchParts, 'blocks' | 'isExemptNetwork' | 'siteOf' | 'memory'>> = {},
): Scene {
  const alerts: Alert[] = []
  const memory = parts.memory ?? new Memory({ principals: 1_000, tools: 1_000 }, 7)
  const made: Scene = {
    memory,
    alerts,
    now: MONDAY,
    watch: new Watch({
      ...{ memory, rules: { ...RULES, ...more }, clock: { now: () => made.now } },
      alert: (alert) => alerts.push(alert),
      isExemptNetwork: parts.isExemptNetwork ?? (() => false),
      ...{ blocks: parts.blocks, siteOf: parts.siteOf },
    }),
    see({ isExempt = false, ...given } = {}) {
      const sighting: Sighting = {
        ...{ at: made.now, tenant: 'acme', principal: 'ana', network: '192.0.2.7' },
        ...{ upstream: 'files', tool: 'read', outcome: 'ok', bytes: 2_000, findings: 0, incident: 'incident-1' },
        ...given,
      }
      const { tenant, principal, incident } = sighting
      made.watch.observe(sighting, { tenant, principal, incident, isExempt, isAdministrator: false })
    },
  }
  return made
}

const TOOLS = ['read', 'read', 'read', 'list', 'search'] as const

/**
 * Weeks of work: on weekdays from 8 to 18, in bursts of a few calls a minute or so apart, three tools, sizes of some
 * kilobytes, one failure in twenty. Returns the number of calls.
 */
export function work(stage: Scene, days: number, seed = 1, who: Partial<Sighting> = {}): number {
  const chance = random(seed)
  let calls = 0
  const end = stage.now + days * DAY
  while (stage.now < end) {
    const hour = Math.floor(stage.now / HOUR) % 24
    const weekday = Math.floor((stage.now - MONDAY) / DAY) % 7
    if (hour < 8 || hour >= 18 || weekday >= 5) {
      stage.now += 10 * 60_000
      continue
    }
    stage.now += Math.floor(-Math.log(1 - chance()) * 90_000)
    for (let burst = 1 + Math.floor(chance() * 6); burst > 0; burst--) {
      stage.now += 200 + Math.floor(chance() * 4_000)
      const bytes = Math.floor(500 + chance() * chance() * 20_000)
      const outcome = chance() < 0.05 ? 'failed' : 'ok'
      stage.see({ tool: TOOLS[Math.floor(chance() * TOOLS.length)] as string, bytes, outcome, ...who })
      calls++
    }
  }
  stage.now = end
  return calls
}
