/** Wires the watch for unusual conduct: what it remembers across restarts, whom it tells, and what it may do. */
import { randomInt } from 'node:crypto'
import { canaryTools, type IsCanary } from '../anomalies/canary-tools.ts'
import type { Blocks } from '../anomalies/blocks.ts'
import { Memory } from '../anomalies/memory.ts'
import type { Throttle } from '../anomalies/restrain.ts'
import { type Alert, Watch } from '../anomalies/watch.ts'
import type { WatchStageParts } from '../anomalies/watch-stage.ts'
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { type Reading, one } from '../audit/metrics/reading.ts'
import type { AlertBody } from '../audit/alert.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { isAdministrator } from '../policy/administrator.ts'
import { FOR_EVER_MS } from '../traffic/blocks.ts'
import { entrySet } from '../traffic/entry-set.ts'
import { MemoryRateStore } from '../traffic/memory-rate-store.ts'
import { addressWords } from '../traffic/address-words.ts'
import { networkKey, SITE_FACTOR, siteKey } from '../traffic/network.ts'
import { type Restored, restore, save } from './baseline-file.ts'
import { watchedLedger } from './watched-ledger.ts'

export interface AnomalyParts {
  readonly config: Config
  readonly layout: StateLayout
  readonly clock: Clock
  readonly log: Logger
  readonly ledger: Ledger
}

/** What the stages, the administration and the metrics use. */
export interface Anomalies extends WatchStageParts {
  readonly isCanary: IsCanary
  readonly throttle: Throttle
  /** That of all records from now on: it tells the watch what no request of a known caller does. */
  readonly ledger: Ledger
  /** How what was learned before came back at the start. */
  readonly restored: Restored['state']
  readonly readings: () => readonly Reading[]
  /** Where blocks go from now on. */
  useBlocks(blocks: Blocks): void
  close(): Promise<void>
}

const SWEEP_MS = 60_000
const SAVE_MS = 300_000

/** Nothing when the configuration has turned it off. Never throws for what a file holds. */
export function buildAnomalies(parts: AnomalyParts): Anomalies | undefined {
  const { config, layout, clock, log } = parts
  const { anomalies } = config
  if (anomalies.watch === 'off') return undefined
  const sizes = { principals: anomalies.principals, tools: anomalies.tools }
  const { memory, restored } = restore(layout.baselines, () => new Memory(sizes, randomInt(0, 2 ** 32)))
  if (restored.state === 'damaged') tellDamage(parts, restored.cause)
  else log.info('conduct is watched', { learned: restored.state === 'restored' ? 'as before' : 'nothing yet' })
  let blocks: Blocks | undefined
  const watch = new Watch({
    ...{ memory, clock, rules: rulesOf(config), isExemptNetwork: exemptNetworks(config, clock), siteOf },
    alert: (alert) => tell(parts, alert),
    blocks: { block: (block) => blocks?.block(block), lift: async (tenant, id) => blocks?.lift(tenant, id) },
  })
  const exempt = { roles: new Set(anomalies.exempt.roles), principals: new Set(anomalies.exempt.principals) }
  const rates = new MemoryRateStore(clock)
  const onFailure = (error: unknown): void => log.error('the watch for anomalies has failed', { error })
  return {
    ...{ watch, clock, networkOf: networkKey, isAdministrator, restored: restored.state },
    isCanary: canaryTools(anomalies.canaries),
    isExempt: ({ id, roles }: Principal) => exempt.principals.has(id) || roles.some((role) => exempt.roles.has(role)),
    throttle: { take: (key) => rates.take([{ key, cost: 1, rule: anomalies.throttle }]) },
    onFailure,
    ledger: watchedLedger(parts.ledger, watch, networkKey, onFailure),
    readings: () => readingsOf(watch),
    useBlocks: (list) => void (blocks = list),
    close: keep(parts, watch),
  }
}

function rulesOf({ anomalies }: Config) {
  const { levels, answers, learning, deniedPerMinute, failedSignInsPerMinute } = anomalies
  const times = { holdMs: anomalies.holdSeconds * 1_000, repeatMs: anomalies.repeatSeconds * 1_000 }
  return { levels, answers, learning, deniedPerMinute, failedSignInsPerMinute, ...times }
}

function siteOf(network: string) {
  const site = siteKey(network)
  return site === undefined || site === network ? undefined : { site, factor: SITE_FACTOR }
}

/** The key of an IPv6 network stands for its /64 or /48; its first address says whether it is exempt, and what is exempt in it. */
function exemptNetworks({ anomalies }: Config, clock: Clock): (network: string) => boolean {
  const sites = new Set(anomalies.exempt.networks.map((value) => siteKey(value.replace(/\/.*$/, ''))))
  const of = { kind: 'address', tenant: '', reason: 'exempt', source: 'config', untilMs: FOR_EVER_MS } as const
  const set = entrySet(anomalies.exempt.networks.map((value) => ({ ...of, value })))
  return (network) => {
    if (sites.has(network)) return true
    const words = addressWords(network.replace(/\/(?:48|64)$/, ''))
    return words !== undefined && set.address(words, clock.now()) !== undefined
  }
}

/** From time to time, and at the end. Returns the end. */
function keep({ layout, clock, log }: AnomalyParts, watch: Watch): () => Promise<void> {
  let saving: Promise<void> | undefined
  let savedAt = performance.now()
  const write = (): Promise<void> =>
    (saving ??= save(layout.baselines, watch.memory, clock.now())
      .catch((error: unknown) => log.error('what is usual could not be kept', { error }))
      .finally(() => {
        saving = undefined
        savedAt = performance.now()
      }))
  const timer = setInterval(() => {
    watch.sweep(clock.now())
    if (performance.now() - savedAt >= SAVE_MS) void write()
  }, SWEEP_MS).unref()
  return async () => {
    clearInterval(timer)
    watch.sweep(Number.POSITIVE_INFINITY)
    await saving
    await write()
  }
}

/** What was learned is lost, and whoever has caused that may have wanted it: it is on record and goes to the exporters. */
function tellDamage({ layout, log, ledger }: AnomalyParts, cause: unknown): void {
  const file = layout.baselines
  log.error('what was usual cannot be read and is learned anew; until then only rules hold that need no habits', {
    ...{ file, error: cause },
  })
  const body: AlertBody = {
    ...{ kind: 'alert', level: 'high', score: 75, subject: { kind: 'tenant', name: GATEWAY_TENANT } },
    reasons: [{ reason: 'baselines-lost', observed: 1, expected: 0, weight: 75 }],
    ...{ answer: 'alert', count: 1 },
  }
  append({ ledger, log }, GATEWAY_TENANT, body)
}

function tell(parts: AnomalyParts, alert: Alert): void {
  const { subject, level, score, reasons, answer, count, incident, until } = alert
  const { kind, tenant, name } = subject
  const body: AlertBody = {
    ...{ kind: 'alert', level, score, subject: { kind, name } },
    ...(kind === 'principal' && { principal: name }),
    ...{ reasons, answer, count },
    ...(incident !== undefined && { incident }),
    ...(until !== undefined && { untilMs: until }),
  }
  parts.log.warn('unusual conduct', { tenant, subject: `${kind}:${name}`, level, score, answer, count, incident })
  append(parts, tenant, body)
}

/** A record that cannot be written breaks the chain, and that refuses calls by itself. */
function append({ ledger, log }: Pick<AnomalyParts, 'ledger' | 'log'>, tenant: string, body: AlertBody): void {
  ledger.append(tenant, body).catch((error: unknown) => log.error('an alert could not be recorded', { tenant, error }))
}

function readingsOf({ counts, memory, untracked }: Watch): readonly Reading[] {
  const values = [...counts].map(([key, value]) => {
    const [level = '', kind = ''] = key.split(' ')
    return { labels: { level, kind }, value }
  })
  const kept = Object.entries(memory.tables).map(([kind, { size }]) => ({ labels: { kind }, value: size }))
  return [
    {
      ...{ name: 'portcullis_anomalies_total', help: 'Requests after which a subject was unusual.' },
      ...{ type: 'counter', values },
    },
    {
      ...{ name: 'portcullis_anomaly_subjects', help: 'Subjects that are remembered.' },
      ...{ type: 'gauge', values: kept },
    },
    one('portcullis_anomaly_untracked_total', 'Requests of callers for whom there was no room.', 'counter', untracked),
    one(
      'portcullis_anomaly_restrictions',
      'Callers that are asked about, throttled or blocked.',
      'gauge',
      memory.restrictions.size,
    ),
  ]
}
