/** The control groups that an engine has made for a container: what is counted, who is in them, and how they stand still. */
import { readFileSync } from 'node:fs'
import type { Usage } from '../access.ts'
import { type CountedGroups, type GroupRefusals, readRefusals, readUsage } from '../cgroup/counters.ts'
import type { Controller } from '../cgroup/host.ts'
import type { Freezer } from '../folders/freezer.ts'
import { birthOf, killAll, type Members } from '../folders/members.ts'
import type { Meter } from '../process.ts'

/** Everything answers before `follow` as well, with what is known then, and goes on answering after the end. */
export class ContainerGroups {
  #directories: ReadonlyMap<string, string> = new Map()
  #initPid = 0
  #birth = ''
  #usage: Partial<Usage> = {}
  #refusals: GroupRefusals = { memory: 0, processes: 0 }
  #counting: NodeJS.Timeout | undefined

  /** From now on it is about this process and its groups. An engine in a virtual machine has none here and gives 0. */
  follow(initPid: number): void {
    if (initPid <= 0) return
    this.#initPid = initPid
    this.#birth = birthOf(initPid)
    this.#directories = groupsOf(`${initPid}`)
    // The engine removes the groups a moment after the end, and with version 1 it does not remember that memory ran out.
    if (this.#counted.memory?.version === 1) this.#counting = setInterval(() => this.refusals(), COUNTING_MS).unref()
  }

  readonly usage: Meter = () => {
    const { processes, ...counted } = readUsage(this.#counted)
    const all = processes === undefined ? {} : { processes: processes + MORE_PROCESSES }
    this.#usage = { ...this.#usage, ...counted, ...all }
    return this.#usage
  }

  /** Call it at the end. */
  stopCounting(): void {
    clearInterval(this.#counting)
  }

  refusals(): GroupRefusals {
    const { memory, processes } = readRefusals(this.#counted)
    this.#refusals = {
      memory: Math.max(memory, this.#refusals.memory),
      processes: Math.max(processes, this.#refusals.processes),
    }
    return this.#refusals
  }

  get members(): Members {
    const [directory] = this.#directories.values()
    return { initPid: this.#initPid, groupFile: directory === undefined ? undefined : `${directory}/cgroup.procs` }
  }

  get freezer(): Freezer | undefined {
    return this.#groupOf('freezer')
  }

  get #counted(): CountedGroups {
    return {
      memory: this.#groupOf('memory'),
      processes: this.#groupOf('pids'),
      cpuTime: this.#groupOf('cpuacct'),
    }
  }

  /** Version 2 has one group for everything, and its name is empty. */
  #groupOf(controller: string): Controller | undefined {
    const first = [...this.#directories].find(([names]) => names.split(',').includes(controller))?.[1]
    if (first !== undefined) return { version: 1, directory: first }
    const second = this.#directories.get('')
    return second === undefined ? undefined : { version: 2, directory: second }
  }

  /** Kills without asking the engine, which takes its time. Does nothing where the processes are not ours to kill. */
  kill(): void {
    if (this.#initPid > 0) killAll({ initPid: this.#initPid }, this.#birth)
  }
}

/** Bubblewrap keeps two processes of its own in a group, which are not counted; an engine keeps one, its init. */
const MORE_PROCESSES = 1
/** Shorter than an engine takes from the end of a container to the removal of its groups. */
const COUNTING_MS = 10

/** Controllers → directory; those of the gateway itself are left out: an engine may be told to make none. */
function groupsOf(pid: string): ReadonlyMap<string, string> {
  const mounts = groupMounts(readText('/proc/self/mountinfo'))
  const own = parse(readText('/proc/self/cgroup'))
  const groups = [...parse(readText(`/proc/${pid}/cgroup`))].filter(([name, path]) => own.get(name) !== path)
  return new Map(
    groups.flatMap(([name, path]) => {
      const mount = mounts.get(name)
      return mount === undefined ? [] : [[name, mount + path] as const]
    }),
  )
}

/** proc(5): lines of `id:controllers:path`; version 2 has no controllers there. */
function parse(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [, controllers = '', ...path] = line.split(':')
      return [controllers, path.join(':')]
    }),
  )
}

function groupMounts(text: string): ReadonlyMap<string, string> {
  const mounts = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [type = '', , options = ''] = right.split(' ')
    const place = left.split(' ')[4] ?? ''
    if (type === 'cgroup2') mounts.set('', place)
    if (type === 'cgroup') mounts.set(options.replace(/^(?:rw|ro),/, ''), place)
  }
  return mounts
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
