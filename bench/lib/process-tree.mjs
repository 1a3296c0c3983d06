// What a process and all its descendants have used so far, from /proc (Linux).
import { readdirSync, readFileSync } from 'node:fs'

const TICK_MICROSECONDS = 10_000

/** Process ids of `pid` and all its descendants. */
export function tree(pid) {
  const found = [pid]
  for (const parent of found) {
    for (const thread of entries(`/proc/${parent}/task`)) {
      const children = read(`/proc/${parent}/task/${thread}/children`).trim()
      if (children !== '') found.push(...children.split(' ').map(Number))
    }
  }
  return found
}

/** Fields of /proc/<pid>/stat after the name: user and system time, and those of children that ended and were awaited. */
const TIMES = [11, 12, 13, 14]

/** CPU microseconds of the tree, with those of members that have ended: some bridges start a process for each call. */
export function cpuMicroseconds(pid) {
  return sum(tree(pid).map((member) => ticks(member, TIMES))) * TICK_MICROSECONDS
}

/** CPU microseconds of this process and of its children that have ended. */
export function ownCpuMicroseconds() {
  return ticks('self', TIMES) * TICK_MICROSECONDS
}

/** Resident bytes of the tree. */
export function residentBytes(pid) {
  const kilobytes = (member) => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${member}/status`))?.[1] ?? 0)
  return sum(tree(pid).map(kilobytes)) * 1_024
}

/** CPU microseconds that all processes of the machine used, and those that its host gave to other machines meanwhile. */
export function machineCpuMicroseconds() {
  const fields = read('/proc/stat').split('\n')[0].trim().split(/\s+/).slice(1).map(Number)
  return sum([0, 1, 2, 5, 6, 7].map((index) => fields[index])) * TICK_MICROSECONDS
}

function ticks(pid, indices) {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return sum(indices.map((index) => Number(fields[index] ?? 0)))
}

function entries(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** A process may end between two reads: then it counts as nothing. */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}
