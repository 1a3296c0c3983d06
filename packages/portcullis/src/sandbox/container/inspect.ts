/** What the engine says it has made. It is compared with what was asked for, before the command may run. */
import { Fault } from '../../core/fault.ts'
import { ask, type Engine } from './engine.ts'

/** The part of the answer that both engines give in the same words. */
export interface Inspected {
  readonly State: {
    readonly Status: string
    /** Of its first process, as the host counts; 0 while there is none. */
    readonly Pid: number
    readonly OOMKilled: boolean
  }
  readonly Config: { readonly Env: readonly string[] | null; readonly User: string }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly Privileged: boolean
    readonly NetworkMode: string
    readonly Memory: number
    readonly PidsLimit: number | null
    readonly NanoCpus: number
    readonly SecurityOpt: readonly string[] | null
    readonly CapAdd: readonly string[] | null
    readonly Devices: readonly unknown[] | null
  }
  readonly Mounts: ReadonlyArray<{ readonly Type: string; readonly Destination: string; readonly RW: boolean }>
}

/** Undefined when there is no such container. */
export async function inspect(engine: Engine, container: string): Promise<Inspected | undefined> {
  const { code, stdout } = await ask(engine, ['container', 'inspect', container])
  return code === 0 ? (JSON.parse(stdout) as readonly Inspected[])[0] : undefined
}

export interface Expected {
  readonly variables: ReadonlyMap<string, string>
  readonly user: string
  readonly network: string
  /** Destination → whether it may be written. */
  readonly mounts: ReadonlyMap<string, boolean>
  /** Undefined: the engine cannot limit it, which its facts have told. */
  readonly memoryBytes: number | undefined
  readonly processes: number | undefined
  readonly cpus: number | undefined
}

/** Throws `sandbox.start_failed` that names the first difference. */
export function confirmSettings(found: Inspected, expected: Expected): void {
  const { Config, HostConfig, Mounts } = found
  const holds: Readonly<Record<string, boolean>> = {
    'the read-only root': HostConfig.ReadonlyRootfs,
    'no privileges': !HostConfig.Privileged && isEmpty(HostConfig.CapAdd) && isEmpty(HostConfig.Devices),
    'no new privileges': (HostConfig.SecurityOpt ?? []).some((option) =>
      /^no-new-privileges(?:[:=]true)?$/.test(option),
    ),
    'the network': HostConfig.NetworkMode === expected.network,
    'the account': Config.User === expected.user,
    'the memory limit': isLimit(HostConfig.Memory, expected.memoryBytes),
    'the process limit': isLimit(HostConfig.PidsLimit, expected.processes),
    'the processor limit': isLimit(HostConfig.NanoCpus, expected.cpus === undefined ? undefined : expected.cpus * 1e9),
    'the variables': [...expected.variables].every(([name, value]) => (Config.Env ?? []).includes(`${name}=${value}`)),
    'the mounts': Mounts.every((mount) => isExpected(mount, expected.mounts)),
  }
  const broken = Object.keys(holds).find((what) => holds[what] !== true)
  if (broken !== undefined) throw new Fault('sandbox.start_failed', { reason: `the engine did not take ${broken}` })
}

const isEmpty = (list: readonly unknown[] | null) => (list ?? []).length === 0

/** Podman computes processors back from whole microseconds. */
function isLimit(found: number | null, asked: number | undefined): boolean {
  return asked === undefined || (found !== null && found > 0 && Math.abs(found - asked) <= asked / 100)
}

/** Private file systems are listed by some versions; a volume would be writable without a limit. */
function isExpected({ Type, Destination, RW }: Inspected['Mounts'][number], mounts: Expected['mounts']): boolean {
  if (Type === 'tmpfs') return true
  return Type === 'bind' && mounts.has(Destination) && (mounts.get(Destination) === true || !RW)
}
