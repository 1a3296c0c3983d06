/** The driver that confines with bubblewrap: what is prepared, in which order it is put in force, how it ends. */
import type { Duplex, Readable, Writable } from 'node:stream'
import { Fault } from '../core/fault.ts'
import { type Cgroup, type CgroupHost, createCgroup, findCgroups, sweepCgroups } from './cgroup.ts'
import { buildCommand, type CommandParts } from './command.ts'
import { findTool, type StartedChild, startChild } from './child.ts'
import { closeInheritedDescriptors, DescriptorTable } from './descriptors.ts'
import type { Enforcement, LaunchSpec, SandboxDriver, SandboxedProcess } from './driver.ts'
import { GATE_DESCRIPTOR, openGate, reachGate, reserveGate } from './gate.ts'
import { createIdentities } from './identity.ts'
import { sweepOrphans } from './mark.ts'
import { probeWith } from './probe.ts'
import { ConfinedProcess } from './process.ts'
import type { ProfileDescriptors } from './profile.ts'
import { type RootLayout, readRootLayout } from './root.ts'
import { DEFAULT_SEARCH_PATH } from './runtime.ts'
import { buildFilter, isSupportedArchitecture } from './seccomp.ts'
import { SandboxStatus } from './status.ts'
import { bubblewrapTree } from './tree.ts'

export interface BubblewrapOptions {
  /** Directories for commands that are given by a bare name. */
  readonly searchPath?: readonly string[]
  /** Absolute paths of the gateway itself (keys, store, audit): never bound, and masked inside what is bound. */
  readonly hidden?: readonly string[]
  /** For tests of hosts that lack a tool. */
  readonly findTool?: (name: string) => string | undefined
}

/** What stays the same from launch to launch. */
interface Ground {
  readonly tools: CommandParts['tools']
  readonly filter: Buffer
  readonly layout: RootLayout
  readonly cgroups: CgroupHost
}

/** Until bwrap has made the namespaces. */
const SETUP_MS = 10_000

/** A driver with no process yet. What the host lacks shows in `probe`, and in `launch` as `sandbox.unavailable`. */
export function createBubblewrapDriver(options: BubblewrapOptions = {}): SandboxDriver {
  const identities = createIdentities(process.getuid?.() ?? -1)
  const find = options.findTool ?? findTool
  const searchPath = options.searchPath ?? DEFAULT_SEARCH_PATH
  let laid: Promise<Ground> | undefined

  const ground = () => {
    laid ??= layGround(find)
    laid.catch(() => {
      laid = undefined // a host that was mended in the meantime is looked at again
    })
    return laid
  }

  const launch = async (asked: LaunchSpec): Promise<SandboxedProcess> => {
    const { cgroups, filter, tools, layout } = await ground()
    const spec = withoutGroups(asked, cgroups)
    const identity = identities(spec.runAs)
    const table = new DescriptorTable()
    reserveGate(table)
    const control = { status: table.pipe(), block: table.pipe(), filter: table.content(filter) }
    let cgroup: Cgroup | undefined
    try {
      const parts = { tools, layout, searchPath, hidden: options.hidden ?? [], identity, control }
      const { argv, startAs } = buildCommand(spec, parts, table)
      cgroup = await createCgroup(cgroups, spec.limits)
      const child = await startChild(argv, { environment: {}, cwd: '/', table, runAs: startAs })
      return await release(child, cgroup, spec, control)
    } catch (problem) {
      table.close()
      await cgroup?.destroy()
      throw problem
    }
  }

  return {
    name: 'bubblewrap',
    launch,
    probe: () => probeWith({ find, launch, enforces: async () => enforcement((await ground()).cgroups) }),
  }
}

/** Where no control group limits the whole tree, the limit holds for each of its processes at least. */
function withoutGroups(spec: LaunchSpec, { memory }: CgroupHost): LaunchSpec {
  const { limits } = spec
  if (memory !== undefined || limits.dataBytes !== undefined) return spec
  return { ...spec, limits: { ...limits, dataBytes: limits.memoryBytes } }
}

async function layGround(find: (name: string) => string | undefined): Promise<Ground> {
  if (process.platform !== 'linux') throw unavailable(`bubblewrap needs Linux, and this is ${process.platform}`)
  const { arch } = process
  if (!isSupportedArchitecture(arch)) throw unavailable(`there is no system call filter for ${arch}`)
  const tool = (name: string) => find(name) ?? missing(name)
  const tools = {
    bwrap: tool('bwrap'),
    prlimit: tool('prlimit'),
    setpriv: tool('setpriv'),
    unshare: tool('unshare'),
    sh: tool('sh'),
  }
  closeInheritedDescriptors()
  sweepOrphans()
  const cgroups = findCgroups()
  await sweepCgroups(cgroups)
  return { tools, filter: buildFilter(arch), layout: readRootLayout(), cgroups }
}

/** Nothing is built until process 1 is in the control groups, and the command waits until everything is built. */
async function release(
  child: StartedChild,
  cgroup: Cgroup,
  spec: LaunchSpec,
  descriptors: ProfileDescriptors,
): Promise<SandboxedProcess> {
  const status = new SandboxStatus(child.process.stdio[descriptors.status] as Readable)
  const confined = new ConfinedProcess(child, bubblewrapTree(child, status, cgroup), spec.limits)
  const gate = child.process.stdio[GATE_DESCRIPTOR] as Duplex
  const deadline = setTimeout(() => confined.kill('start-deadline'), SETUP_MS)
  try {
    const initPid = await status.initPid
    if (initPid === undefined) throw startFailed('bwrap ended before it made a sandbox')
    await cgroup.join(initPid)
    ;(child.process.stdio[descriptors.block] as Writable).end('x')
    if (!(await reachGate(gate))) throw startFailed('the sandbox ended before its command could run')
    openGate(gate)
    return confined
  } catch (problem) {
    confined.kill('killed')
    const { stderrTail } = await confined.exited
    throw startFailed(stderrTail || (problem as Error).message, problem)
  } finally {
    clearTimeout(deadline)
  }
}

function enforcement({ memory, processes }: CgroupHost): Enforcement {
  return { memory: memory ? 'cgroup' : 'per-process', processes: processes ? 'cgroup' : 'rlimit' }
}

const missing = (tool: string): never => {
  throw unavailable(`${tool} was not found`)
}

const unavailable = (reason: string) => new Fault('sandbox.unavailable', { driver: 'bubblewrap', reason })

const startFailed = (reason: string, cause?: unknown) => new Fault('sandbox.start_failed', { reason }, { cause })
