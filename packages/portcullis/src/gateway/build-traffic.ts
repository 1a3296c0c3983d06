/** Wires who is let in and how often: lists and their files, the blocks that all nodes share, limits, breakers, shedding. */
import type { Blocks as AnomalyBlocks } from '../anomalies/blocks.ts'
import type { Logger } from '../audit/log.ts'
import { one, type Reading } from '../audit/metrics/reading.ts'
import type { Config } from '../config/schema.ts'
import { leftOut } from '../core/pipeline.ts'
import { Adaptive } from '../limits/adaptive-stage.ts'
import { Breakers } from '../limits/breakers.ts'
import { LoopLag, overload } from '../limits/overload.ts'
import type { Slots } from '../limits/slots.ts'
import type { AccessLists } from '../traffic/access-lists.ts'
import { BlockList } from '../traffic/block-list.ts'
import { addressListed, callerListed, refusesNow, targetListed } from '../traffic/list-checks.ts'
import { type CallerRates, rateByAddress, rateByCaller, rateByTarget } from '../traffic/rate-limit.ts'
import type { RateStore } from '../traffic/rate-store.ts'
import { openLists } from './open-lists.ts'
import { openRates } from './open-rates.ts'
import type { Stages, Understood } from './path.ts'
import { scopeOf } from './scope.ts'
import type { TrafficParts } from './traffic-parts.ts'

/** What the stages, the administration and the metrics use. */
export interface Traffic {
  readonly lists: AccessLists
  readonly blocks: BlockList
  readonly rates: RateStore
  readonly breakers: Breakers
  /** Undefined where upstreams may have as many calls as all others allow. */
  readonly adaptive: Adaptive<Understood> | undefined
  readonly lag: LoopLag
  /** Whether what is under way would be refused by the lists now. */
  readonly refuses: ReturnType<typeof refusesNow>
  close(): void
}

const WINDOW_MS = 10_000
const MAX_OPEN_MS = 60_000

/** Rejects with ListsError, SecretError, RedisError, and when the blocks cannot be read: start-up errors all of them. */
export async function buildTraffic(parts: TrafficParts): Promise<Traffic> {
  const { config, stores, clock, log } = parts
  const ending: (() => void)[] = []
  const close = () => {
    for (const end of ending.splice(0).reverse()) end()
  }
  try {
    const onProblem = (error: unknown) => log.warn('the store does not answer', { error })
    const blocks = new BlockList({ store: stores.blocks, clock, pollMs: 500, onProblem })
    ending.push(() => blocks.close())
    await blocks.start()
    const unheard = stores.shared?.onNews((isAnew) => void blocks.refresh(isAnew).catch(onProblem))
    if (unheard) ending.push(unheard)
    const lists = await openLists(parts, blocks, ending)
    const rates = await openRates(parts, ending)
    const lag = new LoopLag()
    ending.push(() => lag.close())
    const adaptive = adaptiveOf(config)
    return {
      lists,
      blocks,
      rates,
      breakers: breakersOf(parts, adaptive),
      adaptive,
      lag,
      refuses: refusesNow(lists),
      close,
    }
  } catch (thrown) {
    close()
    throw thrown
  }
}

type TrafficStages = Pick<
  Stages,
  | 'address'
  | 'caller'
  | 'target'
  | 'overload'
  | 'rateByAddress'
  | 'rateByCaller'
  | 'rateByTarget'
  | 'adaptive'
  | 'breaker'
>

/** `slots` are those of the whole gateway; `isAdministration` knows its paths. */
export function trafficStages(
  { config }: Pick<TrafficParts, 'config'>,
  { lists, rates, breakers, adaptive, lag }: Traffic,
  slots: () => Pick<Slots, 'fullness'> | undefined,
  isAdministration: (path: string) => boolean,
): TrafficStages {
  const { rate } = config.traffic
  const tenantRates = new Map(Object.entries(config.tenants ?? {}).map(([name, { limits }]) => [name, limits.rate]))
  const upstreamRates = new Map(Object.entries(rate.upstreams))
  const tools = new Map(
    Object.entries(rate.tools).map(([name, { cost, rate: rule }]) => [name, { cost, ...(rule && { rule }) }]),
  )
  const callers: CallerRates = {
    perPrincipal: rate.perPrincipal,
    ...(rate.perClient && { perClient: rate.perClient }),
    ofTenant: (tenant) => tenantRates.get(tenant),
  }
  const targets = { ofUpstream: (name: string) => upstreamRates.get(name), ofTool: (name: string) => tools.get(name) }
  return {
    address: addressListed(lists),
    caller: callerListed(lists),
    target: targetListed(lists),
    overload: overload({
      rules: config.limits.overload,
      lagMs: () => lag.ms,
      fullness: () => slots()?.fullness ?? 0,
      isAdministration,
    }),
    rateByAddress: rateByAddress(rates, rate.perAddress),
    rateByCaller: rateByCaller(rates, callers),
    rateByTarget: rateByTarget(rates, targets, callers),
    adaptive: adaptive?.stage ?? leftOut('limits.adaptive'),
    breaker: breakers.stage,
  }
}

/** To where the watch for anomalies sends what it blocks, and what it lets go again. */
export function anomalyBlocks({ blocks }: Traffic, log: Logger): AnomalyBlocks {
  const source = 'anomalies'
  const failed = (error: unknown) => log.error('a block could not be kept', { error })
  return {
    block({ kind, tenant, value, reason, until }) {
      const of = kind === 'principal' ? { tenant } : {}
      blocks.block({ kind, ...of, value, reason, source, untilMs: until }).catch(failed)
    },
    async lift(tenant, principal) {
      const known = blocks.name('principal', tenant, principal, Number.NEGATIVE_INFINITY)
      if (known?.source === source) await blocks.remove('principal', tenant, principal)
    },
  }
}

/** For whoever watches the gateway. */
export function trafficReadings({ blocks, breakers, adaptive, lag }: Traffic): readonly Reading[] {
  const resting = new Map<string, number>()
  for (const { upstream } of breakers.open) resting.set(upstream, (resting.get(upstream) ?? 0) + 1)
  const each = (counts: Iterable<readonly [string, number]>) =>
    [...counts].map(([upstream, value]) => ({ labels: { upstream }, value }))
  const limits = (adaptive?.limits ?? []).map(({ upstream, limit }) => [upstream, limit] as const)
  return [
    one('portcullis_blocks', 'Dynamic blocks that are remembered.', 'gauge', blocks.size),
    one('portcullis_loop_lag_seconds', 'Lag of the event loop, smoothed.', 'gauge', lag.ms / 1_000),
    {
      ...{ name: 'portcullis_breakers_open', help: 'Shares of an upstream that are left alone.', type: 'gauge' },
      values: each(resting),
    },
    {
      ...{ name: 'portcullis_adaptive_limit', help: 'Calls at once that an upstream may have now.', type: 'gauge' },
      values: each(limits),
    },
  ]
}

function breakersOf({ config, log }: TrafficParts, adaptive: Adaptive<Understood> | undefined): Breakers {
  const { failures, ratio, openSeconds } = config.limits.breakers
  const openMs = openSeconds * 1_000
  const rules = { failures, ratio, windowMs: WINDOW_MS, openMs, maxOpenMs: Math.max(MAX_OPEN_MS, openMs) }
  return new Breakers({
    ...(failures > 0 && { rules }),
    // The processes of principals fail apart; a server over HTTP fails for all.
    shareOf: ({ principal }, upstream) =>
      config.upstreams[upstream]?.http === undefined ? scopeOf(config, principal, upstream) : '',
    counts: (exchange) => isCall(exchange as Understood),
    onChange: (upstream, state) =>
      log[state === 'open' ? 'warn' : 'info']('the breaker of an upstream has changed', { upstream, state }),
    ...(adaptive && { onEnd: (...ended) => adaptive.ended(...ended) }),
  })
}

function adaptiveOf({ limits }: Config): Adaptive<Understood> | undefined {
  if (limits.adaptive === undefined) return undefined
  const { perPrincipal, queue, waitMs } = limits.concurrency
  return new Adaptive<Understood>({
    rules: limits.adaptive,
    counts: isCall,
    ...{ maxPerPrincipal: perPrincipal, maxQueued: queue, maxWaitMs: waitMs },
    maxQueuedPerPrincipal: Math.max(1, Math.ceil(queue / 4)),
  })
}

/** Streams that last are none. */
const isCall = ({ call }: Understood): boolean => call.kind === 'request' && call.method !== 'subscriptions/listen'
