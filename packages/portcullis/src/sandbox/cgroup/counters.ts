/** What the kernel counts in a control group: what was used, and what was refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Usage } from '../access.ts'
import type { Controller } from './host.ts'
import { OWN_PROCESSES } from './settings.ts'

export type GroupUsage = Pick<Usage, 'cpuMs' | 'memoryBytes' | 'peakMemoryBytes' | 'processes'>

/** How often each limit was met since the group was made. */
export interface GroupRefusals {
  /** Processes that were killed for lack of memory. */
  readonly memory: number
  /** Processes and threads that were not started. */
  readonly processes: number
}

/** The groups of one sandbox, by what they count. */
export interface CountedGroups {
  readonly memory: Controller | undefined
  readonly processes: Controller | undefined
  readonly cpuTime?: Controller | undefined
}

/** The file in version 1 and in version 2, and where the number stands. */
const COUNTERS = {
  memoryBytes: { 1: ['memory.usage_in_bytes', /^(\d+)/], 2: ['memory.current', /^(\d+)/] },
  peakMemoryBytes: { 1: ['memory.max_usage_in_bytes', /^(\d+)/], 2: ['memory.peak', /^(\d+)/] },
  killed: { 1: ['memory.oom_control', /^oom_kill (\d+)/m], 2: ['memory.events', /^oom_kill (\d+)/m] },
  processes: { 1: ['pids.current', /^(\d+)/], 2: ['pids.current', /^(\d+)/] },
  notStarted: { 1: ['pids.events', /^max (\d+)/m], 2: ['pids.events', /^max (\d+)/m] },
  cpu: { 1: ['cpuacct.usage', /^(\d+)/], 2: ['cpu.stat', /^usage_usec (\d+)/m] },
} as const

/** Nanoseconds in version 1, microseconds in version 2. */
const CPU_UNITS_IN_A_MS = { 1: 1e6, 2: 1e3 } as const

/** Never throws: what cannot be read is left out. These files are made by the kernel as they are read; none waits. */
export function readUsage({ memory, processes, cpuTime }: CountedGroups): GroupUsage {
  const cpu = read(cpuTime, 'cpu')
  const tasks = read(processes, 'processes')
  return {
    ...given('cpuMs', cpu && cpuTime && Math.round(cpu / CPU_UNITS_IN_A_MS[cpuTime.version])),
    ...given('memoryBytes', read(memory, 'memoryBytes')),
    ...given('peakMemoryBytes', read(memory, 'peakMemoryBytes')),
    ...given('processes', tasks === undefined ? undefined : Math.max(0, tasks - OWN_PROCESSES)),
  }
}

/** Never throws. */
export function readRefusals({ memory, processes }: CountedGroups): GroupRefusals {
  return { memory: read(memory, 'killed') ?? 0, processes: read(processes, 'notStarted') ?? 0 }
}

function read(group: Controller | undefined, name: keyof typeof COUNTERS): number | undefined {
  if (group === undefined) return undefined
  const [file, pattern] = COUNTERS[name][group.version]
  try {
    const found = pattern.exec(readFileSync(join(group.directory, file), 'utf8'))?.[1]
    return found === undefined ? undefined : Number(found)
  } catch {
    return undefined // a kernel without this counter
  }
}

const given = <K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [P in K]: number })
