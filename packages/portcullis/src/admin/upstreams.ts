import type { GatewayView } from '../gateway/administration.ts'
import type { LiveProcess } from '../gateway/processes.ts'

/** The upstreams of the running gateway: what they said of themselves, and what their processes have used so far. */
export interface UpstreamsDocument {
  readonly upstreams: readonly UpstreamState[]
}

export interface UpstreamState {
  readonly name: string
  /** Absent until the upstream has answered for the first time. */
  readonly era?: string
  /** Number of its tools, as far as they are known. */
  readonly tools: number
  readonly processes: readonly Omit<LiveProcess, 'upstream'>[]
}

export async function upstreamsDocument({ upstreams, processes }: GatewayView): Promise<UpstreamsDocument> {
  const live = await processes.live()
  return {
    upstreams: [...upstreams.values()].map(({ name, era, catalogue }) => ({
      name,
      ...(era !== undefined && { era }),
      tools: catalogue.list().length,
      processes: live.filter(({ upstream }) => upstream === name).map(({ upstream: _, ...process }) => process),
    })),
  }
}
