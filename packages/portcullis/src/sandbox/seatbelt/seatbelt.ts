/**
 * The driver of macOS, with reduced walls: files, programs and network are confined, but there are no limits of a whole
 * process tree, no process namespace, and private files are folders without a size.
 */
import { Fault } from '../../core/fault.ts'
import { realPaths } from '../bind.ts'
import { findTool, startChild } from '../child.ts'
import { DescriptorTable } from '../descriptors.ts'
import type { Enforcement, LaunchSpec, Probe, SandboxDriver, SandboxedProcess } from '../driver.ts'
import { buildEnvironment } from '../environment.ts'
import { readHostFacts } from '../host-facts.ts'
import { suggestMend } from '../mend.ts'
import type { EgressGround } from '../network/networks.ts'
import { ConfinedProcess } from '../process.ts'
import { DEFAULT_SEARCH_PATH, resolveRuntime } from '../runtime.ts'
import { type SeatbeltTools, seatbeltCommand } from './command.ts'
import { groupTree, watchGroup } from './group.ts'
import { checkShown } from './paths.ts'
import { type LaunchPlaces, makePlaces, removePlaces, sweepPlaces, writeProfile } from './places.ts'
import { probeWalls } from './probe.ts'
import { buildSeatbeltProfile } from './profile.ts'
import { type LoopbackProxy, openProxy } from './proxy.ts'
import { runtimeTrees } from './runtime-trees.ts'

export interface SeatbeltOptions {
  /** Directories for commands that are given by a bare name. */
  readonly searchPath?: readonly string[]
  /** Absolute paths of the gateway itself: denied, whatever they lie in. */
  readonly hidden?: readonly string[]
  readonly egress?: EgressGround | undefined
  /** For tests on other systems. */
  readonly platform?: NodeJS.Platform
  readonly gatewayUid?: number
  readonly findTool?: (name: string) => string | undefined
}

/** What holds on a Mac. `walls` is shown wherever this driver is. */
const REDUCED: Enforcement = {
  memory: 'none',
  processes: 'none',
  cpu: 'none',
  disk: 'none',
  tmpFiles: 'none',
  network: ['explicit'],
  networkReason: 'macOS has no network namespaces, so names cannot be answered inside: use mode: explicit',
  walls: 'reduced',
}

/** A driver with no process yet. What the host lacks shows in `probe`, and in `launch` as `sandbox.unavailable`. */
export function createSeatbeltDriver(options: SeatbeltOptions = {}): SandboxDriver {
  const find = options.findTool ?? findTool
  let swept = false

  const tools = (): SeatbeltTools => {
    const platform = options.platform ?? process.platform
    if (platform !== 'darwin') throw unavailable(`seatbelt exists on macOS only, and this is ${platform}`)
    if ((options.gatewayUid ?? process.getuid?.()) === 0)
      throw unavailable('seatbelt does not confine a process of root well enough')
    const tool = (name: string) => find(name) ?? missing(name)
    if (!swept) sweepPlaces()
    swept = true
    return { sandboxExec: tool('sandbox-exec'), sh: tool('sh') }
  }

  const launch = async (spec: LaunchSpec): Promise<SandboxedProcess> => {
    const found = tools()
    const places = makePlaces()
    let proxy: LoopbackProxy | undefined
    try {
      proxy = await openProxy(spec, options.egress)
      return await start(spec, { options, tools: found, places, proxy })
    } catch (problem) {
      proxy?.close()
      removePlaces(places)
      throw problem
    }
  }

  const probe = async (): Promise<Probe> => {
    try {
      tools()
      await probeWalls(launch)
      return { ok: true, version: 'sandbox-exec', enforces: REDUCED }
    } catch (problem) {
      const detail = problem instanceof Fault ? problem.detail : {}
      const reason = String(detail['reason'] ?? (problem as Error).message)
      return { ok: false, reason, mend: suggestMend(reason, readHostFacts()) }
    }
  }

  return { name: 'seatbelt', launch, probe }
}

interface LaunchParts {
  readonly options: SeatbeltOptions
  readonly tools: SeatbeltTools
  readonly places: LaunchPlaces
  readonly proxy: LoopbackProxy | undefined
}

async function start(spec: LaunchSpec, { options, tools, places, proxy }: LaunchParts): Promise<SandboxedProcess> {
  if (spec.volumes?.length) throw refused('the driver seatbelt has no volumes of a fixed size')
  const runtime = resolveRuntime(spec.command, options.searchPath ?? DEFAULT_SEARCH_PATH)
  const hidden = realPaths(options.hidden ?? [])
  const own = [places.home, places.tmp].map((path) => ({ path, kind: 'folder' as const }))
  const profile = buildSeatbeltProfile({
    runtime: runtimeTrees(runtime.readOnly),
    readOnly: spec.readOnly.map((path) => checkShown(path, 'read-only', hidden)),
    readWrite: [...own, ...spec.readWrite.map((path) => checkShown(path, 'read-write', hidden))],
    hidden: hidden.map((path) => ({ path, kind: 'folder' })),
    proxyPort: proxy?.port,
  })
  writeProfile(places, profile)
  const listed = { ...proxy?.variables, TMPDIR: places.tmp, ...spec.env }
  const environment = buildEnvironment(listed, { home: places.home, pathDirectories: runtime.pathDirectories })
  const command = [runtime.program, ...runtime.leading, ...spec.args]
  const child = await startChild(seatbeltCommand(tools, places.profile, spec.limits, command), {
    environment: Object.fromEntries(environment),
    cwd: spec.cwd ?? places.home,
    table: new DescriptorTable(),
  })
  const watch = await watchGroup(tools.sh, child.pid, places)
  const meters = proxy === undefined ? [] : [proxy.meter]
  const confined = new ConfinedProcess(child, groupTree(child, watch, places), spec.limits, meters)
  void confined.exited.finally(() => proxy?.close())
  return confined
}

const missing = (tool: string): never => {
  throw unavailable(`${tool} was not found`)
}

const unavailable = (reason: string) => new Fault('sandbox.unavailable', { driver: 'seatbelt', reason })

const refused = (reason: string) => new Fault('sandbox.start_failed', { reason })
