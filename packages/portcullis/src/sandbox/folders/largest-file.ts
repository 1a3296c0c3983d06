/** The largest file that is of any use to a sandbox: no place for it holds more. */
import type { LaunchSpec } from '../driver.ts'

/**
 * One call can claim as much as a file may have, before anything can be counted (fallocate(2)). So no file may be larger
 * than the largest place that it can be written to. In bytes.
 */
export function largestFile({ limits, readWrite, volumes = [] }: LaunchSpec): number {
  const folder = readWrite.length > 0 ? (limits.diskBytes ?? Number.POSITIVE_INFINITY) : 0
  return Math.min(limits.fileBytes, Math.max(limits.tmpBytes, folder, ...volumes.map(({ bytes }) => bytes)))
}
