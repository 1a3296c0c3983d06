/**
 * Decides whether a lock is older than one that was believed here before.
 *
 * An older lock bears a good signature too, and brings back what was approved in it. So the gateway remembers in its state
 * folder when the newest lock was signed that it believed, for each path: another path is the word of the configuration.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { type Lock, LockError } from '../inspection/definitions/lock.ts'
import { isRecord } from '../mcp/message.ts'
import { writeWhole } from '../pki/private-file.ts'

export class NewestLock {
  readonly #file: string
  readonly #lock: string

  /** `file` is the memory, `lock` the path of the lock that it is about. */
  constructor(file: string, lock: string) {
    this.#file = file
    this.#lock = lock
  }

  /** Milliseconds since the epoch; undefined when none was believed. Throws LockError for a memory that cannot be read. */
  get signedAt(): number | undefined {
    const at = this.#all()[this.#lock]
    return typeof at === 'number' ? at : undefined
  }

  /** `signedAt` as `newestOf` gives it. Throws LockError. */
  mustNotBeOlder(signedAt: number): void {
    const newest = this.signedAt
    if (newest === undefined || signedAt >= newest) return
    const said = Number.isFinite(signedAt) ? `it was signed at ${iso(signedAt)}` : 'nothing in it is signed'
    throw new LockError(
      `${said}, but one of ${iso(newest)} was believed here; sign it again (portcullis lock sign), or set definitions.rollback`,
    )
  }

  /** Never goes back, unless `mayGoBack`. Throws LockError, and what the file system throws. */
  remember(signedAt: number, mayGoBack = false): void {
    const newest = this.signedAt
    if (!Number.isFinite(signedAt) || newest === signedAt || (newest !== undefined && newest > signedAt && !mayGoBack))
      return
    writeWhole(this.#file, `${JSON.stringify({ ...this.#all(), [this.#lock]: signedAt })}\n`, 0o600)
  }

  #all(): Readonly<Record<string, unknown>> {
    try {
      const all: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      if (isRecord(all)) return all
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return {}
    }
    // Without it an older lock could pass for the newest.
    throw new LockError(`${this.#file} cannot be read; restore it, or remove it to believe the lock that is there`)
  }
}

/** Takes over into the memory `to` what that in `from` has seen of newer locks; one that cannot be read takes its place, so that it is told. */
export function keepNewest(from: string, to: string): void {
  const [there, kept] = [seenIn(from), seenIn(to)]
  if (there === undefined) return copyFileSync(from, to)
  const paths = Object.keys({ ...kept, ...there })
  const newest = paths.map((path) => [path, Math.max(there[path] ?? 0, kept?.[path] ?? 0)] as const)
  writeWhole(to, `${JSON.stringify(Object.fromEntries(newest))}\n`, 0o600)
}

function seenIn(file: string): Readonly<Record<string, number>> | undefined {
  try {
    const all: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const isOne = isRecord(all) && Object.values(all).every((at) => typeof at === 'number')
    return isOne ? (all as Readonly<Record<string, number>>) : undefined
  } catch {
    return undefined
  }
}

/** When the last of these signatures was made; `-Infinity` without any. They are verified already. */
export const newestOf = (signatures: Lock['signatures']): number =>
  Math.max(...signatures.map(({ at }) => Date.parse(at)).filter(Number.isFinite), Number.NEGATIVE_INFINITY)

const iso = (at: number): string => new Date(at).toISOString()
