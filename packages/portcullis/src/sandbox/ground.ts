/** What a driver finds out and cleans up once, before its first sandbox. */
import { Fault } from '../core/fault.ts'
import { type ClaimedProcess, claimOwnGroup } from './cgroup/claim.ts'
import { type CgroupHost, findCgroups } from './cgroup/host.ts'
import { sweepCgroups } from './cgroup/remove.ts'
import { askTool } from './child.ts'
import type { CommandParts } from './command.ts'
import { closeInheritedDescriptors } from './descriptors.ts'
import type { Enforcement, HostIdentity } from './driver.ts'
import { findVolumeAbility, type VolumeAbility } from './folders/volume-ability.ts'
import { sweepOrphans } from './mark.ts'
import { type EgressGround, Networks } from './network/networks.ts'
import { type PrivateFiles, probePrivateFiles } from './private-files.ts'
import { openToOthers, type RootLayout, readRootLayout } from './root.ts'
import { buildFilter, isSupportedArchitecture } from './seccomp.ts'

/** What stays the same from launch to launch. */
export interface Ground {
  readonly tools: CommandParts['tools']
  readonly filter: Buffer
  readonly layout: RootLayout
  readonly cgroups: CgroupHost
  readonly networks: Networks
  readonly privateFiles: PrivateFiles
  /** Found out when it is first asked for. */
  readonly volumes: () => Promise<VolumeAbility>
}

export interface GroundOptions {
  /** The path of a tool of the host; undefined when it is not there. */
  readonly find: (name: string) => string | undefined
  readonly egress?: EgressGround | undefined
  /** An account to try things with; undefined: that of the gateway. */
  readonly identity: HostIdentity | undefined
}

/** Throws `sandbox.unavailable` with `detail.reason` when a sandbox cannot be built here at all. */
export async function layGround({ find, egress, identity }: GroundOptions): Promise<Ground> {
  if (process.platform !== 'linux') throw unavailable(`bubblewrap needs Linux, and this is ${process.platform}`)
  const { arch } = process
  if (!isSupportedArchitecture(arch)) throw unavailable(`there is no system call filter for ${arch}`)
  const tools = findTools(find)
  closeInheritedDescriptors()
  sweepOrphans()
  await claimOwnGroup({ pid: process.pid, uid: process.getuid?.() ?? -1, isDelegated: delegationIn(find) })
  const cgroups = findCgroups()
  await sweepCgroups(cgroups)
  const { bwrap, sh } = tools
  let volumes: Promise<VolumeAbility> | undefined
  const layout = readRootLayout()
  const networkTools = { bwrap, sh, node: process.execPath, nsenter: find('nsenter'), ip: find('ip') }
  return {
    tools,
    filter: buildFilter(arch),
    layout: { ...layout, masked: openToOthers(layout.masked) },
    cgroups,
    networks: new Networks(networkTools, process.getuid?.() === 0, egress),
    privateFiles: await probePrivateFiles(tools, identity),
    volumes: () => (volumes ??= findVolumeAbility(find)),
  }
}

/** Asks systemd. A user's own one is found by its directory, and tools get no environment of ours. */
function delegationIn(find: GroundOptions['find']): ClaimedProcess['isDelegated'] {
  return async (unit, manager) => {
    const [env, systemctl] = [find('env'), find('systemctl')]
    if (env === undefined || systemctl === undefined) return false
    const place = `XDG_RUNTIME_DIR=/run/user/${process.getuid?.() ?? ''}`
    const question = [place, systemctl, `--${manager}`, 'show', '--property=Delegate', '--value', '--', unit]
    return (await askTool(env, question).catch(() => '')) === 'yes'
  }
}

/** What this host holds for a whole process tree. */
export async function enforcementOf({ cgroups, networks, privateFiles, volumes }: Ground): Promise<Enforcement> {
  const { modes, reason } = await networks.ability()
  return {
    memory: cgroups.memory ? 'cgroup' : 'per-process',
    processes: cgroups.processes ? 'cgroup' : 'rlimit',
    cpu: cgroups.cpu ? 'cgroup' : 'none',
    disk: (await volumes()).ok ? 'hard' : 'watched',
    tmpFiles: privateFiles.reason === undefined ? 'hard' : 'none',
    network: modes,
    ...(reason === undefined ? {} : { networkReason: reason }),
  }
}

function findTools(find: GroundOptions['find']): Ground['tools'] {
  const tool = (name: string) => find(name) ?? missing(name)
  return {
    bwrap: tool('bwrap'),
    prlimit: tool('prlimit'),
    setpriv: tool('setpriv'),
    unshare: tool('unshare'),
    sh: tool('sh'),
    mount: find('mount'),
  }
}

function missing(tool: string): never {
  throw unavailable(`${tool} was not found`)
}

const unavailable = (reason: string) => new Fault('sandbox.unavailable', { driver: 'bubblewrap', reason })
