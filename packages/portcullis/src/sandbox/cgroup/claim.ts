/**
 * Version 2 lets a group limit its children only when no process is in it, and a service starts inside of its group. So
 * the gateway moves into a child of its own first, where the group was handed to it and nobody else is in it.
 */
import { accessSync, constants, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseMounts, parseOwnGroups } from './tables.ts'

/** The child that the gateway moves into. */
export const OWN_CHILD = 'portcullis-gateway'

const WANTED = ['memory', 'pids', 'cpu']

export interface ClaimedProcess {
  readonly pid: number
  readonly uid: number
  /** Whether a unit of systemd may manage its own group. */
  readonly isDelegated: (unit: string, manager: 'system' | 'user') => Promise<boolean>
}

/** Where groups may be made: in the gateway's own, or in that above when the gateway's is a child made for it. */
export function groupsToTry(own: string): readonly string[] {
  const above = dirname(own)
  return basename(own) === OWN_CHILD || isUnit(above) ? [own, above] : [own]
}

/** Lets this process have groups below its own where that takes only this. Does nothing in version 1. Never throws. */
export async function claimOwnGroup(gateway: ClaimedProcess): Promise<void> {
  try {
    const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
    const path = parseOwnGroups(readFileSync('/proc/self/cgroup', 'utf8')).get('')
    const mount = mounts.get('')
    if (mounts.has('memory') || mount === undefined || path === undefined) return
    await claimGroup(join(mount, path), mount, gateway)
  } catch {
    // There are no control groups here.
  }
}

/** The same for the group `own` of the tree at `mount`. Where it cannot, there are no groups, and the driver says so. */
export async function claimGroup(own: string, mount: string, gateway: ClaimedProcess): Promise<void> {
  try {
    const base = await baseOf(own, mount, gateway)
    if (base === undefined) return
    if (base === own) leave(own, gateway.pid)
    const offered = words(join(base, 'cgroup.controllers'))
    const enabled = words(join(base, 'cgroup.subtree_control'))
    const missing = WANTED.filter((name) => offered.includes(name) && !enabled.includes(name))
    for (const name of missing) writeFileSync(join(base, 'cgroup.subtree_control'), `+${name}`)
  } catch {
    // The kernel, or whoever owns the group, has refused.
  }
}

/** In a unit with a group for its main process (`DelegateSubgroup=`), the unit's group is empty and above. */
async function baseOf(own: string, mount: string, gateway: ClaimedProcess): Promise<string | undefined> {
  const [, above] = groupsToTry(own)
  if (above !== undefined)
    return members(above).length === 0 && (await isOurs(above, mount, gateway)) ? above : undefined
  if (members(own).some((pid) => pid !== gateway.pid)) return undefined
  return (await isOurs(own, mount, gateway)) ? own : undefined
}

/**
 * Root owns every group, and a user every group below his manager, also those that systemd changes at will: a limit there
 * might vanish. A group of the system that belongs to another account was given to that account.
 */
async function isOurs(directory: string, mount: string, { uid, isDelegated }: ClaimedProcess): Promise<boolean> {
  accessSync(join(directory, 'cgroup.subtree_control'), constants.W_OK)
  if (statSync(directory).uid !== uid) return false
  const manager = directory.includes('/user@') ? 'user' : 'system'
  if (uid !== 0 && manager === 'system') return true
  if (join(directory) === join(mount)) return true // the top of a container
  return isUnit(directory) && isDelegated(basename(directory), manager)
}

const isUnit = (directory: string) => /\.(service|scope)$/.test(directory)

function leave(own: string, pid: number): void {
  mkdirSync(join(own, OWN_CHILD), { recursive: true })
  writeFileSync(join(own, OWN_CHILD, 'cgroup.procs'), `${pid}`)
}

const members = (directory: string): readonly number[] => words(join(directory, 'cgroup.procs')).map(Number)

const words = (file: string): readonly string[] =>
  readFileSync(file, 'utf8')
    .split(/\s+/)
    .filter((word) => word !== '')
