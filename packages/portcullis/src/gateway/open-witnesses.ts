/** Decides whether there are witnesses at all: nothing of them is loaded where none is configured. */
import type { Witnesses } from '../audit/witness/witnesses.ts'
import type { WitnessParts } from './build-witness.ts'
import type { Observation } from './observation.ts'

/** Throws what `buildWitnesses` throws. */
export async function openWitnesses(
  parts: WitnessParts,
  observation: Observation | undefined,
): Promise<Witnesses | undefined> {
  if (Object.keys(parts.config.audit.witness).length === 0) return undefined
  const { buildWitnesses } = await import('./build-witness.ts')
  const witnesses = buildWitnesses(parts)
  observation?.further.push(() => witnesses.readings)
  return witnesses
}
