/** The lock as a file: read whole or not at all, believed only with the signature of somebody who is trusted. */
import { createPublicKey } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { EMPTY_LOCK, type Lock, LockError, type LockSignature } from '../inspection/definitions/lock.ts'
import { MAX_LOCK_BYTES, parseLock } from '../inspection/definitions/lock-parse.ts'
import { lockKeyText, signedLock, verifyLock } from '../inspection/definitions/lock-signature.ts'
import { lockText } from '../inspection/definitions/lock-text.ts'
import { loadLockKey, readLockKey } from '../pki/lock-key.ts'
import { writeWhole } from '../pki/private-file.ts'
import { fingerprintAt, watchFile } from './file-watch.ts'
import { NewestLock, newestOf } from './newest-lock.ts'

export class LockFile {
  readonly path: string
  readonly #keyFile: string
  readonly #signers: ReadonlyMap<string, string>
  readonly #newest: NewestLock
  readonly #mayGoBack: boolean
  /** Of the file that was read last. */
  #fingerprint = ''

  constructor(config: Pick<Config, 'definitions' | 'state' | 'audit'>) {
    const { lock, trustedSigners, rollback } = config.definitions
    const layout = stateLayout(config)
    this.path = lock
    this.#keyFile = layout.lockKey
    this.#signers = new Map(Object.entries(trustedSigners).map(([name, key]) => [key, name]))
    this.#newest = new NewestLock(layout.newestLock, lock)
    this.#mayGoBack = rollback === 'accepted'
  }

  /** What the file says, whoever signed it; an empty lock without a file. Throws LockError, told with the path. */
  read(): Lock {
    try {
      return parseLock(this.#readText())
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_LOCK
      throw this.#told(thrown)
    }
  }

  /**
   * As `read`, but only what a trusted signature covers, and nothing older than what was believed. An unsigned lock that
   * approves nothing is as good as none.
   */
  readTrusted(): Lock {
    const lock = this.read()
    const isEmpty = [...lock.upstreams.values()].every(({ approved }) => approved.size === 0)
    const signatures = lock.signatures.length === 0 && isEmpty ? [] : this.#verified(lock)
    if (this.#mayGoBack) return lock
    try {
      this.#newest.mustNotBeOlder(newestOf(signatures))
      return lock
    } catch (thrown) {
      throw this.#told(thrown)
    }
  }

  /** From now on an older lock than this one, which is in force, is refused. Throws LockError, and what writing throws. */
  remember(lock: Lock): void {
    if (lock.signatures.length > 0) this.#newest.remember(newestOf(this.#verified(lock)), this.#mayGoBack)
  }

  /** Names of the trusted who signed. Throws LockError. */
  verify(lock: Lock): readonly string[] {
    return this.#verified(lock).map(({ key, by }) => this.#signers.get(key) ?? by)
  }

  /** Signs with the key of this installation and writes. `at` is milliseconds since the epoch. Throws LockError when nobody trusts it. */
  sign(lock: Lock, by: string, at: number): Lock {
    const own = this.ownKey
    if (!this.#trusted().has(own))
      throw new LockError(`the key of this installation, ${own}, is none of definitions.trustedSigners`)
    // Who signs has read it: by a clock that was put back it must not look older than what it follows.
    const signedAt = new Date(Math.max(at, this.#newest.signedAt ?? at)).toISOString()
    const signed = signedLock(lock, loadLockKey(this.#keyFile), by, signedAt)
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

  /** Calls `changed` some time after the file is no longer the one that was read last. Returns a function that ends that. */
  watch(changed: () => void): () => void {
    return watchFile(this.path, () => this.#fingerprint, changed)
  }

  #readText(): string {
    // Before it is opened: what is put there meanwhile is another one, and looked at again.
    this.#fingerprint = fingerprintAt(this.path)
    // A pipe would hold up the whole gateway.
    const descriptor = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const facts = fstatSync(descriptor)
      if (!facts.isFile()) throw new LockError('it is not a file')
      if (facts.size > MAX_LOCK_BYTES) throw new LockError('it is too large')
      return readFileSync(descriptor, 'utf8')
    } finally {
      closeSync(descriptor)
    }
  }

  #verified(lock: Lock): readonly LockSignature[] {
    try {
      return verifyLock(lock, this.#trusted())
    } catch (thrown) {
      throw this.#told(thrown)
    }
  }

  /** Makes no key: one that has just been made has signed nothing. */
  #trusted(): ReadonlySet<string> {
    if (this.#signers.size > 0) return new Set(this.#signers.keys())
    const own = readLockKey(this.#keyFile)
    return new Set(own === undefined ? [] : [lockKeyText(createPublicKey(own))])
  }

  #told(thrown: unknown): unknown {
    return thrown instanceof LockError ? new LockError(`${this.path}: ${thrown.message}`, { cause: thrown }) : thrown
  }
}
