// What a gateway could leave on a host: processes, mounts, control groups, descriptors, loop devices, files.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { tree } from './process-tree.mjs'

/** Process ids, other than those given, that have `mark` in their command line. */
export function markedProcesses(mark, except = []) {
  return names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !except.includes(pid) && text(`/proc/${pid}/cmdline`).includes(mark))
}

/** Processes below the gateway. */
export const descendants = (pid) => tree(pid).slice(1)

/** Names of all control groups of this process, wherever they are mounted. */
export function controlGroups(pid) {
  const below = (folder, depth) =>
    depth < 0 ? [] : folders(folder).flatMap((name) => [name, ...below(join(folder, name), depth - 1)])
  return below('/sys/fs/cgroup', 5).filter(
    (name) => name.startsWith('portcullis-') && name.split('-').includes(`${pid}`),
  )
}

/** Mounts that the process sees, and that are of this folder or of a gateway with this process id. Others are not ours. */
export const mounts = (pid, folder, owner) =>
  text(`/proc/${pid}/mountinfo`)
    .split('\n')
    .filter(
      (line) => line.includes(folder) || (line.includes('portcullis') && line.split(/[-./ ]/).includes(`${owner}`)),
    )

/** What its descriptors lead to, numbers of sockets and pipes left out. */
export function descriptors(pid) {
  return names(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`).replace(/\[\d+\]$/, '')
    } catch {
      return 'gone'
    }
  })
}

/** Namespaces, other than those of the gateway itself, that one of these processes is in or that it holds open. */
export function foreignNamespaces(pid, members) {
  const own = namespacesOf(pid)
  const held = names(`/proc/${pid}/fd`).map((name) => link(`/proc/${pid}/fd/${name}`))
  const all = [
    ...members.flatMap(namespacesOf),
    ...held.filter((target) => /^(net|mnt|user|pid|ipc|uts):\[/.test(target)),
  ]
  return [...new Set(all)].filter((namespace) => !own.includes(namespace))
}

const namespacesOf = (pid) => names(`/proc/${pid}/ns`).map((name) => link(`/proc/${pid}/ns/${name}`))

/** Loop devices whose file lies in `folder`. */
export const loopDevices = (folder) =>
  names('/sys/block').filter((name) => text(`/sys/block/${name}/loop/backing_file`).startsWith(folder))

/** Names in the usual places of temporary things that tell of Portcullis and of this process. */
export const temporaryFiles = (pid) =>
  ['/dev/shm', '/run', '/tmp', '/var/tmp'].flatMap((folder) =>
    names(folder)
      .filter((name) => name.includes('portcullis') && name.split(/[-.]/).includes(`${pid}`))
      .map((name) => join(folder, name)),
  )

export const isThere = (pid) => existsSync(`/proc/${pid}`)

const folders = (folder) => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}

function names(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function text(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function link(path) {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
