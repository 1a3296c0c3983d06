/**
 * Limits of a whole process tree, where the host lets the gateway make control groups below its own.
 *
 * The first process of a sandbox joins by itself, through descriptors that it inherits: nothing that it starts later
 * escapes the count, and in version 1 a process that moves its own thread spares the kernel a pause of all others.
 */
import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { ownMark } from '../mark.ts'
import { type CountedGroups, type GroupRefusals, type GroupUsage, readRefusals, readUsage } from './counters.ts'
import type { CgroupHost, Controller } from './host.ts'
import { removeGroup } from './remove.ts'
import { type GroupLimits, type RoleSettings, settingsFor } from './settings.ts'

export interface Cgroup {
  /** The file that lists the processes; undefined where the host lets us make no group. */
  readonly membersFile: string | undefined
  /** The group that holds its processes still, when it was asked for and the host can. */
  readonly freezer: Controller | undefined
  /** Opens what a process writes `0` to in order to join. Whoever gets the descriptors closes them. */
  readonly openDoors: () => readonly number[]
  /** What was used from start to now; goes on answering when the group is gone. */
  readonly usage: () => GroupUsage
  readonly refusals: () => GroupRefusals
  /** Reads the counters a last time and removes the group. Never throws: the next start sweeps. */
  readonly destroy: () => Promise<void>
}

let sequence = 0

/** Makes a group and sets its limits. Throws `sandbox.start_failed` when the host refuses; nothing is left then. */
export async function createCgroup(host: CgroupHost, limits: GroupLimits): Promise<Cgroup> {
  const name = `${ownMark()}-${++sequence}`
  const entries = settingsFor(host, limits).map((entry) => ({ ...entry, own: join(entry.controller.directory, name) }))
  const groups = new Map(entries.map(({ own, controller }) => [own, { ...controller, directory: own }]))
  const made: string[] = []
  try {
    const tries = await Promise.allSettled(
      [...groups.keys()].map(async (directory) => {
        await mkdir(directory) // waits for other changes of groups, unlike all that follows
        made.push(directory)
      }),
    )
    for (const one of tries) if (one.status === 'rejected') throw one.reason
    for (const { own, settings } of entries) apply(own, settings)
    const find = (role: RoleSettings['role']) => groups.get(entries.find((entry) => entry.role === role)?.own ?? '')
    const counted = { memory: find('memory'), processes: find('processes'), cpuTime: find('cpuTime') }
    return groupOf([...groups.values()], counted, find('freezer'))
  } catch (cause) {
    await Promise.all(made.map(removeGroup))
    throw refused(cause)
  }
}

function apply(directory: string, settings: RoleSettings['settings']): void {
  for (const { file, value, isOptional } of settings) {
    try {
      writeFileSync(join(directory, file), `${value}`, { flag: constants.O_WRONLY as unknown as string })
    } catch (problem) {
      if (isOptional !== true) throw problem
    }
  }
}

function groupOf(groups: readonly Controller[], counted: CountedGroups, freezer: Controller | undefined): Cgroup {
  const [first] = groups
  let last: { readonly usage: GroupUsage; readonly refusals: GroupRefusals } | undefined
  return {
    membersFile: first && join(first.directory, 'cgroup.procs'),
    freezer,
    openDoors: () => openAll(groups.map(doorOf)),
    usage: () => last?.usage ?? readUsage(counted),
    refusals: () => last?.refusals ?? readRefusals(counted),
    destroy: async () => {
      const usage = readUsage(counted)
      last ??= { usage: { ...usage, ...nothingLeft(usage) }, refusals: readRefusals(counted) }
      await Promise.all(groups.map(({ directory }) => removeGroup(directory)))
    },
  }
}

const doorOf = ({ version, directory }: Controller) => join(directory, version === 1 ? 'tasks' : 'cgroup.procs')

const nothingLeft = ({ memoryBytes, processes }: GroupUsage): GroupUsage => ({
  ...(memoryBytes !== undefined && { memoryBytes: 0 }),
  ...(processes !== undefined && { processes: 0 }),
})

function openAll(paths: readonly string[]): readonly number[] {
  const opened: number[] = []
  try {
    for (const path of paths) opened.push(openSync(path, constants.O_WRONLY))
    return opened
  } catch (cause) {
    for (const descriptor of opened) closeSync(descriptor)
    throw refused(cause)
  }
}

function refused(cause: unknown): Fault {
  const reason = `the control group was refused: ${(cause as Error).message}`
  return new Fault('sandbox.start_failed', { reason }, { cause })
}
