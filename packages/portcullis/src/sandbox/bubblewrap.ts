/** The driver that confines with bubblewrap: what it is told once, and what it finds out about the host. */
import { findTool } from './child.ts'
import type { LaunchSpec, SandboxDriver, SandboxedProcess } from './driver.ts'
import { enforcementOf, type Ground, layGround } from './ground.ts'
import { createIdentities } from './identity.ts'
import { launchSandbox } from './launch.ts'
import type { EgressGround } from './network/networks.ts'
import { probeWith } from './probe.ts'
import { DEFAULT_SEARCH_PATH } from './runtime.ts'

export interface BubblewrapOptions {
  /** Directories for commands that are given by a bare name. */
  readonly searchPath?: readonly string[]
  /** Absolute paths of the gateway itself (keys, store, audit): never bound, and masked inside what is bound. */
  readonly hidden?: readonly string[]
  /** What each egress needs of the gateway; see `egress.ts`. */
  readonly egress?: EgressGround
  /** For tests of hosts that lack a tool. */
  readonly findTool?: (name: string) => string | undefined
}

/** A driver with no process yet. What the host lacks shows in `probe`, and in `launch` as `sandbox.unavailable`. */
export function createBubblewrapDriver(options: BubblewrapOptions = {}): SandboxDriver {
  const identities = createIdentities(process.getuid?.() ?? -1)
  const find = options.findTool ?? findTool
  const { searchPath = DEFAULT_SEARCH_PATH, hidden = [] } = options
  let laid: Promise<Ground> | undefined

  const ground = () => {
    laid ??= layGround({ find, egress: options.egress, identity: identities(undefined) })
    laid.catch(() => {
      laid = undefined // a host that was mended in the meantime is looked at again
    })
    return laid
  }

  const launch = async (spec: LaunchSpec): Promise<SandboxedProcess> =>
    launchSandbox(spec, { ground: await ground(), searchPath, hidden, identity: identities(spec.runAs) })

  return {
    name: 'bubblewrap',
    launch,
    probe: () => probeWith({ find, launch, enforces: async () => enforcementOf(await ground()) }),
    close: async () => (await laid?.catch(() => undefined))?.networks.close(),
  }
}
