/**
 * Decides whose signatures in a chain count: one key at a time, from a key that is known to those that it has signed for.
 *
 * What is signed by a key that nobody knows proves nothing by itself; a later signature of a known key covers it, because it
 * covers all records before it. A key that was retired signs no more.
 */
import type { KeyObject } from 'node:crypto'
import { type CheckpointStatement, type SignedStatement, verifyCheckpoint } from './checkpoint.ts'
import type { AuditRecord, Position } from './record.ts'
import { openSuccession } from './succession.ts'

type CheckpointRecord = Extract<AuditRecord, { kind: 'checkpoint' }>
type KeyRecord = Extract<AuditRecord, { kind: 'key' }>

export class SigningKeys {
  /** Known from outside, and those that known ones have signed for. */
  readonly #trusted: Map<string, KeyObject>
  /** Records at which keys were retired. */
  readonly #retired = new Map<string, number>()
  /** Keys in the order in which they were in force. */
  readonly #line: string[] = []
  readonly #signedBy = new Set<string>()
  #unknown: string | undefined
  /** The last record that a signature that counts covers; 0 when there is none. */
  signed = 0
  checkpoints = 0

  constructor(known: ReadonlyMap<string, KeyObject>) {
    this.#trusted = new Map(known)
  }

  /** A checkpoint that follows `position`. Returns what is wrong with it. */
  checkpoint({ tenant, at, key, signature }: CheckpointRecord, position: Position): string | undefined {
    const wrong = this.#enter(key)
    if (wrong !== undefined) return `the checkpoint is signed with the key ${key}, ${wrong}`
    this.checkpoints++
    const publicKey = this.#trusted.get(key)
    if (publicKey === undefined) this.#unknown = key
    if (publicKey === undefined) return undefined
    const statement: CheckpointStatement = { tenant, ...position, at, key }
    if (typeof signature !== 'string' || !verifyCheckpoint(statement, signature, publicKey))
      return 'the signature of the checkpoint is not valid'
    this.#unknown = undefined
    this.#signedBy.add(key)
    this.signed = position.sequence
    return undefined
  }

  /** A record by which another key takes over. Returns what is wrong with it. */
  succession(record: KeyRecord): string | undefined {
    const wrong = this.#enter(record.old)
    if (wrong !== undefined) return `a new key follows the key ${record.old}, ${wrong}`
    if (this.#retired.has(record.key) || record.key === record.old) return `the key ${record.key} was in force before`
    const opened = openSuccession(record, this.#trusted.get(record.old))
    if (typeof opened === 'string') return opened
    if (opened.follows) this.#trusted.set(record.key, opened.next)
    this.#retired.set(record.old, record.seq)
    this.#line.push(record.key)
    return undefined
  }

  /** Returns what is wrong with the chain as a whole. `current`: the key under which it has to end, or one that follows it. */
  end(current: string | undefined): string | undefined {
    if (this.#unknown !== undefined) return `the last checkpoint is signed with the unknown key ${this.#unknown}`
    if (current === undefined || this.#line.length === 0) return undefined
    const place = this.#line.indexOf(current)
    if (place >= 0 && this.#line.slice(place).some((key) => this.#signedBy.has(key))) return undefined
    return `the chain is not signed with the key ${current}, which is in force`
  }

  /** Whether a witness was told this by a key that counts in this chain. */
  isGenuine({ tenant, sequence, hash, at, key, signature }: SignedStatement): boolean {
    const publicKey = this.#trusted.get(key)
    return publicKey !== undefined && verifyCheckpoint({ tenant, sequence, hash, at, key }, signature, publicKey)
  }

  #enter(key: string): string | undefined {
    const retired = this.#retired.get(key)
    if (retired !== undefined) return `which was retired by record ${retired}`
    const inForce = this.#line.at(-1)
    if (inForce === undefined) this.#line.push(key)
    return inForce === undefined || inForce === key ? undefined : `but the key ${inForce} is in force`
  }
}
