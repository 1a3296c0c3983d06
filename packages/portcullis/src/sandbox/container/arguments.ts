/** The walls, as arguments of `docker create` and `podman create`: what the container may do, and what it may use. */
import type { HostIdentity, LaunchSpec, Limits } from '../driver.ts'
import { HOME } from '../environment.ts'
import type { EngineName } from './engine.ts'

export interface CreateInput {
  readonly engine: EngineName
  readonly name: string
  readonly image: string
  readonly runtime: string | undefined
  readonly spec: LaunchSpec
  readonly account: Account
  readonly network: string
  /** Flags of `mounts.ts`. */
  readonly mounts: readonly string[]
  /** Flags of `kit.ts`, which only podman has. */
  readonly kit: readonly string[]
  /** Volumes that the image declares: writable, and of no limited size. */
  readonly imageVolumes: readonly string[]
  /** Files of /proc and /sys to be hidden. */
  readonly masked: readonly string[]
  readonly descriptors: { readonly environment: number; readonly filter: number }
}

export interface Account extends HostIdentity {
  /** The container has a user namespace in which our own account keeps its number. */
  readonly keepId: boolean
}

/** Found again by whoever cleans up. */
export const LABEL = 'portcullis'

const SHARED_MEMORY_BYTES = 16 << 20
const LOCKED_MEMORY_BYTES = 1 << 20
const PENDING_SIGNALS = 1024
/** RLIMIT_NPROC counts all processes of an account on the host; the limit of the container is `--pids-limit`. */
const MIN_ACCOUNT_PROCESSES = 4096
/** Podman ends it itself when nobody else has by then. */
const LAST_RESORT_SECONDS = 10

/** Everything after the engine's own arguments. An empty command stands for that of the image. */
export function createArguments(input: CreateInput): readonly string[] {
  const { engine, spec, image } = input
  const entry = engine === 'podman' ? JSON.stringify([spec.command]) : spec.command
  return [
    'create',
    ...[`--name=${input.name}`, `--label=${LABEL}=${input.name}`, '--interactive', '--init', '--pull=never'],
    ...walls(input),
    ...quotas(spec.limits),
    ...privateFiles(engine, spec.limits),
    ...input.mounts,
    ...(engine === 'podman' ? podmanOnly(input) : dockerOnly(input)),
    `--env-file=/dev/fd/${input.descriptors.environment}`,
    `--workdir=${spec.cwd ?? HOME}`,
    ...(spec.command === '' ? [] : [`--entrypoint=${entry}`]),
    image,
    ...spec.args,
  ]
}

function walls({ account, network, descriptors }: CreateInput): readonly string[] {
  return [
    '--read-only',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    `--security-opt=seccomp=/dev/fd/${descriptors.filter}`,
    `--network=${network}`,
    ...['--ipc=private', '--cgroupns=private', '--hostname=sandbox'],
    `--user=${account.uid}:${account.gid}`,
    ...['--log-driver=none', '--no-healthcheck'], // a log would be a file without a limit
  ]
}

/** `--memory-swap` is the sum of memory and swap: equal means none, or a bomb would go on in the swap of the host. */
function quotas(limits: Limits): readonly string[] {
  return [
    `--memory=${limits.memoryBytes}b`,
    `--memory-swap=${limits.memoryBytes}b`,
    `--pids-limit=${limits.processes}`,
    ...(limits.cpus === undefined ? [] : [`--cpus=${limits.cpus}`]),
    ...ulimit('core', 0),
    ...ulimit('nofile', limits.openFiles),
    ...ulimit('fsize', limits.fileBytes),
    ...ulimit('memlock', LOCKED_MEMORY_BYTES),
    ...ulimit('msgqueue', 0),
    ...ulimit('sigpending', PENDING_SIGNALS),
    ...ulimit('nproc', Math.max(MIN_ACCOUNT_PROCESSES, limits.processes)),
    ...(limits.dataBytes === undefined ? [] : ulimit('data', limits.dataBytes)),
  ]
}

const ulimit = (name: string, value: number): readonly string[] => [`--ulimit=${name}=${value}:${value}`]

/** Podman knows no `nr_inodes`; there `kit.ts` sets it. */
function privateFiles(engine: EngineName, { tmpBytes, tmpFiles }: Limits): readonly string[] {
  const files = engine === 'docker' && tmpFiles !== undefined ? `,nr_inodes=${tmpFiles}` : ''
  const options = `rw,exec,nosuid,nodev,mode=1777,size=${tmpBytes}${files}${engine === 'podman' ? ',notmpcopyup' : ''}`
  return [`--tmpfs=/tmp:${options}`, `--tmpfs=${HOME}:${options}`, `--shm-size=${SHARED_MEMORY_BYTES}b`]
}

function podmanOnly({ account, kit, masked, spec }: CreateInput): readonly string[] {
  const lifeSeconds = Math.ceil((spec.limits.lifeMs ?? 0) / 1000)
  return [
    '--read-only-tmpfs=false', // it would add writable places that no limit holds
    '--image-volume=ignore',
    '--systemd=false', // and so would a command that is called like an init
    '--http-proxy=false',
    '--sdnotify=ignore',
    '--no-hosts',
    `--passwd-entry=sandbox:x:${account.uid}:${account.gid}::${HOME}:/bin/sh`,
    ...kit,
    ...['container', 'TERM', 'HOSTNAME'].map((name) => `--unsetenv=${name}`),
    ...(account.keepId ? ['--userns=keep-id'] : []),
    ...(masked.length === 0 ? [] : [`--security-opt=mask=${masked.join(':')}`]),
    ...(lifeSeconds === 0 ? [] : [`--timeout=${lifeSeconds + LAST_RESORT_SECONDS}`]),
  ]
}

function dockerOnly({ imageVolumes, runtime }: CreateInput): readonly string[] {
  return [
    ...imageVolumes.map((path) => `--tmpfs=${path}:ro,nosuid,nodev,size=4096`),
    ...(runtime === undefined ? [] : [`--runtime=${runtime}`]),
  ]
}
