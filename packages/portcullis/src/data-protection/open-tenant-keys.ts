/** Decides how long an unwrapped tenant key serves from memory, and what follows when its keeper does not answer. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Secret } from '../core/secret.ts'
import { SealBroken } from './envelope.ts'
import { type KeyEncryption, KeyServiceError } from './key-encryption.ts'
import type { TenantKey } from './tenant-key-store.ts'

export interface KeyMemory {
  /** After so long the keeper is asked again, so that a key that was disabled there ends here. */
  readonly refreshMs: number
  /** For so long after the last answer a key serves on while the keeper does not answer. */
  readonly outageMs: number
}

/** An unwrapped tenant key, and what it has unwrapped. It leaves the memory as a whole. */
export interface OpenTenantKey {
  readonly key: Secret<Buffer>
  readonly dataKeys: Map<string, Secret<Buffer>>
}

interface Entry extends OpenTenantKey {
  readonly answeredAt: number
  /** Nobody is asked before. */
  readonly askAt: number
}

const MAX_REMEMBERED = 10_000
/** Between two questions to a keeper that does not answer. */
const PAUSE_MS = 2_000

export class OpenTenantKeys {
  readonly #encryption: Pick<KeyEncryption, 'unwrap'>
  readonly #memory: KeyMemory
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #asked = new Map<string, Promise<OpenTenantKey>>()
  readonly #silent = new Map<string, { readonly until: number; readonly error: KeyServiceError }>()

  constructor(encryption: Pick<KeyEncryption, 'unwrap'>, memory: KeyMemory, clock: Clock) {
    this.#encryption = encryption
    this.#memory = memory
    this.#clock = clock
  }

  /** Many that ask at once are one question. Rejects with SealBroken, or the fault `keys.unavailable`. */
  of(record: TenantKey): OpenTenantKey | Promise<OpenTenantKey> {
    const name = JSON.stringify([record.tenant, record.id, record.wrappedBy, record.wrapped])
    const entry = this.#entries.get(name)
    const now = this.#clock.now()
    // After a clock was set back nobody knows how old the last answer is, so the keeper is asked.
    if (entry !== undefined && entry.answeredAt <= now && now < entry.askAt) return entry
    const asked = this.#asked.get(name)
    if (asked !== undefined) return asked
    const asking = this.#ask(name, record).finally(() => this.#asked.delete(name))
    this.#asked.set(name, asking)
    return asking
  }

  /** Of a key that was just made. */
  remember(record: TenantKey, key: Secret<Buffer>): OpenTenantKey {
    return this.#keep(JSON.stringify([record.tenant, record.id, record.wrappedBy, record.wrapped]), key, new Map())
  }

  /** Everything is asked for again. */
  clear(): void {
    this.#entries.clear()
    this.#silent.clear()
  }

  async #ask(name: string, record: TenantKey): Promise<OpenTenantKey> {
    const silence = this.#silent.get(name)
    const leftMs = (silence?.until ?? 0) - this.#clock.now()
    if (silence !== undefined && leftMs > 0 && leftMs <= PAUSE_MS) throw unavailable(silence.error)
    try {
      const key = await this.#encryption.unwrap(record, record)
      this.#silent.delete(name)
      return this.#keep(name, key, this.#entries.get(name)?.dataKeys ?? new Map())
    } catch (thrown) {
      return this.#withoutAnswer(name, thrown)
    }
  }

  /** What the keeper refuses is over at once; only silence is bridged. */
  #withoutAnswer(name: string, thrown: unknown): OpenTenantKey {
    const entry = this.#entries.get(name)
    const now = this.#clock.now()
    const isSilence = thrown instanceof KeyServiceError && thrown.kind === 'unavailable'
    const isFresh = entry !== undefined && entry.answeredAt <= now && now < entry.answeredAt + this.#memory.outageMs
    if (isSilence && isFresh) {
      const bridged = { ...entry, askAt: Math.min(now + PAUSE_MS, entry.answeredAt + this.#memory.outageMs) }
      this.#entries.set(name, bridged)
      return bridged
    }
    this.#entries.delete(name)
    if (isSilence) this.#silent.set(name, { until: now + PAUSE_MS, error: thrown })
    if (thrown instanceof KeyServiceError) throw unavailable(thrown)
    throw thrown instanceof SealBroken ? thrown : new SealBroken(thrown)
  }

  #keep(name: string, key: Secret<Buffer>, dataKeys: Map<string, Secret<Buffer>>): OpenTenantKey {
    const now = this.#clock.now()
    if (this.#entries.size >= MAX_REMEMBERED) this.clear()
    const entry = { key, dataKeys, answeredAt: now, askAt: now + this.#memory.refreshMs }
    this.#entries.set(name, entry)
    return entry
  }
}

/** The caller learns that it may try again, the record why. */
export const unavailable = (error: KeyServiceError): Fault =>
  new Fault('keys.unavailable', { reason: error.message, kind: error.kind }, { cause: error })
