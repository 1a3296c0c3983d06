/**
 * Marks what a gateway leaves on the host, so that a later gateway can tell the remains of a dead one from the living.
 *
 * A process id alone is used again, and means another process in another container: hence the start time and the process
 * namespace beside it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const MARK = /portcullis-(\d+)-(\d+)-(\d+)/

/** `portcullis-<process namespace>-<process id>-<start time in clock ticks since boot>` of this process. */
export function ownMark(): string {
  return `portcullis-${processNamespace()}-${process.pid}-${startTime(process.pid) ?? '0'}`
}

/** True when the text holds the mark of a gateway of this process namespace that is gone. */
export function isMarkOfDead(text: string): boolean {
  const [, namespace, pid, started] = MARK.exec(text) ?? []
  return namespace === processNamespace() && startTime(Number(pid)) !== started
}

/**
 * Kills what a gateway left when it was killed in the millisecond in which bwrap makes its namespaces: process 1 then
 * waits for a bwrap that is gone. It has run nothing and never will, but it would stay. Returns how many.
 */
export function sweepOrphans(): number {
  const orphans = readdirSync('/proc').map(Number).filter(isOrphan)
  return orphans.filter(killed).length
}

function isOrphan(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return /^[^\0]*\/bwrap\0/.test(command) && isMarkOfDead(command)
  } catch {
    return false
  }
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

function processNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'
}

/** Field 22 of /proc/PID/stat; the second field may hold spaces and parentheses. */
function startTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
