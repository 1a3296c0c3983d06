/** Seals anew, beside everything else, what older data keys have sealed, and tells how far it is. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault } from '../core/fault.ts'
import { KeyServiceError } from './key-encryption.ts'
import type { Keyring, TenantSeal } from './keyring.ts'

/** One kind of sealed rows. */
export interface SealedRows {
  /** Ids of those that an older key has sealed. */
  stale(tenant: string, seal: TenantSeal): Promise<readonly string[]>
  /** Seals one anew; false when it was changed meanwhile, which makes it new anyway. Rejects when it does not open. */
  reseal(tenant: string, id: string, seal: TenantSeal): Promise<boolean>
}

/** What is no sealed value at all counts as well: it is told as broken when it is opened. */
export function mayBeStale(seal: TenantSeal, sealed: string): boolean {
  try {
    return seal.isStale(sealed)
  } catch {
    return true
  }
}

export interface Progress {
  readonly state: 'running' | 'done' | 'failed'
  readonly done: number
  readonly total: number
  readonly changed: number
  /** What did not open, and was left as it is. */
  readonly broken: number
  /** Why it failed; safe to print. */
  readonly problem?: string
}

export interface WorkParts {
  readonly keyring: Keyring
  readonly rows: readonly SealedRows[]
}

/** One work at a time for each name: a second one is told of the first. */
export class KeyWork {
  readonly #parts: WorkParts
  readonly #progress = new Map<string, Progress>()
  readonly #running = new Map<string, Promise<void>>()
  #isClosed = false

  constructor(parts: WorkParts) {
    this.#parts = parts
  }

  /** Of a tenant, or of the wrapping of all tenant keys when none is named. */
  progress(tenant?: string): Progress | undefined {
    return this.#progress.get(nameOf(tenant))
  }

  /** Begins to seal a tenant's rows anew. `onEnd` is told of the end, failed ones too. */
  reseal(tenant: string, onEnd: (end: Progress) => Promise<void>): Promise<void> {
    return this.#begin(nameOf(tenant), onEnd, () => this.#reseal(tenant))
  }

  /** Begins to wrap all tenant keys by the current key-encryption key. */
  rewrap(onEnd: (end: Progress) => Promise<void>): Promise<void> {
    const name = nameOf()
    return this.#begin(name, onEnd, async () => {
      const end = await this.#parts.keyring.rewrapAll((done, total) => {
        this.#tell(name, { done, total })
        this.#requireOpen()
      })
      this.#tell(name, end)
    })
  }

  /** What runs ends after its row. What is left undone is as readable as it was. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running.values())
  }

  #begin(name: string, onEnd: (end: Progress) => Promise<void>, work: () => Promise<void>): Promise<void> {
    const running = this.#running.get(name)
    if (running !== undefined) return running
    this.#progress.set(name, { state: 'running', done: 0, total: 0, changed: 0, broken: 0 })
    const begun = this.#run(name, work)
      .then(() => onEnd(this.#progress.get(name) as Progress))
      .finally(() => this.#running.delete(name))
    this.#running.set(name, begun)
    return begun
  }

  async #run(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#tell(name, { state: 'done' })
    } catch (thrown) {
      this.#tell(name, { state: 'failed', problem: problemOf(thrown) })
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new Closed('the gateway ends')
  }

  async #reseal(tenant: string): Promise<void> {
    const { keyring, rows } = this.#parts
    const seal = await keyring.existing(tenant)
    if (seal === undefined) return
    const all: (readonly [SealedRows, string])[] = []
    for (const kind of rows) for (const id of await kind.stale(tenant, seal)) all.push([kind, id])
    let [changed, broken] = [0, 0]
    for (const [index, [kind, id]] of all.entries()) {
      this.#requireOpen()
      this.#tell(nameOf(tenant), { done: index, total: all.length, changed, broken })
      try {
        if (await kind.reseal(tenant, id, seal)) changed++
      } catch {
        broken++
      }
      // Each row is a write to the disk; callers come in between.
      await nextTurn()
    }
    this.#tell(nameOf(tenant), { done: all.length, total: all.length, changed, broken })
  }

  #tell(name: string, news: Partial<Progress>): void {
    this.#progress.set(name, { ...(this.#progress.get(name) as Progress), ...news })
  }
}

class Closed extends Error {}

/** Errors of a keeper and our own say nothing secret; of others only the kind is told. */
function problemOf(thrown: unknown): string {
  const cause = thrown instanceof Fault ? thrown.cause : thrown
  if (cause instanceof KeyServiceError || cause instanceof Closed) return cause.message
  return cause instanceof Error ? cause.name : 'unknown'
}

const nameOf = (tenant?: string): string => (tenant === undefined ? 'all' : `tenant ${tenant}`)
