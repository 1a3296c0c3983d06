/** The last part of a launch: watches how the sandbox is built, and lets the command run when all of it stands. */
import type { Duplex, Readable } from 'node:stream'
import { Fault } from '../core/fault.ts'
import type { Cgroup } from './cgroup/group.ts'
import type { StartedChild } from './child.ts'
import type { LaunchSpec, SandboxedProcess } from './driver.ts'
import { openVolume } from './folders/mounted-volume.ts'
import type { PreparedVolume } from './folders/volumes.ts'
import { watchedTree } from './folders/watched-tree.ts'
import type { WritableFolders } from './folders/writable-folders.ts'
import { GATE_DESCRIPTOR, openGate, reachGate } from './gate.ts'
import type { ConfinedNetwork } from './network/networks.ts'
import { ConfinedProcess } from './process.ts'
import type { ProfileDescriptors } from './profile.ts'
import { SandboxStatus } from './status.ts'
import { treeMeter } from './tree-usage.ts'
import { bubblewrapTree } from './tree.ts'

/** Until the sandbox stands. */
const SETUP_MS = 10_000

/** What belongs to one sandbox and ends with it. */
export interface Belongings {
  readonly cgroup: Cgroup
  readonly network: ConfinedNetwork | undefined
  readonly folders: WritableFolders
  readonly volumes: readonly PreparedVolume[]
}

/**
 * The command waits until everything is built, and runs when this resolves. Throws `sandbox.start_failed` with the words
 * of whatever refused; everything of the sandbox is gone then.
 */
export async function release(
  child: StartedChild,
  { cgroup, network, folders, volumes }: Belongings,
  spec: LaunchSpec,
  descriptors: ProfileDescriptors,
): Promise<SandboxedProcess> {
  const status = new SandboxStatus(child.process.stdio[descriptors.status] as Readable)
  const own = cgroup.membersFile === undefined ? treeMeter(status.initPid) : cgroup.usage
  const meters = [own, () => folders.usage, ...(network === undefined ? [] : [network.meter])]
  const tree = watchedTree(bubblewrapTree(child, status, cgroup), folders)
  const confined = new ConfinedProcess(child, tree, spec.limits, meters, spec.onAccess)
  void confined.exited.finally(() => network?.close())
  const gate = child.process.stdio[GATE_DESCRIPTOR] as Duplex
  const deadline = setTimeout(() => confined.kill('start-deadline'), SETUP_MS)
  try {
    const initPid = await status.initPid
    if (initPid === undefined) throw startFailed('bwrap ended before it made a sandbox')
    if (!(await reachGate(gate))) throw startFailed('the sandbox ended before its command could run')
    network?.confirm(initPid)
    for (const volume of volumes) if (volume.kind === 'image') folders.adopt(openVolume(initPid, volume), volume.at)
    const { freezer, membersFile: groupFile } = cgroup
    await folders.start({ members: { initPid, groupFile }, freezer, onQuota: () => confined.kill('disk-quota') })
    openGate(gate)
    return confined
  } catch (problem) {
    confined.kill('killed')
    const { stderrTail } = await confined.exited
    throw startFailed(stderrTail || reasonOf(problem), problem)
  } finally {
    clearTimeout(deadline)
  }
}

/** The audit record wants the words of whatever refused, not those for the caller. */
const reasonOf = (problem: unknown): string =>
  String(problem instanceof Fault ? (problem.detail['reason'] ?? problem.message) : (problem as Error).message)

const startFailed = (reason: string, cause?: unknown) => new Fault('sandbox.start_failed', { reason }, { cause })
