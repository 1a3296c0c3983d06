/** The lock as a file: read whole or not at all, believed only with the signature of somebody who is trusted, watched. */
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { EMPTY_LOCK, type Lock, LockError } from '../inspection/definitions/lock.ts'
import { parseLock } from '../inspection/definitions/lock-parse.ts'
import { lockKeyText, signedLock, verifyLock } from '../inspection/definitions/lock-signature.ts'
import { lockText } from '../inspection/definitions/lock-text.ts'
import { loadLockKey } from '../pki/lock-key.ts'
import { createPublicKey } from 'node:crypto'
import { writeWhole } from '../pki/private-file.ts'

/** An editor writes a file in steps, and a program that replaces it is heard twice. */
const SETTLE_MS = 100

export class LockFile {
  readonly path: string
  readonly #keyFile: string
  readonly #signers: ReadonlyMap<string, string>

  constructor(config: Pick<Config, 'definitions' | 'state' | 'audit'>) {
    this.path = config.definitions.lock
    this.#keyFile = stateLayout(config).lockKey
    this.#signers = new Map(Object.entries(config.definitions.trustedSigners).map(([name, key]) => [key, name]))
  }

  /** What the file says, whoever signed it; an empty lock without a file. Throws LockError, told with the path. */
  read(): Lock {
    try {
      return parseLock(readFileSync(this.path, 'utf8'))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_LOCK
      throw thrown instanceof LockError ? this.#told(thrown) : thrown
    }
  }

  /** As `read`, but only what a trusted signature covers. An unsigned lock that approves nothing is as good as none. */
  readTrusted(): Lock {
    const lock = this.read()
    if (lock.signatures.length === 0 && [...lock.upstreams.values()].every(({ approved }) => approved.size === 0))
      return lock
    this.verify(lock)
    return lock
  }

  /** Names of the trusted who signed. Throws LockError. */
  verify(lock: Lock): readonly string[] {
    try {
      return verifyLock(lock, this.#trusted()).map(({ key, by }) => this.#signers.get(key) ?? by)
    } catch (thrown) {
      throw thrown instanceof LockError ? this.#told(thrown) : thrown
    }
  }

  /** Signs with the key of this installation and writes. `at` is milliseconds since the epoch. Throws LockError when nobody trusts it. */
  sign(lock: Lock, by: string, at: number): Lock {
    if (!this.#trusted().has(this.ownKey))
      throw new LockError(`the key of this installation, ${this.ownKey}, is none of definitions.trustedSigners`)
    const signed = signedLock(lock, loadLockKey(this.#keyFile), by, new Date(at).toISOString())
    this.write(signed)
    return signed
  }

  write(lock: Lock): void {
    writeWhole(this.path, lockText(lock), 0o644)
  }

  /** Public half of the key of this installation; made when there is none. */
  get ownKey(): string {
    return lockKeyText(createPublicKey(loadLockKey(this.#keyFile)))
  }

  /** Calls `changed` some time after the file has changed. Returns a function that ends that. */
  watch(changed: () => void): () => void {
    let timer: NodeJS.Timeout | undefined
    let watcher: FSWatcher | undefined
    try {
      // The folder, because a file that is replaced is another file.
      watcher = watch(dirname(this.path), { persistent: false }, (_event, name) => {
        if (name !== null && name !== basename(this.path)) return
        clearTimeout(timer)
        timer = setTimeout(changed, SETTLE_MS).unref()
      })
      watcher.on('error', () => {})
    } catch {
      // Without a watch an approval counts from the next start on.
    }
    return () => {
      clearTimeout(timer)
      watcher?.close()
    }
  }

  #trusted(): ReadonlySet<string> {
    return this.#signers.size === 0 ? new Set([this.ownKey]) : new Set(this.#signers.keys())
  }

  readonly #told = (error: LockError): LockError => new LockError(`${this.path}: ${error.message}`, { cause: error })
}
