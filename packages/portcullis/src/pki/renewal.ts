/** Looks after the listener's certificate while the gateway runs, so that it is replaced before it ends. */
import type { Clock } from '../core/clock.ts'
import type { KeyPair } from './key-pair.ts'

const CHECK_EVERY_MS = 3_600_000

export interface RenewalOptions {
  readonly current: KeyPair
  /** Gives the pair to use at `now`: `serverCertificate`, or `readOwnCertificate` to notice files that were replaced. */
  readonly obtain: (now: number) => Promise<KeyPair> | KeyPair
  readonly clock: Clock
  /** Called with a pair that differs from the one before. Connections that are open keep the old one. */
  readonly onChange: (pair: KeyPair) => void
  /** Called when there is no new pair; the old one stays, and the next check tries again. */
  readonly onFailure: (thrown: unknown) => void
}

export interface Renewal {
  /** Looks now. Never rejects. */
  check(): Promise<void>
  stop(): void
}

/** Checks every hour; the timer does not keep the process alive. */
export function startRenewal(options: RenewalOptions): Renewal {
  let current = options.current
  const check = async () => {
    try {
      const pair = await options.obtain(options.clock.now())
      if (pair.certificate === current.certificate && pair.key === current.key) return
      current = pair
      options.onChange(pair)
    } catch (thrown) {
      options.onFailure(thrown)
    }
  }
  const timer = setInterval(() => void check(), CHECK_EVERY_MS).unref()
  return { check, stop: () => clearInterval(timer) }
}
