import { mkdirSync, truncateSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { openAppendFile, type OpenAppendFile } from './append-file.ts'
import type { CheckpointSigner, SignedStatement } from './checkpoint.ts'
import type { Succession } from './key-body.ts'
import { lastKeyOf } from './last-key.ts'
import { sealLine } from './line.ts'
import { takeLock, type Lock } from './lock.ts'
import { ChainDamaged, readChainEnd } from './recover.ts'
import type { Position, RecordBody } from './record.ts'
import { Segments } from './segment.ts'

/**
 * One tenant's chain: gives each record its place, keeps it durable, signs where it stands.
 *
 * When the disk fails the chain is broken: nothing is accepted, and so nothing is served, until a record could be
 * written again. What had not been acknowledged by then is cut off, so what is on disk always verifies.
 */
export interface ChainOptions {
  /** Folder of this chain alone. */
  readonly directory: string
  readonly tenant: string
  readonly signer: CheckpointSigner
  readonly clock: Clock
  readonly rules: ChainRules
  readonly openFile?: OpenAppendFile
  /** Hears why the chain broke, and that it is whole again (`undefined`). */
  readonly onHealth?: (error: unknown) => void
  /** Hears how many records one commit has made durable. */
  readonly onCommit?: ((records: number) => void) | undefined
  /** Hears the number of the last durable record, at the opening and after each commit. Must not throw. */
  readonly onDurable?: ((sequence: number) => void) | undefined
  /** Hears of each checkpoint that is durable. Must not throw. */
  readonly onCheckpoint?: ((statement: SignedStatement) => void) | undefined
}

/** Where a record stands, told as soon as it has its place; it may still be lost until it is durable. */
export interface Placed extends Position {
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface ChainRules {
  readonly maxSegmentBytes: number
  /** Characters that may wait for the disk. */
  readonly maxPendingLength: number
  /** How long a record waits at most for those of the calls under way, in milliseconds. */
  readonly lingerMs: number
  /** A checkpoint follows at the latest after this many records, and this long after the first unsigned one. */
  readonly checkpointRecords: number
  readonly checkpointMs: number
  /** How often a broken chain is tried again. */
  readonly probeMs: number
}

export const CHAIN_RULES: ChainRules = {
  maxSegmentBytes: 64 * 1024 * 1024,
  maxPendingLength: 16 * 1024 * 1024,
  lingerMs: 5,
  checkpointRecords: 1000,
  checkpointMs: 60_000,
  probeMs: 1000,
}

export class Chain {
  readonly #options: ChainOptions
  readonly #tenantJson: string
  readonly #lock: Lock
  readonly #segments: Segments
  /** Last record given out, and last record known to be on disk. */
  #head: Position
  #durable: Position
  #unsigned = 0
  #signer: CheckpointSigner
  /** Id of the key under which the chain stands; undefined until it is signed. */
  #key: string | undefined
  /** Calls on record whose outcome is not: while there are some, another record is about to come. */
  #underWay = 0
  /** Outcomes since the last commit began, in the one under way, and in the last that succeeded: whom it let go. */
  #ended = 0
  #committing = 0
  #released = 0
  #checkpointTimer: NodeJS.Timeout | undefined
  #probeTimer: NodeJS.Timeout | undefined
  #whole = true
  #closed = false

  /** Throws `ChainInUse`, `ChainDamaged`, or what the file system throws. */
  static open(options: ChainOptions): Chain {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    const lock = takeLock(options.directory, options.clock.now())
    try {
      return new Chain(options, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  private constructor(options: ChainOptions, lock: Lock) {
    const { position, current, tornBytes } = readChainEnd(options.directory, options.tenant)
    this.#options = options
    this.#tenantJson = JSON.stringify(options.tenant)
    this.#lock = lock
    this.#head = position
    this.#durable = position
    this.#signer = options.signer
    this.#key = lastKeyOf(options.directory)
    mustContinue(options, this.#key)
    options.onDurable?.(position.sequence)
    this.#segments = new Segments({
      directory: options.directory,
      ...options.rules,
      ...(current && { current }),
      openFile: options.openFile ?? openAppendFile,
      onTake: () => {
        this.#committing = this.#ended
        this.#ended = 0
        return this.#head
      },
      onDurable: (durable) => {
        this.#released = this.#committing
        options.onCommit?.(durable.sequence - this.#durable.sequence)
        this.#durable = durable
        options.onDurable?.(durable.sequence)
      },
      onFailure: (error) => this.#break(error),
    })
    if (current && tornBytes > 0) {
      truncateSync(`${options.directory}/${current.name}`, current.bytes)
      void this.#place({ kind: 'recovered', cause: 'torn-line', bytes: tornBytes })
    }
    if (this.#key !== undefined && this.#key !== this.#signer.keyId) void this.#sign()
  }

  /** True while records are accepted. */
  get intact(): boolean {
    return this.#whole && !this.#closed && !this.#lock.isLost && this.#segments.accepting
  }

  get head(): Position {
    return this.#head
  }

  /** Resolves when the record is durable. Rejects with the fault `audit.unavailable`. `placed` is called before it returns. */
  append(body: RecordBody, placed?: (place: Placed) => void): Promise<void> {
    if (!this.intact) return Promise.reject(new Fault('audit.unavailable', { tenant: this.#options.tenant }))
    const at = this.#options.clock.now()
    const durable = this.#place(body, at)
    placed?.({ ...this.#head, at })
    if (++this.#unsigned >= this.#options.rules.checkpointRecords) void this.#sign()
    else this.#checkpointTimer ??= setTimeout(() => void this.#sign(), this.#options.rules.checkpointMs).unref()
    return durable
  }

  /** The next record begins another segment file, so that the one before can be removed some day. */
  endSegment(): void {
    this.#segments.endSegment()
  }

  /** Signs where the chain stands now. Resolves with the checkpoint's own place when it is durable; rejects with `audit.unavailable`. */
  async checkpoint(): Promise<Position> {
    const durable = this.#sign()
    if (durable === undefined) throw new Fault('audit.unavailable', { tenant: this.#options.tenant })
    const place = this.#head
    await durable
    return place
  }

  /** Signs with this key from now on, and says so in the chain. Resolves when that is durable, at the latest with a chain that is whole again. */
  rotate(signer: CheckpointSigner): Promise<void> {
    this.#signer = signer
    return this.#sign() ?? Promise.reject(new Fault('audit.unavailable', { tenant: this.#options.tenant }))
  }

  /** Writes what waits, signs the end of the chain and lets go of it. */
  async close(): Promise<void> {
    if (this.#closed) return
    if (this.intact) void this.#place({ kind: 'stop' })
    void this.#sign()
    this.#closed = true
    clearTimeout(this.#probeTimer)
    try {
      await this.#segments.close()
    } finally {
      this.#lock.release()
    }
  }

  #place(body: RecordBody, at = this.#options.clock.now()): Promise<void> {
    const { text, hash } = sealLine(this.#head, at, this.#tenantJson, body)
    this.#head = { sequence: this.#head.sequence + 1, hash }
    return this.#segments.append(text, this.#head.sequence, this.#urgency(body))
  }

  /**
   * One commit costs as much as the rest of a call, so it waits for the calls under way, and for as many as the last one
   * has let go: whoever was answered mostly calls again. The last of them writes for all. With one call at a time nothing
   * waits; whoever takes long or does not come holds the others up for `lingerMs` and no longer.
   */
  #urgency({ kind }: RecordBody): 'now' | 'soon' {
    if (kind === 'call') this.#underWay++
    if (kind === 'outcome') {
      this.#underWay = Math.max(0, this.#underWay - 1)
      this.#ended++
    }
    return this.#underWay > 0 || this.#ended < this.#released ? 'soon' : 'now'
  }

  /** Undefined while nothing can be written. */
  #sign(): Promise<void> | undefined {
    clearTimeout(this.#checkpointTimer)
    this.#checkpointTimer = undefined
    this.#unsigned = 0
    if (!this.intact) return undefined
    const { tenant, clock, onCheckpoint } = this.#options
    const at = clock.now()
    for (const succession of missing(this.#key, this.#signer)) void this.#place({ kind: 'key', ...succession }, at)
    this.#key = this.#signer.keyId
    const position = this.#head
    const checkpoint = this.#signer.checkpoint(tenant, position, at)
    const durable = this.#place(checkpoint, at)
    if (onCheckpoint) {
      const { key, signature } = checkpoint
      const tell = () => onCheckpoint({ tenant, sequence: position.sequence, hash: position.hash, at, key, signature })
      durable.then(tell, () => undefined)
    }
    return durable
  }

  #break(error: unknown): void {
    this.#whole = false
    this.#options.onHealth?.(error)
    this.#probeLater()
  }

  #probeLater(): void {
    clearTimeout(this.#probeTimer)
    if (this.#closed) return
    this.#probeTimer = setTimeout(() => void this.#probe(), this.#options.rules.probeMs).unref()
  }

  /** Goes back to the last durable record and tries to write. A commit that fails comes back through `#break`. */
  async #probe(): Promise<void> {
    try {
      await this.#segments.repair()
    } catch {
      this.#probeLater()
      return
    }
    if (this.#closed || this.#lock.isLost) return this.#segments.close()
    this.#head = this.#durable
    this.#key = lastKeyOf(this.#options.directory)
    const written = await this.#place({ kind: 'recovered', cause: 'write-failed' }).then(
      () => true,
      () => false,
    )
    if (!written) return
    this.#whole = true
    this.#options.onHealth?.(undefined)
  }
}

/** What the chain has to say before the key may sign in it. */
function missing(from: string | undefined, { keyId, successions }: CheckpointSigner): readonly Succession[] {
  if (from === undefined || from === keyId) return []
  return successions.slice(successions.findIndex(({ old }) => old === from))
}

/** A key that nothing leads to would make a chain that nobody believes. */
function mustContinue({ directory, signer }: ChainOptions, from: string | undefined): void {
  if (from === undefined || from === signer.keyId || signer.successions.some(({ old }) => old === from)) return
  const mend =
    'put that key back; if it is lost, move the present one away and run "portcullis audit rotate-key --lost"'
  throw new ChainDamaged(directory, `it is signed with the key ${from}, and ours is ${signer.keyId}; ${mend}`)
}
