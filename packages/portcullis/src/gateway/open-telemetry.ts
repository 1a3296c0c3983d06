/** Decides whether a gateway sends telemetry; nothing of it is loaded where none is configured. */
import type { Logger } from '../audit/log.ts'
import { LogTap } from '../audit/telemetry/log-tap.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Telemetry, TelemetryParts } from './build-telemetry.ts'
import type { UpstreamParts } from './build-upstreams.ts'
import type { Observation } from './observation.ts'

/** `observation` is there whenever metrics are to be sent. Throws what `buildTelemetry` throws. */
export async function openTelemetry(
  parts: Omit<TelemetryParts, 'config' | 'observation'> & { readonly config: Config },
  observation: Observation | undefined,
): Promise<Telemetry | undefined> {
  const { telemetry } = parts.config
  if (telemetry === undefined || (telemetry.traces ?? telemetry.metrics ?? telemetry.logs) === undefined)
    return undefined
  const { buildTelemetry } = await import('./build-telemetry.ts')
  return buildTelemetry({ ...parts, config: telemetry, observation })
}

/** What the gateway says while it runs, and to whom; `told` is the log that nobody else hears. */
export interface Voices {
  readonly log: Logger
  readonly told: Logger
  readonly tap: LogTap | undefined
}

/** A log that the collector is told of too, where that is configured; else the very same one. */
export function voicesOf({ telemetry }: Pick<Config, 'telemetry'>, told: Logger, clock: Clock): Voices {
  if (telemetry?.logs === undefined) return { log: told, told, tap: undefined }
  const tap = new LogTap(told, clock)
  return { log: tap.logger, told, tap }
}

/** What stands around the links to upstreams; undefined where nobody hears of them, so that no request pays for it. */
export async function linkObserver(
  telemetry: Telemetry | undefined,
  observation: Observation | undefined,
): Promise<UpstreamParts['observe']> {
  const observers = { tracer: telemetry?.tracer, metrics: observation?.requests }
  if (observers.tracer === undefined && observers.metrics === undefined) return undefined
  const { observed } = await import('./observed-link.ts')
  return (connector, place) => observed(connector, place, observers)
}
