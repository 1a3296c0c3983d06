/** Which files of a control group hold which limit, in both versions of the kernel's interface. */
import type { Limits } from '../driver.ts'
import type { CgroupHost, Controller } from './host.ts'

export interface GroupLimits extends Pick<Limits, 'memoryBytes' | 'processes' | 'cpus'> {
  /** Whether it must be possible to hold the processes still. */
  readonly isFreezable?: boolean
}

/** One file to write. Some exist only where the kernel was built with them. */
export interface Setting {
  readonly file: string
  readonly value: number | string
  readonly isOptional?: true
}

/** bwrap on both sides of the process namespace; they are in the group too, and are not the command's. */
export const OWN_PROCESSES = 2

const PERIOD_US = 100_000
const MIN_QUOTA_US = 1000

type Role = keyof CgroupHost

/** The controllers that a group is made in, with their settings; several may share a directory. */
export function settingsFor(host: CgroupHost, limits: GroupLimits): readonly RoleSettings[] {
  const { memory, processes, cpu, cpuTime, freezer } = host
  const all: readonly (RoleSettings | undefined)[] = [
    memory && { role: 'memory', controller: memory, settings: memorySettings(memory.version, limits.memoryBytes) },
    processes && { role: 'processes', controller: processes, settings: processSettings(limits.processes) },
    limits.cpus === undefined || cpu === undefined
      ? undefined
      : { role: 'cpu', controller: cpu, settings: cpuSettings(cpu.version, limits.cpus) },
    cpuTime && { role: 'cpuTime', controller: cpuTime, settings: [] },
    limits.isFreezable === true && freezer !== undefined
      ? { role: 'freezer', controller: freezer, settings: [] }
      : undefined,
  ]
  return all.filter((entry) => entry !== undefined)
}

export interface RoleSettings {
  readonly role: Role
  readonly controller: Controller
  readonly settings: readonly Setting[]
}

/** Swap counts too, or a bomb would go on in the swap of the host; the order matters: memory first. */
function memorySettings(version: 1 | 2, bytes: number): readonly Setting[] {
  return version === 1
    ? [
        { file: 'memory.limit_in_bytes', value: bytes },
        { file: 'memory.memsw.limit_in_bytes', value: bytes, isOptional: true },
        { file: 'memory.swappiness', value: 0, isOptional: true }, // where the kernel does not count swap
      ]
    : [
        { file: 'memory.max', value: bytes },
        { file: 'memory.swap.max', value: 0, isOptional: true },
        { file: 'memory.oom.group', value: 1, isOptional: true }, // half a tree is of no use
      ]
}

const processSettings = (processes: number): readonly Setting[] => [
  { file: 'pids.max', value: processes + OWN_PROCESSES },
]

function cpuSettings(version: 1 | 2, cpus: number): readonly Setting[] {
  const quota = Math.max(MIN_QUOTA_US, Math.round(cpus * PERIOD_US))
  return version === 1
    ? [
        { file: 'cpu.cfs_period_us', value: PERIOD_US },
        { file: 'cpu.cfs_quota_us', value: quota },
      ]
    : [{ file: 'cpu.max', value: `${quota} ${PERIOD_US}` }]
}
