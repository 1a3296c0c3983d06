/** Decides when a failed sign-in is answered: at one time after its request, so that the wait tells nobody what failed. */
import { AlarmClock } from '../core/alarm-clock.ts'
import type { Clock } from '../core/clock.ts'
import { FAULTS, type Fault } from '../core/fault.ts'

/** Rejects with the fault: at once, unless it is a 401. `receivedAt` is milliseconds since the epoch. */
export type RefuseTogether = (fault: Fault, receivedAt: number) => Promise<never>

/**
 * `floorMs` has to be longer than what is done here to refuse: a look-up, a signature. What asks somebody else may take
 * longer. A refusal that waits holds no more than its socket.
 */
export function refuseTogether(floorMs: number, clock: Clock): RefuseTogether {
  const alarms = new AlarmClock()
  return (fault, receivedAt) => {
    if (FAULTS[fault.code].status !== 401 || floorMs === 0) return Promise.reject(fault)
    const passedMs = Math.max(0, clock.now() - receivedAt)
    return new Promise((_, reject) => {
      alarms.set(Math.max(0, floorMs - passedMs), () => reject(fault))
    })
  }
}
