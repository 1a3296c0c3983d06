import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * Keeps a chain to one writer: two would each continue it, and neither half would verify.
 *
 * The lock names host, boot, process id and the time at which that process started, so that neither a reused process id
 * nor a restart of the machine keeps a chain closed. A lock of another host cannot be checked and is never taken over.
 */
export interface Lock {
  release(): void
}

/** The chain has a living writer, or one of which nothing can be known. */
export class ChainInUse extends Error {
  override readonly name = 'ChainInUse'
}

const TAKEOVER_ENDS_AFTER_MS = 10_000

/** Takes `<directory>/lock`. Throws `ChainInUse`. */
export function takeLock(directory: string, nowMs: number): Lock {
  const path = `${directory}/lock`
  const mine = describeProcess(process.pid)
  if (!create(path, mine)) {
    refuseLiving(path, directory)
    takeOver(path, mine, nowMs, directory)
  }
  return {
    release: () => {
      if (read(path) === mine) remove(path)
    },
  }
}

/** Whether a living process holds the lock of a chain, or one of which nothing can be known. */
export function isHeld(directory: string): boolean {
  try {
    refuseLiving(`${directory}/lock`, directory)
    return false
  } catch (error) {
    if (error instanceof ChainInUse) return true
    throw error
  }
}

/** Two that find the same stale lock must not both replace it, so replacing has a lock of its own, held for an instant. */
function takeOver(path: string, mine: string, nowMs: number, directory: string): void {
  const guard = `${path}.takeover`
  const age = nowMs - modifiedAt(guard)
  if (age > TAKEOVER_ENDS_AFTER_MS) remove(guard)
  if (!create(guard, mine)) throw new ChainInUse(`another process is taking over the audit chain in ${directory}`)
  try {
    refuseLiving(path, directory)
    remove(path)
    if (!create(path, mine)) throw new ChainInUse(`another process has taken over the audit chain in ${directory}`)
  } finally {
    remove(guard)
  }
}

function refuseLiving(path: string, directory: string): void {
  const [host, boot, pid = '', started] = (read(path) ?? '').split('\n')
  if (host === '' || host === undefined) return
  if (host !== hostname()) {
    throw new ChainInUse(
      `the audit chain in ${directory} was opened on host ${host}; remove its lock if that one is gone`,
    )
  }
  if (boot !== bootId()) return
  if (isAlive(Number(pid)) && started === startTime(Number(pid))) {
    throw new ChainInUse(`process ${pid} already writes the audit chain in ${directory}`)
  }
}

const describeProcess = (pid: number): string => [hostname(), bootId(), pid, startTime(pid)].join('\n')

function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; empty where there is no /proc. The name may hold spaces. */
function startTime(pid: number): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** With its text at once: a lock that is there and still empty would pass for that of a dead process. */
function create(path: string, text: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: 0o600 })
    place(draft, path, text)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    remove(draft)
  }
}

/** Some shares of other systems know no second name for a file: there the lock is empty for a moment. */
function place(draft: string, path: string, text: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code)) throw error
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
  }
}

const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
