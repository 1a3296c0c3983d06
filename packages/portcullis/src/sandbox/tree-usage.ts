/**
 * What a process and its descendants use, added up from proc(5), where no control group counts it.
 *
 * Memory that processes share counts for each of them, so that the sum is rather too high than too low.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { Usage } from './access.ts'
import type { Meter } from './process.ts'

/** USER_HZ: the kernel's unit towards programs, whatever its own clock is. */
const TICKS_PER_SECOND = 100

export type TreeUsage = Pick<Usage, 'cpuMs' | 'memoryBytes' | 'processes'>

/** Counts now; goes on answering with the last count when the tree is gone. Until `pid` resolves there is nothing. */
export function treeMeter(pid: Promise<number | undefined>): Meter {
  let last: TreeUsage = {}
  let known: string | undefined
  return async () => {
    const root = await pid
    if (root === undefined) return last
    const fields = fieldsOf(await readText(`/proc/${root}/stat`))
    const born = fields[BORN]
    known ??= born
    // It may be a zombie that nobody reaps, and the number may be another process's by now.
    const isGone = born === undefined || born !== known || fields[0] === 'Z'
    last = isGone ? { ...last, memoryBytes: 0, processes: 0 } : sumOf(await countTree(root))
    return last
  }
}

/** Fields of /proc/PID/stat counted from the third: the second may hold spaces and parentheses. */
const fieldsOf = (stat: string): readonly string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')
const FIRST_TIME = 11
const TIMES = 4
const BORN = 19

interface Counts {
  readonly ticks: number
  readonly kibibytes: number
  /** Threads. */
  readonly processes: number
}

const sumOf = ({ ticks, kibibytes, processes }: Counts): TreeUsage => ({
  cpuMs: Math.round((ticks * 1000) / TICKS_PER_SECOND),
  memoryBytes: kibibytes * 1024,
  processes,
})

/** The time of children that have ended is kept by whoever waited for them. */
async function countTree(pid: number): Promise<Counts> {
  const [stat, status, children] = await Promise.all([
    readText(`/proc/${pid}/stat`),
    readText(`/proc/${pid}/status`),
    childrenOf(pid),
  ])
  const times = fieldsOf(stat).slice(FIRST_TIME, FIRST_TIME + TIMES)
  const own = {
    ticks: times.reduce((sum, ticks) => sum + Number(ticks), 0),
    kibibytes: numberIn(status, /^VmRSS:\s+(\d+)/m),
    processes: numberIn(status, /^Threads:\s+(\d+)/m),
  }
  return (await Promise.all(children.map(countTree))).reduce(add, own)
}

const add = (left: Counts, right: Counts): Counts => ({
  ticks: left.ticks + right.ticks,
  kibibytes: left.kibibytes + right.kibibytes,
  processes: left.processes + right.processes,
})

async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(threads.map((thread) => readText(`/proc/${pid}/task/${thread}/children`)))
  return lists.flatMap((list) => list.split(' ').map(Number)).filter((child) => child > 0)
}

const numberIn = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)

const readText = (path: string) => readFile(path, 'utf8').catch(() => '')
