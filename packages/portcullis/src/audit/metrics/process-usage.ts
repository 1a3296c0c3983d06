/** What the processes of each upstream have used, those that have ended included. */
import { Counter, Family } from './family.ts'
import { counted, type Reading } from './reading.ts'

/** Of one process, from its start to now or to its end; see `Usage` of the sandbox. */
export type ProcessUsage = Readonly<Record<string, unknown>>

/** A process that runs. */
export interface RunningProcess {
  readonly upstream: string
  readonly usage: ProcessUsage
}

/** Member of a usage, name of the metric, what it is multiplied with, and further labels. */
type Row = readonly [
  member: string,
  name: string,
  factor: number,
  help: string,
  labels?: Readonly<Record<string, string>>,
]

const TOTALS: readonly Row[] = [
  ['cpuMs', 'portcullis_sandbox_cpu_seconds_total', 0.001, 'Time of processors.'],
  ['outputBytes', 'portcullis_sandbox_output_bytes_total', 1, 'Standard output.'],
  ['sentBytes', 'portcullis_sandbox_egress_bytes_total', 1, 'Bytes over the network.', { direction: 'sent' }],
  ['receivedBytes', 'portcullis_sandbox_egress_bytes_total', 1, 'Bytes over the network.', { direction: 'received' }],
]

const NOW: readonly Row[] = [
  ['memoryBytes', 'portcullis_sandbox_memory_bytes', 1, 'Memory in use.'],
  ['processes', 'portcullis_sandbox_processes', 1, 'Processes inside of the sandboxes.'],
  ['diskBytes', 'portcullis_sandbox_disk_bytes', 1, 'Bytes in writable folders.'],
]

const MAX_CELLS = 5_000

export class ProcessMetrics {
  readonly #starts = new Family(['upstream'], () => new Counter(), MAX_CELLS)
  readonly #ends = new Family(['upstream', 'reason'], () => new Counter(), MAX_CELLS)
  /** Used by processes that have ended, by upstream and member. */
  readonly #past = new Map<string, number>()
  /** What was read last: between the end of a process and its last report a total must not fall. */
  readonly #read = new Map<string, number>()

  started(upstream: string): void {
    this.#starts.of(upstream).add()
  }

  /** `reason` is the sandbox's word, such as `exited` or `out-of-memory`. */
  ended(upstream: string, reason: string, usage: ProcessUsage): void {
    this.#ends.of(upstream, reason).add()
    for (const [member] of TOTALS) {
      const key = keyOf(upstream, member)
      this.#past.set(key, (this.#past.get(key) ?? 0) + numberOf(usage, member))
    }
  }

  /** A driver that cannot measure something on this host leaves its metric without a value for that upstream. */
  readings(live: readonly RunningProcess[]): readonly Reading[] {
    const upstreams = this.#starts.entries.map(({ labels }) => String(labels['upstream']))
    const running = upstreams.map((upstream) => ({
      labels: { upstream },
      value: live.filter((process) => process.upstream === upstream).length,
    }))
    return [
      counted('portcullis_sandbox_starts_total', 'Sandboxes that were started.', this.#starts),
      counted('portcullis_sandbox_ends_total', 'Sandboxes that have ended, by the reason.', this.#ends),
      { name: 'portcullis_sandboxes', help: 'Sandboxes that run.', type: 'gauge', values: running },
      ...merged(TOTALS, 'counter', (row) => upstreams.map((upstream) => [upstream, this.#total(upstream, row, live)])),
      ...merged(NOW, 'gauge', (row) => upstreams.map((upstream) => [upstream, sumOf(live, upstream, row[0])])),
    ]
  }

  #total(upstream: string, [member, , factor]: Row, live: readonly RunningProcess[]): number | undefined {
    const key = keyOf(upstream, member)
    const past = this.#past.get(key)
    const now = sumOf(live, upstream, member)
    if (past === undefined && now === undefined) return undefined
    const total = Math.max(this.#read.get(key) ?? 0, (past ?? 0) + (now ?? 0))
    this.#read.set(key, total)
    return total * factor
  }
}

const keyOf = (upstream: string, member: string): string => `${upstream}\n${member}`

const numberOf = (usage: ProcessUsage, member: string): number => {
  const value = usage[member]
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function sumOf(live: readonly RunningProcess[], upstream: string, member: string): number | undefined {
  const own = live.filter((process) => process.upstream === upstream && typeof process.usage[member] === 'number')
  return own.length === 0 ? undefined : own.reduce((sum, { usage }) => sum + numberOf(usage, member), 0)
}

/** Rows of the same metric become one reading. */
function merged(
  rows: readonly Row[],
  type: Reading['type'],
  valuesOf: (row: Row) => readonly (readonly [upstream: string, value: number | undefined])[],
): readonly Reading[] {
  return [...new Set(rows.map(([, name]) => name))].map((name) => {
    const own = rows.filter((row) => row[1] === name)
    const values = own.flatMap((row) =>
      valuesOf(row).flatMap(([upstream, value]) =>
        value === undefined ? [] : [{ labels: { upstream, ...row[4] }, value }],
      ),
    )
    return { name, help: `${(own[0] as Row)[3]} All sandboxes of an upstream together.`, type, values }
  })
}
