/**
 * Decides how observers are stopped that a library starts and hands out nowhere: for the moment in which it starts them, the
 * two ways to make one are ours. Without that each gateway of a process would leave its observers running for ever.
 */
import perfHooks, { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'

/** Runs `start`, which must be synchronous. What comes back stops every observer of `node:perf_hooks` that it has made. */
export function stoppable(start: () => void): () => void {
  const stops: (() => void)[] = []
  class Noted extends PerformanceObserver {
    constructor(...given: ConstructorParameters<typeof PerformanceObserver>) {
      super(...given)
      stops.push(() => this.disconnect())
    }
  }
  const noted: typeof monitorEventLoopDelay = (options) => {
    const histogram = monitorEventLoopDelay(options)
    stops.push(() => void histogram.disable())
    return histogram
  }
  Object.assign(perfHooks, { PerformanceObserver: Noted, monitorEventLoopDelay: noted })
  try {
    start()
  } finally {
    Object.assign(perfHooks, { PerformanceObserver, monitorEventLoopDelay })
  }
  return () => {
    for (const stop of stops) stop()
  }
}
