/** Opens the chains with whoever hears of what is durable in them: exporters, and witnesses. */
import type { Exporters } from '../audit/export/exporters.ts'
import type { ChainLedger } from '../audit/ledger.ts'
import type { Witnesses } from '../audit/witness/witnesses.ts'
import type { Config } from '../config/schema.ts'
import type { WitnessParts } from './build-witness.ts'
import type { ExporterParts } from './build-exporters.ts'
import type { Observation } from './observation.ts'
import { openExporters } from './open-exporters.ts'
import { openLedger } from './open-ledger.ts'
import { openWitnesses } from './open-witnesses.ts'

export interface OpenRecords {
  readonly chains: ChainLedger
  readonly exporters: Exporters | undefined
  readonly witnesses: Witnesses | undefined
}

/** What is opened is put into `started` with its end: chains end first, and what they say last is still heard. Rejects as each of them does. */
export async function openRecords(
  parts: ExporterParts & WitnessParts & { readonly config: Config },
  observation: Observation | undefined,
  started: (() => Promise<void> | void)[],
): Promise<OpenRecords> {
  const { config, layout, clock, log } = parts
  const exporters = await openExporters(parts, observation)
  if (exporters) started.push(() => exporters.close())
  const witnesses = await openWitnesses(parts, observation)
  if (witnesses) started.push(() => witnesses.close())
  const chains = await openLedger(config, layout, clock, log, observation, { exporters, witnesses })
  started.push(() => chains.close())
  exporters?.start()
  return { chains, exporters, witnesses }
}
