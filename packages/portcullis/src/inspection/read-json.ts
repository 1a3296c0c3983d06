/** Bytes to a strict JSON value: at once when they are few, in turns when they are many. */
import { Fault } from '../core/fault.ts'
import { readBulk } from './bulk-json.ts'
import type { JsonLimits } from './json-limits.ts'
import { NotStrict } from './json-text.ts'
import { parseStrict, parseUpstream } from './strict-json.ts'

/** More bytes could hold the event loop for longer than a few milliseconds. */
export const LARGE_BYTES = 65_536

/** What `parseStrict` returns or throws; for more than LARGE_BYTES a promise of it. */
export function readStrict(bytes: Buffer, limits: JsonLimits): unknown {
  if (bytes.length <= LARGE_BYTES) return parseStrict(bytes, limits)
  return begun(bytes, limits, (flaw, at) => new Fault(flaw, { at }))
}

/** What `parseUpstream` returns or throws; for more than LARGE_BYTES a promise of it. */
export function readUpstream(bytes: Buffer, limits: JsonLimits): unknown {
  if (bytes.length <= LARGE_BYTES) return parseUpstream(bytes, limits)
  return begun(bytes, limits, (flaw, at) => new Fault('upstream.malformed', { flaw, at }))
}

async function begun(
  bytes: Buffer,
  limits: JsonLimits,
  faultOf: (flaw: NotStrict['flaw'], at: number) => Fault,
): Promise<unknown> {
  try {
    return await readBulk(bytes, limits)
  } catch (thrown) {
    throw thrown instanceof NotStrict ? faultOf(thrown.flaw, thrown.at) : thrown
  }
}
