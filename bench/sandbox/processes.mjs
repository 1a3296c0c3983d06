// The processes that are there for one server, and what they use, from /proc.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tree } from '../lib/process-tree.mjs'
import { isServer } from './server.mjs'

/** Process ids: the tree below the session, and what runs on its behalf elsewhere, known by a mark in its command line. */
export function processesOf({ pid, mark }) {
  const marked =
    mark === undefined ? [] : numbers('/proc').filter((other) => text(`/proc/${other}/cmdline`).includes(mark))
  return [...new Set([pid, ...marked].flatMap(tree))]
}

/** Those of them that are not the server itself. */
export const helpersOf = (session) => processesOf(session).filter((pid) => !isServer(link(`/proc/${pid}/exe`)))

/** Proportional set size in bytes: pages that several share count in parts. */
export const proportionalBytes = (pid) =>
  Number(/^Pss:\s+(\d+)/m.exec(text(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1_024

/** Processor time of all threads in microseconds, finer than the clock ticks of stat. */
export function cpuMicroseconds(pid) {
  const threads = numbers(`/proc/${pid}/task`)
  return (
    threads.reduce((sum, thread) => sum + Number(text(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]), 0) /
    1_000
  )
}

/** Processors that this process may use, as taskset writes them. */
export const allowedProcessors = () => /^Cpus_allowed_list:\s+(\S+)/m.exec(text('/proc/self/status'))?.[1] ?? '0'

/** Puts processes with all their threads on these processors. */
export function pin(pids, processors) {
  for (const pid of pids) execFileSync('taskset', ['-a', '-c', '-p', processors, `${pid}`], { stdio: 'ignore' })
}

function numbers(folder) {
  try {
    return readdirSync(folder)
      .map(Number)
      .filter((number) => number > 0)
  } catch {
    return []
  }
}

/** A process may end between two reads: then it counts as nothing. */
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
