import type { Principal } from '../core/principal.ts'
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

/** Nobody is shown an upstream or a process of a tenant that is not theirs. */
export async function upstreamsDocument(
  { upstreams, processes, shownTo }: GatewayView,
  asker: Principal,
): Promise<UpstreamsDocument> {
  const live = (await processes.live()).filter(({ upstream, tenant }) => shownTo(asker, upstream, tenant))
  const visible = [...upstreams.values()].filter(({ name }) => shownTo(asker, name))
  return {
    upstreams: visible.map(({ name, era, catalogue }) => ({
      name,
      ...(era !== undefined && { era }),
      tools: catalogue.list().length,
      processes: live.filter(({ upstream }) => upstream === name).map(({ upstream: _, ...process }) => process),
    })),
  }
}
