/** The driver that confines with the command line of docker or podman: what it needs of the host, and how it is proved. */
import { Fault } from '../../core/fault.ts'
import { findTool } from '../child.ts'
import { closeInheritedDescriptors } from '../descriptors.ts'
import type { Enforcement, LaunchSpec, Probe, SandboxDriver } from '../driver.ts'
import { createIdentities } from '../identity.ts'
import { ownMark } from '../mark.ts'
import { readHostFacts } from '../host-facts.ts'
import { suggestMend } from '../mend.ts'
import { type EgressGround, Networks } from '../network/networks.ts'
import { readRootLayout } from '../root.ts'
import { isSupportedArchitecture } from '../seccomp.ts'
import type { Account } from './arguments.ts'
import { type EngineName, findEngine } from './engine.ts'
import { type EngineFacts, readFacts } from './facts.ts'
import { createGuard, type Guard, sweepContainers } from './guard.ts'
import { findImage } from './image.ts'
import { HARMLESS } from './harmless.ts'
import { layKit, sweepKits } from './kit.ts'
import { launchContainer } from './launch.ts'
import type { Ground } from './plan.ts'
import { buildSeccompProfile } from './seccomp-profile.ts'

export interface ContainerOptions {
  readonly engine: EngineName
  /** `name@sha256:…`; it must be on this host already. */
  readonly image: string
  /** An OCI runtime that the engine knows, such as `runsc`; undefined: the engine's own choice. */
  readonly runtime?: string
  /** Absolute paths of the gateway itself: never mounted, and masked inside what is mounted. */
  readonly hidden?: readonly string[]
  /** What each egress needs of the gateway; see `egress.ts`. */
  readonly egress?: EgressGround | undefined
  /** For tests of hosts that lack a tool, or have another one of that name. */
  readonly findTool?: (name: string) => string | undefined
}

interface Prepared {
  readonly ground: Ground
  readonly guard: Guard
}

/** Kernel settings and devices of the host are not the business of an upstream; a container sees them otherwise. */
const DEVICE_TREE = '/sys'

/** Runtimes whose containers are processes of this kernel; others are virtual machines or kernels of their own. */
const SHARING_RUNTIMES = ['runc', 'crun', 'youki']

let sequence = 0

/** A driver with no container yet. What the host lacks shows in `probe`, and in `launch` as `sandbox.unavailable`. */
export function createContainerDriver(options: ContainerOptions): SandboxDriver {
  const gatewayUid = process.getuid?.() ?? -1
  const identities = createIdentities(gatewayUid)
  let prepared: Promise<Prepared> | undefined

  const ground = () => {
    prepared ??= layGround(options)
    prepared.catch(() => {
      prepared = undefined // a host that was mended in the meantime is looked at again
    })
    return prepared
  }

  const launch = async (asked: LaunchSpec) => {
    const { ground: laid, guard } = await ground()
    const identity = identities(asked.runAs)
    await guard.stand()
    return launchContainer({
      ground: laid,
      spec: withoutGroups(asked, laid.facts),
      account: accountOf(options.engine, laid.facts, identity),
      name: `${ownMark()}-${++sequence}`,
      hidden: options.hidden ?? [],
    })
  }

  const probe = async (): Promise<Probe> => {
    try {
      const { ground: laid } = await ground()
      const { facts, engine } = laid
      const confined = await launch(HARMLESS[engine.name])
      const { code, reason, stderrTail } = await confined.exited
      if (code !== 0) throw refused(stderrTail || `the container ended with ${reason}, code ${code}`)
      return { ok: true, version: `${engine.name} ${facts.version}`, enforces: await enforcement(laid) }
    } catch (problem) {
      return explain(problem)
    }
  }

  return { name: 'container', launch, probe }
}

async function layGround(options: ContainerOptions): Promise<Prepared> {
  const { engine: name, image, runtime, findTool: find = findTool } = options
  const { arch } = process
  if (!isSupportedArchitecture(arch)) throw unavailable(`there is no system call filter for ${arch}`)
  const tool = (wanted: string) => find(wanted) ?? missing(wanted)
  const sh = tool('sh')
  const bare = findEngine(name, runtime, find)
  const setpriv = find('setpriv')
  closeInheritedDescriptors()
  const facts = await readFacts(bare)
  const found = await findImage(bare, image)
  await sweepContainers(bare)
  sweepKits()
  const kit = name === 'podman' ? layKit(tool('catatonit')) : undefined
  const guard = createGuard(bare, sh, kit?.folder)
  await guard.stand()
  const showsMounts = process.platform === 'linux' && (runtime === undefined || SHARING_RUNTIMES.includes(runtime))
  return {
    guard,
    ground: {
      engine: { ...bare, argv: [...bare.argv, ...(kit?.engineFlags ?? [])] },
      ...{ facts, kit, runtime, showsMounts },
      imageName: image,
      image: found,
      profile: JSON.stringify(buildSeccompProfile(arch)),
      masked: [...readRootLayout().masked.map(({ path }) => path), DEVICE_TREE],
      leash: setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'],
      networks: networksFor({ name, rootless: facts.rootless, showsMounts, sh, find, egress: options.egress }),
    },
  }
}

interface NetworkParts {
  readonly name: EngineName
  readonly rootless: boolean
  readonly showsMounts: boolean
  readonly sh: string
  readonly find: (tool: string) => string | undefined
  readonly egress: EgressGround | undefined
}

/** A container joins a namespace of the gateway only where one kernel and one root are behind both. */
function networksFor({ name, rootless, showsMounts, sh, find, egress }: NetworkParts): Ground['networks'] {
  const isRoot = process.getuid?.() === 0
  if (name !== 'podman' || rootless || !isRoot || !showsMounts) {
    return { reason: 'a container has network rules only with podman, as root, and with runc or crun' }
  }
  const bwrap = find('bwrap')
  if (bwrap === undefined) return { reason: 'bwrap was not found' }
  const tools = { bwrap, sh, node: process.execPath, nsenter: find('nsenter'), ip: find('ip') }
  return new Networks(tools, true, egress)
}

/** Where the engine cannot limit the whole tree, the limit holds for each of its processes at least. */
function withoutGroups(spec: LaunchSpec, { memory }: EngineFacts): LaunchSpec {
  const { limits } = spec
  if (memory || limits.dataBytes !== undefined) return spec
  return { ...spec, limits: { ...limits, dataBytes: limits.memoryBytes } }
}

/** Never 0. An engine without root maps the account into a namespace, where only our own number owns our files. */
function accountOf(
  engine: EngineName,
  { rootless }: EngineFacts,
  identity: { uid: number; gid: number } | undefined,
): Account {
  const own = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 }
  const { uid, gid } = identity ?? own
  if (uid <= 0 || gid <= 0) throw refused('the account of a container cannot be root')
  return { uid, gid, keepId: engine === 'podman' && rootless }
}

async function enforcement({ facts, kit, networks, showsMounts, engine }: Ground): Promise<Enforcement> {
  const ability = 'reason' in networks ? { modes: [], reason: networks.reason } : await networks.ability()
  return {
    memory: facts.memory ? 'cgroup' : 'per-process',
    processes: facts.processes ? 'cgroup' : 'none',
    cpu: facts.cpu ? 'cgroup' : 'none',
    disk: showsMounts ? 'watched' : 'none',
    tmpFiles: engine.name === 'docker' || (showsMounts && kit !== undefined) ? 'hard' : 'none',
    network: ability.modes,
    ...(ability.reason === undefined ? {} : { networkReason: ability.reason }),
  }
}

/** Never throws: every problem is an answer. */
function explain(problem: unknown): Probe {
  const detail = problem instanceof Fault ? problem.detail : {}
  const reason = String(detail['reason'] ?? (problem as Error).message)
  const mend = detail['mend'] ?? suggestMend(reason, readHostFacts())
  return { ok: false, reason, mend: String(mend) }
}

const missing = (tool: string): never => {
  throw unavailable(`${tool} was not found`)
}

const unavailable = (reason: string) => new Fault('sandbox.unavailable', { driver: 'container', reason })

const refused = (reason: string) => new Fault('sandbox.start_failed', { reason })
