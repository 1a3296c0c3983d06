/** Files that have no name any more and still take room, because a process of the sandbox holds them open or mapped. */
import { statSync } from 'node:fs'
import { list, type Members, processesOf, read } from './members.ts'
import { BLOCK_BYTES } from './totals.ts'

/** Bytes by device number, each file counted once. */
export function heldBytes(members: Members): ReadonlyMap<number, number> {
  const seen = new Set<string>()
  const held = new Map<number, number>()
  for (const path of processesOf(members).flatMap(openPaths)) {
    const stats = statOf(path)
    if (stats === undefined || stats.nlink > 0 || seen.has(`${stats.dev}:${stats.ino}`)) continue
    seen.add(`${stats.dev}:${stats.ino}`)
    held.set(stats.dev, (held.get(stats.dev) ?? 0) + stats.blocks * BLOCK_BYTES)
  }
  return held
}

/**
 * How many open files are under way from one process of the sandbox to another one (SCM_RIGHTS). What they hold shows
 * nowhere until they are received. Linux tells since 5.11.
 */
export function filesUnderWay(members: Members): number {
  const sockets = processesOf(members).flatMap((pid) => {
    const isSocket = (name: string) => statOf(`/proc/${pid}/fd/${name}`)?.isSocket() === true
    return list(`/proc/${pid}/fd`)
      .filter(isSocket)
      .map((name) => read(`/proc/${pid}/fdinfo/${name}`))
  })
  return sockets.reduce((sum, text) => sum + Number(/^scm_fds:\s*(\d+)/m.exec(text)?.[1] ?? 0), 0)
}

function openPaths(pid: number): readonly string[] {
  const descriptors = list(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`)
  const deleted = read(`/proc/${pid}/maps`)
    .split('\n')
    .filter((line) => line.endsWith(' (deleted)'))
  // Closed after they were mapped. Only root may look behind a mapping; elsewhere such a file is not seen.
  return [...descriptors, ...deleted.map((line) => `/proc/${pid}/map_files/${line.slice(0, line.indexOf(' '))}`)]
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
