import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { OpenAppendFile } from './append-file.ts'
import { Chain, type ChainRules, type Placed } from './chain.ts'
import type { CheckpointSigner, SignedStatement } from './checkpoint.ts'
import { chainsBelow, lastKeyOf } from './last-key.ts'
import type { Position, RecordBody } from './record.ts'

/** Where the stages write: one chain for each tenant, so that a tenant's evidence can be handed out by itself. */
export interface Ledger {
  /** False when a record of this tenant could not be written now. */
  intact(tenant: string): boolean
  /** Resolves when the record is durable. Rejects with the fault `audit.unavailable`. `placed` is called before it returns. */
  append(tenant: string, body: RecordBody, placed?: (place: Placed) => void): Promise<void>
}

export interface LedgerOptions {
  /** Folder that holds one folder for each chain. */
  readonly directory: string
  readonly signer: CheckpointSigner
  readonly clock: Clock
  readonly rules: ChainRules
  /** Name and version that the `start` record of each chain shows, such as `portcullis 0.1.0`. */
  readonly program: string
  /** Insecure settings that the configuration spells out; the `start` records repeat them. */
  readonly weaknesses: readonly string[]
  /** Chains to open at once, so that a damaged one is found at the start. Others are opened when they are needed. */
  readonly tenants: readonly string[]
  readonly openFile?: OpenAppendFile
  /** Hears that a tenant's chain broke, with the reason, or that it is whole again (`undefined`). */
  readonly onHealth?: (tenant: string, error: unknown) => void
  /** Hears how many records one commit of any chain has made durable. */
  readonly onCommit?: ((records: number) => void) | undefined
  /** Hears the number of the last durable record of a tenant, at the opening of its chain and after each commit. Must not throw. */
  readonly onDurable?: ((tenant: string, sequence: number) => void) | undefined
  /** Hears of each checkpoint of any chain that is durable. Must not throw. */
  readonly onCheckpoint?: ((statement: SignedStatement) => void) | undefined
}

/** What became of the chains when another key took over. */
export interface KeyTaken {
  readonly key: string
  /** Chains that say so now. */
  readonly chains: number
  /** Tenants whose chains cannot be written; they follow when they can. */
  readonly waiting: readonly string[]
}

/** Where a chain stands at a checkpoint. */
export interface SignedEnd extends Position {
  /** Below the folder of the chains. */
  readonly folder: string
  readonly tenant: string
}

export class ChainLedger implements Ledger {
  readonly #options: LedgerOptions
  readonly #chains = new Map<string, Chain>()
  #signer: CheckpointSigner
  #closed = false

  /** Throws `ChainInUse`, `ChainDamaged`, or what the file system throws. */
  static async open(options: LedgerOptions): Promise<ChainLedger> {
    const ledger = new ChainLedger(options)
    try {
      for (const tenant of ledger.#toOpen()) await ledger.#open(tenant).started
    } catch (error) {
      await ledger.close()
      throw error
    }
    return ledger
  }

  private constructor(options: LedgerOptions) {
    this.#options = options
    this.#signer = options.signer
  }

  intact(tenant: string): boolean {
    const chain = this.#find(tenant)
    return chain !== undefined && chain.intact
  }

  append(tenant: string, body: RecordBody, placed?: (place: Placed) => void): Promise<void> {
    const chain = this.#find(tenant)
    return chain ? chain.append(body, placed) : Promise.reject(new Fault('audit.unavailable', { tenant }))
  }

  /** The next record of a tenant begins another segment file. */
  endSegment(tenant: string): void {
    this.#find(tenant)?.endSegment()
  }

  /** What signs now. */
  get signer(): CheckpointSigner {
    return this.#signer
  }

  /** Last records of the open chains, as a witness would keep them. */
  get heads(): ReadonlyMap<string, Position> {
    return new Map([...this.#chains].map(([tenant, chain]) => [tenant, chain.head]))
  }

  /** Signs with another key from now on; every chain that is there says so, whether it is open or not. */
  async rotate(signer: CheckpointSigner): Promise<KeyTaken> {
    this.#signer = signer
    const tenants = new Set([
      ...this.#chains.keys(),
      ...chainsBelow(this.#options.directory).map(({ tenant }) => tenant),
    ])
    const waiting: string[] = []
    for (const tenant of tenants) {
      const chain = this.#find(tenant)
      await (chain?.rotate(signer) ?? Promise.reject(new Error('damaged'))).catch(() => waiting.push(tenant))
    }
    return { key: signer.keyId, chains: tenants.size - waiting.length, waiting }
  }

  /**
   * Signs every chain that is there, whether it is open or not, as it stands at one moment. Resolves with the places of the
   * checkpoints when all are durable; rejects with `audit.unavailable` when one chain cannot be written.
   */
  async checkpoints(): Promise<readonly SignedEnd[]> {
    const closed = chainsBelow(this.#options.directory).filter(({ tenant }) => !this.#chains.has(tenant))
    for (const { tenant } of closed) {
      if (this.#find(tenant) === undefined)
        throw new Fault('audit.unavailable', { tenant, reason: 'the chain is damaged' })
    }
    const ends = [...this.#chains].map(async ([tenant, chain]) => {
      const { sequence, hash } = await chain.checkpoint()
      return { folder: chainFolder(tenant), tenant, sequence, hash }
    })
    return Promise.all(ends)
  }

  /** Ends every chain with a `stop` record and a checkpoint. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#chains.values()].map((chain) => chain.close()))
  }

  /** Those that were asked for, and those that a rotation has not reached before the program ended. */
  #toOpen(): ReadonlySet<string> {
    const { directory, signer, tenants } = this.#options
    const behind =
      signer.successions.length === 0 ? [] : chainsBelow(directory).filter((chain) => isBehind(chain.directory, signer))
    return new Set([...tenants, ...behind.map(({ tenant }) => tenant)])
  }

  #find(tenant: string): Chain | undefined {
    const open = this.#chains.get(tenant)
    if (open || this.#closed) return open
    try {
      return this.#open(tenant).chain
    } catch (error) {
      this.#options.onHealth?.(tenant, error)
      return undefined
    }
  }

  #open(tenant: string): { readonly chain: Chain; readonly started: Promise<void> } {
    const { directory, clock, rules, openFile, onHealth, onCommit, onDurable, program, weaknesses } = this.#options
    const chain = Chain.open({
      directory: `${directory}/${chainFolder(tenant)}`,
      tenant,
      signer: this.#signer,
      clock,
      rules,
      ...(openFile && { openFile }),
      ...(onHealth && { onHealth: (error: unknown) => onHealth(tenant, error) }),
      onCommit,
      onDurable: onDurable && ((sequence: number) => onDurable(tenant, sequence)),
      onCheckpoint: this.#options.onCheckpoint,
    })
    this.#chains.set(tenant, chain)
    return { chain, started: chain.append({ kind: 'start', program, weaknesses }) }
  }
}

const isBehind = (directory: string, { keyId }: CheckpointSigner): boolean => {
  const key = lastKeyOf(directory)
  return key !== undefined && key !== keyId
}

/** A tenant's name may hold anything, a folder's may not: odd names are replaced by their digest. */
export function chainFolder(tenant: string): string {
  if (/^@?[a-z0-9][a-z0-9_-]{0,62}$/.test(tenant)) return tenant
  return `~${createHash('sha256').update(tenant).digest('hex').slice(0, 40)}`
}
