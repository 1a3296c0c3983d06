/** Decides whether a gateway sends telemetry; nothing of it is loaded where none is configured. */
import type { Config } from '../config/schema.ts'
import type { Telemetry, TelemetryParts } from './build-telemetry.ts'
import type { UpstreamParts } from './build-upstreams.ts'
import type { Observation } from './observation.ts'

/** `observation` is there whenever metrics are to be sent. Throws what `buildTelemetry` throws. */
export async function openTelemetry(
  parts: Omit<TelemetryParts, 'config' | 'observation'> & { readonly config: Config },
  observation: Observation | undefined,
): Promise<Telemetry | undefined> {
  const { telemetry } = parts.config
  if (telemetry?.traces === undefined && telemetry?.metrics === undefined) return undefined
  const { buildTelemetry } = await import('./build-telemetry.ts')
  return buildTelemetry({ ...parts, config: telemetry, observation })
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
