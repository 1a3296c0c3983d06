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

/** The same for a bwrap of our own that was killed in that millisecond: a sandbox that lives is a descendant of ours. */
export function sweepStranded(): number {
  const mark = ownMark()
  const stranded = readdirSync('/proc')
    .map(Number)
    .filter((pid) => bwrapLine(pid).includes(mark) && !isDescendant(pid))
  return stranded.filter(killed).length
}

const isOrphan = (pid: number) => isMarkOfDead(bwrapLine(pid))

/** The command line of a bwrap; empty for every other process. */
function bwrapLine(pid: number): string {
  if (!(pid > 0)) return ''
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return /^[^\0]*\/bwrap\0/.test(command) ? command : ''
  } catch {
    return ''
  }
}

function isDescendant(pid: number): boolean {
  const parent = Number(statOf(pid)?.[1] ?? 0)
  return parent === process.pid || (parent > 1 && isDescendant(parent))
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

const startTime = (pid: number): string | undefined => statOf(pid)?.[19]

/** /proc/PID/stat from the third field on; the second may hold spaces and parentheses. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
