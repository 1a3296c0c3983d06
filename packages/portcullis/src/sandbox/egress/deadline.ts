/** Bounds how long one step of a connection may take. */
import { Refused } from './refused.ts'

/** As `work`, but rejects with Refused `timeout` after `milliseconds`; what `work` then brings is handed to `discard`. */
export async function within<T>(
  milliseconds: number,
  work: Promise<T>,
  discard: (late: T) => void = () => {},
): Promise<T> {
  let late = false
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late = true
    reject(new Refused('timeout'))
  }, milliseconds)
  work.then((value) => late && discard(value)).catch(() => {})
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
