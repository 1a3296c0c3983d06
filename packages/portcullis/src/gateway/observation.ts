/** What the parts of the gateway tell of themselves to whoever watches it: counted on their way, or read at a scrape. */
import { GatewayMetrics } from '../audit/metrics/metrics.ts'
import { ProcessMetrics } from '../audit/metrics/process-usage.ts'
import { one, type Reading } from '../audit/metrics/reading.ts'
import { UpstreamMetrics } from '../audit/metrics/upstream-metrics.ts'
import type { Slots } from '../limits/slots.ts'
import type { SessionTable } from '../upstream/relay/session-table.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Processes } from './processes.ts'

/** What only a gateway that runs has. */
export interface Observed {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly processes: Pick<Processes, 'live'>
  readonly sessions: Pick<SessionTable, 'size' | 'onEnded'>
  readonly openStreams: () => number
  /** Names what keeps the gateway from serving now, such as `stores`. */
  readonly problems: () => Promise<readonly string[]>
}

export class Observation {
  readonly metrics = new GatewayMetrics()
  readonly processes = new ProcessMetrics()
  readonly requests = new UpstreamMetrics()
  /** Whoever limits concurrency, each as it is made. */
  readonly slots: Pick<Slots, 'used' | 'queued'>[] = []
  /** What further parts tell at a scrape. */
  readonly further: (() => readonly Reading[])[] = []
  #observed: Observed | undefined
  #state: 'starting' | 'serving' | 'draining' = 'starting'

  /** The gateway is whole. */
  begin(observed: Observed): void {
    this.#observed = observed
    this.#state = 'serving'
    observed.sessions.onEnded((seconds) => this.requests.sessionEnded(seconds))
  }

  drain(): void {
    this.#state = 'draining'
  }

  /** What keeps the gateway from serving; empty when nothing does. */
  async problems(): Promise<readonly string[]> {
    if (this.#observed === undefined || this.#state !== 'serving') return [this.#state]
    return this.#observed.problems()
  }

  async read(): Promise<readonly Reading[]> {
    const observed = this.#observed
    const live = (await observed?.processes.live()) ?? []
    return [
      ...this.metrics.readings,
      ...this.requests.readings,
      one(
        'portcullis_concurrency_in_use',
        'Calls at work.',
        'gauge',
        sum(this.slots, ({ used }) => used),
      ),
      one(
        'portcullis_concurrency_queued',
        'Calls that wait for a place.',
        'gauge',
        sum(this.slots, ({ queued }) => queued),
      ),
      ...(observed === undefined ? [] : gauges(observed)),
      ...this.further.flatMap((readings) => readings()),
      ...this.processes.readings(live),
    ]
  }
}

function gauges({ upstreams, sessions, openStreams }: Observed): readonly Reading[] {
  const each = (name: string, help: string, value: (upstream: Upstream) => number): Reading => ({
    name,
    help,
    type: 'gauge',
    values: [...upstreams.values()].map((upstream) => ({
      labels: { upstream: upstream.name },
      value: value(upstream),
    })),
  })
  return [
    one('portcullis_open_streams', 'Event streams to clients that are open.', 'gauge', openStreams()),
    one('portcullis_sessions', 'Sessions of the 2025 revisions.', 'gauge', sessions.size),
    each('portcullis_upstream_links', 'Connections and processes of an upstream.', ({ links }) => links),
    each('portcullis_upstream_tools', 'Tools that an upstream offers now.', ({ catalogue }) => catalogue.list().length),
    each('portcullis_upstream_failing', '1 while the last start of an upstream has failed.', ({ failing }) =>
      Number(failing),
    ),
  ]
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0)
