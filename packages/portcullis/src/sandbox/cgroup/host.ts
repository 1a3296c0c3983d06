/** Below which control groups of this host the gateway may make groups of its own. */
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupsToTry } from './claim.ts'
import { parseMounts, parseOwnGroups } from './tables.ts'

export interface Controller {
  readonly version: 1 | 2
  /** The gateway's own group. */
  readonly directory: string
}

/** Undefined where no group can be made that limits, or counts, this. */
export interface CgroupHost {
  readonly memory: Controller | undefined
  readonly processes: Controller | undefined
  /** Share of the processors. */
  readonly cpu?: Controller | undefined
  /** Processor time that was used; version 2 counts it in every group. */
  readonly cpuTime?: Controller | undefined
  /** Holds processes still; version 2 can do so with every group. */
  readonly freezer?: Controller | undefined
}

/** Finds the groups of this process in the tables of proc(5). */
export function findCgroups(): CgroupHost {
  try {
    return chooseGroups(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch {
    return { memory: undefined, processes: undefined }
  }
}

/** The texts of /proc/self/cgroup and /proc/self/mountinfo. Looks at the directories that they name. */
export function chooseGroups(groups: string, mountinfo: string): CgroupHost {
  const own = parseOwnGroups(groups)
  const mounts = parseMounts(mountinfo)
  const find = (name: string) => findController(name, own, mounts)
  const memory = find('memory')
  const processes = find('pids')
  const anyway = [memory, processes].find((found) => found?.version === 2)
  const cpuTime = find('cpuacct') ?? anyway
  return { memory, processes, cpu: find('cpu'), cpuTime, freezer: find('freezer') ?? anyway }
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
  const group = join(mount, path)
  const candidates = version === 1 ? [group] : groupsToTry(group)
  const directory = candidates.find((candidate) => isUsable(candidate, version, name))
  return directory === undefined ? undefined : { version, directory }
}

/** Version 2 needs the controller to be handed to children, see `claim.ts`. */
function isUsable(directory: string, version: 1 | 2, name: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    if (version === 1) return true
    return readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').split(/\s+/).includes(name)
  } catch {
    return false
  }
}
