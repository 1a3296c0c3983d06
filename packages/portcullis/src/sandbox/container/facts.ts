/** What the engine of this host can enforce, in its own words: it ignores a limit that it cannot hold, with a warning. */
import { Fault } from '../../core/fault.ts'
import { ask, type Engine } from './engine.ts'

export interface EngineFacts {
  readonly version: string
  /** Containers run in a user namespace of the gateway's own account. */
  readonly rootless: boolean
  readonly memory: boolean
  readonly processes: boolean
  readonly cpu: boolean
}

/** Asks the engine. Throws `sandbox.unavailable` with its answer, and for one that has no system call filter. */
export async function readFacts(engine: Engine): Promise<EngineFacts> {
  const { code, stdout, problem } = await ask(engine, ['info', '--format', '{{json .}}'])
  if (code !== 0) refuse(problem)
  const told = parse(stdout)
  const { seccomp, ...facts } = engine.name === 'podman' ? podmanFacts(told) : dockerFacts(told)
  if (!seccomp) refuse(`${engine.name} has no seccomp here, so no system call would be filtered`)
  return facts
}

interface FoundFacts extends EngineFacts {
  readonly seccomp: boolean
}

/** What is missing in the answer is not there. */
interface Info {
  readonly version?: { readonly Version?: string }
  readonly host?: {
    readonly cgroupVersion?: string
    readonly cgroupControllers?: readonly string[]
    readonly security?: { readonly rootless?: boolean; readonly seccompEnabled?: boolean }
  }
  readonly ServerVersion?: string
  readonly ServerErrors?: readonly string[]
  readonly MemoryLimit?: boolean
  readonly PidsLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly SecurityOptions?: readonly string[]
}

/** Without root, podman has no control groups of version 1. */
function podmanFacts({ version, host }: Info): FoundFacts {
  const rootless = host?.security?.rootless === true
  const controllers = rootless && host?.cgroupVersion !== 'v2' ? [] : (host?.cgroupControllers ?? [])
  return {
    version: version?.Version ?? '',
    rootless,
    memory: controllers.includes('memory'),
    processes: controllers.includes('pids'),
    cpu: controllers.includes('cpu'),
    seccomp: host?.security?.seccompEnabled === true,
  }
}

/** The command line answers even when there is no engine behind it. */
function dockerFacts(info: Info): FoundFacts {
  const [broken] = info.ServerErrors ?? []
  if (broken !== undefined || !info.ServerVersion) refuse(broken ?? 'the docker engine does not answer')
  const has = (option: string) =>
    (info.SecurityOptions ?? []).some((text) => text.split(',').includes(`name=${option}`))
  return {
    version: info.ServerVersion ?? '',
    rootless: has('rootless'),
    memory: info.MemoryLimit === true,
    processes: info.PidsLimit === true,
    cpu: info.CpuCfsQuota === true,
    seccomp: has('seccomp'),
  }
}

function parse(text: string): Info {
  try {
    return JSON.parse(text) as Info
  } catch {
    return refuse('the engine tells nothing about itself')
  }
}

function refuse(reason: string): never {
  throw new Fault('sandbox.unavailable', { driver: 'container', reason })
}
