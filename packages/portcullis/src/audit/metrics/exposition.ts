/** Readings to the text that Prometheus scrapes, through prom-client, which adds what it knows of this process. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { Histogram } from './family.ts'
import type { Reading } from './reading.ts'
import { stoppable } from './stoppable.ts'

export interface Exposition {
  readonly contentType: string
  text(): Promise<string>
  /** Ends what observes the process. */
  close(): void
}

interface Value {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  readonly metricName?: string
}

/** `read` is asked at each scrape. Metrics of the process (CPU, memory, event loop, garbage) are added. */
export function exposition(read: () => Promise<readonly Reading[]>): Exposition {
  const ofProcess = new Registry()
  const close = stoppable(() => collectDefaultMetrics({ register: ofProcess }))
  return {
    contentType: ofProcess.contentType,
    close,
    async text() {
      const registry = new Registry()
      for (const reading of await read()) registry.registerMetric(asMetric(reading))
      return `${await registry.metrics()}\n${await ofProcess.metrics()}`
    },
  }
}

type Metric = Parameters<Registry['registerMetric']>[0]

/** What a registry asks of a metric of its own. */
function asMetric({ name, help, type, values }: Reading): Metric {
  const all = values.flatMap(({ labels, value }): readonly Value[] =>
    value instanceof Histogram ? bucketsOf(name, value, labels) : [{ value, labels }],
  )
  return {
    name,
    help,
    type,
    get: async () => ({ name, help, type, values: all, aggregator: 'sum' }),
  } as unknown as Metric
}

function bucketsOf(name: string, { bounds, counts, sum }: Histogram, labels: Value['labels']): readonly Value[] {
  let count = 0
  const buckets = [...bounds, '+Inf'].map((le, index) => {
    count += counts[index] as number
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
