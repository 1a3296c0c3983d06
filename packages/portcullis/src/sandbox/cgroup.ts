/**
 * Limits of a whole process tree, where the host lets the gateway make control groups below its own.
 *
 * A group is joined before the command runs, so that nothing escapes the count. Groups bear the gateway's mark, which is
 * how a later gateway finds and removes what a killed one left.
 */
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../core/fault.ts'
import { isMarkOfDead, ownMark } from './mark.ts'

export interface CgroupHost {
  /** The gateway's own group of each controller; undefined where none can be made below it. */
  readonly memory: Controller | undefined
  readonly processes: Controller | undefined
}

export interface Controller {
  readonly version: 1 | 2
  readonly directory: string
}

export interface Cgroup {
  /** Moves a process; its later children are born inside. */
  join(pid: number): Promise<void>
  /** True when the kernel killed a process of the group for lack of memory. */
  ranOutOfMemory(): Promise<boolean>
  /** Removes the empty group. Never throws: the next start sweeps. */
  destroy(): Promise<void>
}

const REMOVAL_TRIES = 200
const REMOVAL_PAUSE_MS = 5

/** Finds the groups of this process in the tables of proc(5). */
export function findCgroups(): CgroupHost {
  try {
    const own = parseOwnGroups(readFileSync('/proc/self/cgroup', 'utf8'))
    const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
    return { memory: findController('memory', own, mounts), processes: findController('pids', own, mounts) }
  } catch {
    return { memory: undefined, processes: undefined }
  }
}

let sequence = 0

/** Makes a group and sets its limits. Throws `sandbox.start_failed` when the host refuses; nothing is left then. */
export async function createCgroup(
  host: CgroupHost,
  limits: { readonly memoryBytes: number; readonly processes: number },
): Promise<Cgroup> {
  const name = `${ownMark()}-${++sequence}`
  const made: string[] = []
  const make = async (controller: Controller | undefined, files: ReadonlyArray<readonly [string, string, number]>) => {
    if (controller === undefined) return
    const directory = join(controller.directory, name)
    if (!made.includes(directory)) {
      await mkdir(directory)
      made.push(directory)
    }
    for (const [v1, v2, value] of files)
      await writeFile(join(directory, controller.version === 1 ? v1 : v2), `${value}`)
  }
  try {
    await make(host.memory, [['memory.limit_in_bytes', 'memory.max', limits.memoryBytes]])
    await make(host.processes, [['pids.max', 'pids.max', limits.processes]])
    return groupOf(made)
  } catch (cause) {
    await Promise.all(made.map(remove))
    const reason = `the control group was refused: ${(cause as Error).message}`
    throw new Fault('sandbox.start_failed', { reason }, { cause })
  }
}

/** Kills and removes groups of gateways that are gone. Returns how many. Call it once, before the first launch. */
export async function sweepCgroups(host: CgroupHost): Promise<number> {
  let swept = 0
  for (const directory of new Set([host.memory?.directory, host.processes?.directory])) {
    if (directory === undefined) continue
    for (const name of readdirSync(directory)) {
      if (!isMarkOfDead(name)) continue
      await killMembers(join(directory, name))
      await remove(join(directory, name))
      swept++
    }
  }
  return swept
}

function groupOf(directories: readonly string[]): Cgroup {
  return {
    join: async (pid) => {
      for (const directory of directories) await writeFile(join(directory, 'cgroup.procs'), `${pid}`)
    },
    ranOutOfMemory: async () => {
      for (const directory of directories) if (await sawOomKill(directory)) return true
      return false
    },
    destroy: async () => {
      await Promise.all(directories.map(remove))
    },
  }
}

async function sawOomKill(directory: string): Promise<boolean> {
  for (const file of ['memory.oom_control', 'memory.events']) {
    const text = await readFile(join(directory, file), 'utf8').catch(() => '')
    if (/^oom_kill [1-9]/m.test(text)) return true
  }
  return false
}

/** The kernel keeps a group busy until its last process is reaped. */
async function remove(directory: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVAL_TRIES; attempt++) {
    const problem = await rmdir(directory).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    )
    if (problem !== 'EBUSY') return
    await sleep(REMOVAL_PAUSE_MS)
  }
}

async function killMembers(directory: string): Promise<void> {
  const members = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '')
  for (const pid of members.split('\n').map(Number)) {
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** Controller name → path of our group; version 2 has the empty name. */
function parseOwnGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>()
  for (const line of text.trim().split('\n')) {
    const [, controllers = '', ...path] = line.split(':')
    for (const controller of controllers.split(',')) groups.set(controller, path.join(':'))
  }
  return groups
}

/** Controller name → where it is mounted; version 2 has the empty name. */
function parseMounts(text: string): ReadonlyMap<string, string> {
  const mounts = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [type, , options = ''] = right.split(' ')
    const place = left.split(' ')[4] ?? ''
    if (type === 'cgroup2') mounts.set('', place)
    if (type === 'cgroup') for (const option of options.split(',')) mounts.set(option, place)
  }
  return mounts
}

function findController(
  name: string,
  own: ReadonlyMap<string, string>,
  mounts: ReadonlyMap<string, string>,
): Controller | undefined {
  const version = mounts.has(name) ? 1 : 2
  const key = version === 1 ? name : ''
  const mount = mounts.get(key)
  const path = own.get(key)
  if (mount === undefined || path === undefined) return undefined
  const directory = join(mount, path)
  return isUsable(directory, version, name) ? { version, directory } : undefined
}

/** Version 2 needs the controller to be handed to children, which systemd does for a unit with `Delegate=`. */
function isUsable(directory: string, version: 1 | 2, name: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    if (version === 1) return true
    return readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').split(/\s+/).includes(name)
  } catch {
    return false
  }
}
