import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, readlinkSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'

/**
 * Keeps a chain to one writer: two would each continue it, and neither half would verify.
 *
 * The lock names host, boot, process id and the time at which that process started, so that neither a reused process id
 * nor a restart of the machine keeps a chain closed. A lock of another host cannot be checked and is never taken over.
 *
 * It names the space of process ids, too: in two containers the same id, such as 1, is of two processes, and neither sees the
 * other. A process in a container therefore touches its lock every two seconds, and whoever finds the lock of another container
 * of this host watches it for as long as three touches take.
 */
export interface Lock {
  /** True once another process was found to have taken it: nothing may be written any more. */
  readonly isLost: boolean
  release(): void
}

/** The chain has a living writer, or one of which nothing can be known. */
export class ChainInUse extends Error {
  override readonly name = 'ChainInUse'
}

const TAKEOVER_ENDS_AFTER_MS = 10_000
const BEAT_MS = 2_000
const WATCH_MS = 3 * BEAT_MS
const LOOK_MS = 50
/** The first space of a Linux (PROC_PID_INIT_INO); who is in it is no container and touches nothing. */
const FIRST_SPACE = 'pid:[4026531836]'

/** Takes `<directory>/lock`. Throws `ChainInUse`; before that it may wait for `watchMs`. */
export function takeLock(directory: string, nowMs: number, watchMs: number = WATCH_MS): Lock {
  const path = `${directory}/lock`
  const mine = describeProcess(process.pid)
  if (!create(path, mine)) {
    refuseLiving(path, directory, watchMs)
    takeOver(path, mine, nowMs, directory)
  }
  const beat = new Beat(path)
  return {
    get isLost() {
      return beat.isLost
    },
    release: () => {
      beat.end()
      if (!beat.isLost && read(path) === mine) remove(path)
    },
  }
}

/** Shows those of other containers that this process lives, and notices when one of them has thought otherwise. */
class Beat {
  isLost = false
  readonly #path: string
  readonly #inode: number | undefined
  readonly #timer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#path = path
    const space = processSpace()
    if (space === '' || space === FIRST_SPACE) return
    this.#inode = statSync(path, { throwIfNoEntry: false })?.ino
    this.#timer = setInterval(() => void this.#touch(), BEAT_MS).unref()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  async #touch(): Promise<void> {
    const seconds = (performance.timeOrigin + performance.now()) / 1_000
    try {
      if ((await stat(this.#path)).ino === this.#inode) return await utimes(this.#path, seconds, seconds)
      this.isLost = true
    } catch (error) {
      // A disk that does not answer says nothing of who has the lock.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.isLost = true
    }
  }
}

/** Whether a living process holds the lock of a chain, or one of which nothing can be known. It may wait for `watchMs`. */
export function isHeld(directory: string, watchMs: number = WATCH_MS): boolean {
  try {
    refuseLiving(`${directory}/lock`, directory, watchMs)
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
    refuseLiving(path, directory, 0)
    remove(path)
    if (!create(path, mine)) throw new ChainInUse(`another process has taken over the audit chain in ${directory}`)
  } finally {
    remove(guard)
  }
}

function refuseLiving(path: string, directory: string, watchMs: number): void {
  const text = read(path) ?? ''
  const [host, boot, pid = '', started, space = processSpace()] = text.split('\n')
  if (host === '' || host === undefined) return
  if (host !== hostname()) {
    throw new ChainInUse(
      `the audit chain in ${directory} was opened on host ${host}; remove its lock if that one is gone`,
    )
  }
  if (boot !== bootId()) return
  if (space !== processSpace()) {
    if (space !== FIRST_SPACE && !isTouched(path, text, watchMs)) return
    throw new ChainInUse(
      `another container of this machine writes the audit chain in ${directory}; remove its lock if that one is gone`,
    )
  }
  if (isAlive(Number(pid)) && started === startTime(Number(pid))) {
    throw new ChainInUse(`process ${pid} already writes the audit chain in ${directory}`)
  }
}

/** Locks of processes that were watched for long enough: who writes many chains is watched once. */
const deadOwners = new Set<string>()

/** Whether somebody touches the lock while this waits. */
function isTouched(path: string, owner: string, watchMs: number): boolean {
  if (deadOwners.has(owner)) return false
  const first = modifiedAt(path)
  const until = performance.now() + watchMs
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  while (performance.now() < until) {
    if (modifiedAt(path) !== first) return true
    Atomics.wait(nobody, 0, 0, LOOK_MS)
  }
  deadOwners.add(owner)
  return false
}

const describeProcess = (pid: number): string => [hostname(), bootId(), pid, startTime(pid), processSpace()].join('\n')

/** Such as `pid:[4026531836]`; empty where there is no /proc. */
function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; empty where there is no /proc. The name may hold spaces. */
function startTime(pid: number): string {
  const facts = read(`/proc/${pid}/stat`)
  return facts?.slice(facts.lastIndexOf(')') + 2).split(' ')[19] ?? ''
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
