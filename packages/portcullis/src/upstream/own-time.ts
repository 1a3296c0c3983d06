/** How long the gateway waits for what it asks an upstream for itself. */
import { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'

/**
 * Does `work` with a cancellation that fires after `milliseconds`. Throws what `work` throws, and in place of the fault of
 * that cancellation `upstream.unavailable`, which says that there was no answer in time.
 */
export async function withinTime<T>(
  milliseconds: number,
  work: (cancellation: Cancellation) => Promise<T>,
  says = 'The upstream did not answer in time.',
): Promise<T> {
  const cancellation = new Cancellation()
  const timer = setTimeout(() => cancellation.cancel('deadline'), milliseconds)
  try {
    return await work(cancellation)
  } catch (cause) {
    if (!isOwnTimeout(cause)) throw cause
    throw new Fault('upstream.unavailable', { reason: 'no answer in time', milliseconds }, { says, cause })
  } finally {
    clearTimeout(timer)
  }
}

/** True for the fault of a request that `withinTime` has given up. */
export const isLate = (thrown: unknown): boolean =>
  thrown instanceof Fault && thrown.detail['reason'] === 'no answer in time'

const isOwnTimeout = (thrown: unknown): boolean => thrown instanceof Fault && thrown.detail['why'] === 'deadline'
