import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { OpenAppendFile } from './append-file.ts'
import { Chain, type ChainRules } from './chain.ts'
import type { CheckpointSigner } from './checkpoint.ts'
import type { Position, RecordBody } from './record.ts'

/** Where the stages write: one chain for each tenant, so that a tenant's evidence can be handed out by itself. */
export interface Ledger {
  /** False when a record of this tenant could not be written now. */
  intact(tenant: string): boolean
  /** Resolves when the record is durable. Rejects with the fault `audit.unavailable`. */
  append(tenant: string, body: RecordBody): Promise<void>
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
}

export class ChainLedger implements Ledger {
  readonly #options: LedgerOptions
  readonly #chains = new Map<string, Chain>()
  #closed = false

  /** Throws `ChainInUse`, `ChainDamaged`, or what the file system throws. */
  static async open(options: LedgerOptions): Promise<ChainLedger> {
    const ledger = new ChainLedger(options)
    try {
      for (const tenant of options.tenants) await ledger.#open(tenant).started
    } catch (error) {
      await ledger.close()
      throw error
    }
    return ledger
  }

  private constructor(options: LedgerOptions) {
    this.#options = options
  }

  intact(tenant: string): boolean {
    const chain = this.#find(tenant)
    return chain !== undefined && chain.intact
  }

  append(tenant: string, body: RecordBody): Promise<void> {
    const chain = this.#find(tenant)
    return chain ? chain.append(body) : Promise.reject(new Fault('audit.unavailable', { tenant }))
  }

  /** Last records of the open chains, as a witness would keep them. */
  get heads(): ReadonlyMap<string, Position> {
    return new Map([...this.#chains].map(([tenant, chain]) => [tenant, chain.head]))
  }

  /** Ends every chain with a `stop` record and a checkpoint. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#chains.values()].map((chain) => chain.close()))
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
    const { directory, signer, clock, rules, openFile, onHealth, onCommit, program, weaknesses } = this.#options
    const chain = Chain.open({
      directory: `${directory}/${chainFolder(tenant)}`,
      tenant,
      signer,
      clock,
      rules,
      ...(openFile && { openFile }),
      ...(onHealth && { onHealth: (error: unknown) => onHealth(tenant, error) }),
      onCommit,
    })
    this.#chains.set(tenant, chain)
    return { chain, started: chain.append({ kind: 'start', program, weaknesses }) }
  }
}

/** A tenant's name may hold anything, a folder's may not: odd names are replaced by their digest. */
export function chainFolder(tenant: string): string {
  if (/^@?[a-z0-9][a-z0-9_-]{0,62}$/.test(tenant)) return tenant
  return `~${createHash('sha256').update(tenant).digest('hex').slice(0, 40)}`
}
