/** Decides whether a gateway has exporters; nothing of them is loaded where none is configured. */
import type { Exporters } from '../audit/export/exporters.ts'
import type { ExporterParts } from './build-exporters.ts'
import type { Observation } from './observation.ts'

/** They follow the chains from now on, and send when they are started. Throws what `buildExporters` throws. */
export async function openExporters(
  parts: ExporterParts,
  observation: Observation | undefined,
): Promise<Exporters | undefined> {
  if (Object.keys(parts.config.exporters).length === 0) return undefined
  const { buildExporters } = await import('./build-exporters.ts')
  const exporters = buildExporters(parts)
  observation?.further.push(() => exporters.readings)
  return exporters
}
