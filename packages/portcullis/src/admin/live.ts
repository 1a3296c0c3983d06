/** What the nouns stand on that only a gateway has which runs. */
import { Fault } from '../core/fault.ts'
import type { AdminView, LiveView } from '../gateway/administration.ts'

/** Throws `administration.unavailable`, as for a command that works on the store of a gateway that does not run. */
export function liveOf({ live }: Pick<AdminView, 'live'>): LiveView {
  if (live === undefined) throw new Fault('administration.unavailable', {}, { says: 'No gateway is running.' })
  return live
}
