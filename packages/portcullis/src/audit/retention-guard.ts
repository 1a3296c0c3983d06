/** The port by which somebody keeps records from being removed because they are still needed. */
export interface SegmentGuard {
  /** Sequence number of the oldest record of a tenant's chain that is still needed; undefined when none is. */
  oldestNeeded(tenant: string): number | undefined
}
