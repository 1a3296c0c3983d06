/** How a container comes into the network that the gateway has made for it: podman joins a namespace, others have none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { LaunchSpec } from '../driver.ts'
import type { ConfinedNetwork, Networks } from '../network/networks.ts'
import type { Meter } from '../process.ts'

export interface Attachment {
  /** Value of `--network`. */
  readonly flag: string
  readonly variables: Readonly<Record<string, string>>
  /** Flags of the engine for small files inside, such as the one that names the name server. */
  readonly mounts: readonly string[]
  /** Paths of these files inside. */
  readonly destinations: readonly string[]
  readonly meters: readonly Meter[]
  /** Throws `sandbox.start_failed` unless the process is in this network. Call it before its command runs. */
  confirm(initPid: number): void
  /** Idempotent. */
  close(): void
}

const NONE: Attachment = {
  flag: 'none',
  variables: {},
  mounts: [],
  destinations: [],
  meters: [],
  confirm: () => {},
  close: () => {},
}

/** `networks` is why there are none, or those of the gateway; `folder` is one of ours. Throws `sandbox.start_failed`. */
export async function attach(
  networks: Networks | { readonly reason: string },
  spec: LaunchSpec,
  folder: string | undefined,
): Promise<Attachment> {
  if (spec.network === 'none') return NONE
  if ('reason' in networks || folder === undefined) {
    throw new Fault('sandbox.start_failed', { reason: 'reason' in networks ? networks.reason : 'no folder' })
  }
  const network = await networks.open(spec)
  return network === undefined ? NONE : attachTo(network, mkdtempSync(join(folder, 'network-')))
}

function attachTo(network: ConfinedNetwork, folder: string): Attachment {
  const files = Object.entries(network.files).map(([path, content], index) => {
    const source = join(folder, `${index}`)
    writeFileSync(source, content, { mode: 0o444 })
    return { source, path }
  })
  return {
    flag: `ns:${namespaceOf(network)}`,
    variables: network.variables,
    mounts: files.map(({ source, path }) => `--mount=type=bind,src=${source},dst=${path},ro`),
    destinations: files.map(({ path }) => path),
    meters: [network.meter],
    confirm: (initPid) => network.confirm(initPid),
    close: () => {
      network.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Where nsenter(1) would find it. */
function namespaceOf({ entry }: ConfinedNetwork): string {
  const path = entry.find((word) => word.startsWith('--net='))?.slice('--net='.length)
  if (path === undefined) throw new Fault('internal', { reason: 'a network without a namespace' })
  return path
}
