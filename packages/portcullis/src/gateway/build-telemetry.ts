/** Configuration to telemetry: who samples, what is said, and how it gets to the collector. Loaded only where it is configured. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Logger } from '../audit/log.ts'
import { scrubText } from '../audit/scrub.ts'
import { Delivery } from '../audit/telemetry/delivery.ts'
import { TelemetryHealth } from '../audit/telemetry/health.ts'
import { LogExporter } from '../audit/telemetry/log-exporter.ts'
import type { LogTap } from '../audit/telemetry/log-tap.ts'
import { MetricExporter } from '../audit/telemetry/metric-exporter.ts'
import { Outbox } from '../audit/telemetry/outbox.ts'
import type { Resource } from '../audit/telemetry/resource.ts'
import type { IdentityWords } from '../audit/telemetry/server-span.ts'
import { Sampler } from '../audit/telemetry/sampling.ts'
import { SpanExporter } from '../audit/telemetry/span-exporter.ts'
import { Tracer } from '../audit/telemetry/tracer.ts'
import type { Environment } from '../config/environment.ts'
import { readPrivateFile, SecretError } from '../config/secret-source.ts'
import type { StateLayout } from '../config/state-layout.ts'
import {
  targetProblem,
  type TelemetryConfig,
  type TelemetryTarget,
  telemetryTarget,
} from '../config/telemetry-target.ts'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Handler } from '../core/pipeline.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { LinkObservers } from './observed-link.ts'
import type { Observation } from './observation.ts'
import type { Stages } from './path.ts'
import { PRODUCT } from './product.ts'
import { identityWords } from './pseudonyms.ts'
import { spanContent, type SpanContentParts } from './span-content.ts'
import { traced, tracedStages } from './traced-stages.ts'
import { trustedServer } from './trusted-server.ts'

export interface TelemetryParts {
  readonly config: TelemetryConfig
  readonly layout: StateLayout
  readonly clock: Clock
  /** Of which the collector is not told, so that what is lost is not lost again. */
  readonly log: Logger
  /** There whenever the log is sent. */
  readonly tap?: LogTap | undefined
  readonly environment: Environment
  readonly prover: Prover
  /** There whenever metrics are sent. */
  readonly observation: Observation | undefined
}

/** Traces and metrics of one gateway. */
export interface Telemetry {
  readonly tracer: LinkObservers['tracer']
  /** `parts` say what of arguments may be told. */
  stages(stages: Stages, parts: SpanContentParts): Stages
  around(serve: Handler<Exchange>): Handler<Exchange>
  /** Sends what waits for two seconds at most. */
  close(): Promise<void>
}

const ATTEMPTS = 4
const PAUSE_MS = 1_000
const BATCH_SPANS = 512
const WAIT_MS = 1_000
const CLOSE_MS = 2_000

/** Throws SecretError, PkiError, and what the file system throws. */
export function buildTelemetry(parts: TelemetryParts): Telemetry {
  const { config, layout, clock, log, environment, observation, prover } = parts
  const problem = targetProblem(config, environment)
  if (problem !== undefined) throw new SecretError(problem.wrong, problem.right)
  const target = telemetryTarget(config, environment)
  const health = healthOf(log)
  observation?.further.push(() => health.readings)
  const shared: Shared = { config, prover, target, health, resource: resourceOf(target), clock, closeMs: CLOSE_MS }
  const words = identityWords(config, layout.telemetryKey)
  const spans = spansOf(shared)
  const numbers = numbersOf(shared, words, observation)
  const entries = entriesOf(shared)
  if (entries) parts.tap?.attach(entries.add)
  const close = async () => void (await Promise.all([spans?.close(), numbers?.close(), entries?.close()]))
  const { traces } = config
  return { ...(traces && spans ? tracing(traces, spans, words) : SILENT), close }
}

interface Shared {
  readonly config: TelemetryConfig
  readonly prover: Prover
  readonly target: TelemetryTarget
  readonly health: TelemetryHealth
  readonly resource: Resource
  readonly clock: Clock
  readonly closeMs: number
}

type TracesConfig = NonNullable<TelemetryConfig['traces']>

function spansOf({ config, prover, target, ...shared }: Shared): SpanExporter | undefined {
  const { traces } = config
  if (traces === undefined) return undefined
  const { queue } = traces
  return new SpanExporter({
    ...shared,
    delivery: deliveryOf({ config, prover }, target, 'traces'),
    outbox: new Outbox(queue.spans, queue.megabytes * 1_048_576),
    batch: Math.min(BATCH_SPANS, queue.spans),
    waitMs: WAIT_MS,
  })
}

function entriesOf({ config, prover, target, ...shared }: Shared): LogExporter | undefined {
  const { logs } = config
  if (logs === undefined) return undefined
  const { level, queue } = logs
  return new LogExporter({
    ...shared,
    level,
    delivery: deliveryOf({ config, prover }, target, 'logs'),
    outbox: new Outbox(queue.entries, queue.megabytes * 1_048_576),
    batch: Math.min(BATCH_SPANS, queue.entries),
    waitMs: WAIT_MS,
  })
}

function numbersOf(
  { config, prover, target, ...shared }: Shared,
  words: IdentityWords,
  observation: Observation | undefined,
): MetricExporter | undefined {
  const { metrics } = config
  if (metrics === undefined || observation === undefined) return undefined
  const delivery = deliveryOf({ config, prover }, target, 'metrics')
  const read = () => observation.read()
  return new MetricExporter({ ...shared, delivery, read, words, everyMs: metrics.everySeconds * 1_000 })
}

function tracing(traces: TracesConfig, spans: SpanExporter, identity: IdentityWords): Omit<Telemetry, 'close'> {
  let content: ReturnType<typeof spanContent>
  const tracer = new Tracer({
    sampler: new Sampler(traces.sampling),
    emit: spans.add,
    identity,
    baggage: new Set(traces.baggage),
    content: (exchange, answer) => content?.(exchange, answer),
  })
  return {
    tracer,
    stages(stages, parts) {
      content = spanContent(traces.content, parts)
      return tracedStages(stages, tracer)
    },
    around: (serve) => traced(serve, tracer),
  }
}

/** Metrics alone have no part in a call. */
const SILENT: Omit<Telemetry, 'close'> = {
  tracer: undefined,
  stages: (stages) => stages,
  around: (serve) => serve,
}

function deliveryOf(
  { config, prover }: Pick<TelemetryParts, 'config' | 'prover'>,
  target: TelemetryTarget,
  signal: 'traces' | 'metrics' | 'logs',
): Delivery {
  const { certificate, key, deadlineSeconds } = config
  return new Delivery({
    url: `${target.endpoint}/v1/${signal}`,
    ...trustedServer(prover, 'telemetry', config.ca),
    certificate: certificate === undefined ? undefined : readFileSync(certificate, 'utf8'),
    key: key === undefined ? undefined : readPrivateFile(key).toString('utf8'),
    headers: target.headers,
    deadlineMs: deadlineSeconds * 1_000,
    attempts: ATTEMPTS,
    pauseMs: PAUSE_MS,
  })
}

const resourceOf = ({ serviceName, attributes }: TelemetryTarget): Resource => ({
  name: serviceName,
  version: PRODUCT.version,
  instance: randomUUID(),
  host: hostname(),
  attributes,
})

/** Of an error only its code and its words: what hangs on it may hold the request, and with it the token. */
function healthOf(log: Logger): TelemetryHealth {
  return new TelemetryHealth(
    ({ error, ...facts }) => {
      const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
      log.warn('telemetry is lost', {
        ...facts,
        ...(typeof code === 'string' && { code }),
        ...(typeof message === 'string' && { why: scrubText(message) }),
      })
    },
    () => performance.now(),
  )
}
