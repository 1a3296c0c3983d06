/** The processes of one sandbox, as the host knows them. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Members {
  /** The file that lists the processes, when they are in a control group. */
  readonly groupFile?: string | undefined
  /** Process 1 of the sandbox. */
  readonly initPid: number
}

/** So often is looked for processes that were started while others were killed. */
const ROUNDS = 5

/** All process ids, perhaps with those of the tools around the sandbox. */
export function processesOf({ groupFile, initPid }: Members): readonly number[] {
  if (groupFile === undefined) return descendants(initPid)
  return read(groupFile).split('\n').map(Number).filter(Boolean)
}

/** Tells the process apart from a later one with the same id: its start time (proc(5), field 22). */
export function birthOf(pid: number): string {
  const text = read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/**
 * Kills everything in a sandbox now: process 1 alone would have to run before the others are killed. `birth` is what
 * `birthOf` said of process 1 while it was known to live.
 */
export function killAll({ initPid }: Members, birth: string): void {
  const killed = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const found = birth === '' || birthOf(initPid) !== birth ? [] : descendants(initPid)
    const left = found.filter((pid) => !killed.has(pid))
    if (left.length === 0) return
    for (const pid of left) kill(pid)
    for (const pid of left) killed.add(pid)
  }
}

/** Orphans become children of process 1, so nothing is missed. */
function descendants(pid: number): readonly number[] {
  const threads = list(`/proc/${pid}/task`)
  const children = threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
  return [pid, ...children.map(Number).filter(Boolean).flatMap(descendants)]
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended in the meantime.
  }
}

export function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
