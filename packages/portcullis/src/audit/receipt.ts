/**
 * What a caller can show later: that its call is in the chain, at which place, with which arguments and which result.
 *
 * All receipts of a turn of the event loop, which are those of one commit, share one signature over the root of their tree.
 */
import type { KeyObject } from 'node:crypto'
import { canonicalJson } from '../mcp/canonical.ts'
import { isRecord } from '../mcp/message.ts'
import { leafHash, merkleTree, rootOf, type Step } from './merkle.ts'
import { isSigned } from './succession.ts'

/** Name in `_meta` of a result. */
export const RECEIPT = 'dev.portcullis/receipt'

export interface ReceiptStatement {
  readonly tenant: string
  readonly incident: string
  /** The `outcome` record of the call, which is durable before the receipt leaves. */
  readonly sequence: number
  readonly hash: string
  readonly at: number
  /** As in the `call` record. */
  readonly arguments: string
  /** SHA-256, hex, over the canonical form of the result without its receipt. */
  readonly result: string
}

export interface Receipt {
  readonly statement: ReceiptStatement
  /** From the statement to the root that is signed. */
  readonly path: readonly Step[]
  readonly key: string
  /** Ed25519, base64url without padding. */
  readonly signature: string
}

/** What signs now; it changes when a key takes the place of another. */
export interface ReceiptSigner {
  readonly keyId: string
  sign(bytes: Buffer): string
}

const STATEMENT_CONTEXT = 'portcullis-audit-receipt-v1\n'
const ROOT_CONTEXT = 'portcullis-audit-receipts-v1\n'

export class Receipts {
  readonly #signerOf: () => ReceiptSigner
  #waiting: {
    readonly statement: ReceiptStatement
    readonly give: (receipt: Receipt) => void
    readonly fail: (error: unknown) => void
  }[] = []

  constructor(signerOf: () => ReceiptSigner) {
    this.#signerOf = signerOf
  }

  /** Call it when the record is durable. */
  issue(statement: ReceiptStatement): Promise<Receipt> {
    return new Promise((give, fail) => {
      if (this.#waiting.push({ statement, give, fail }) === 1) setImmediate(() => this.#sign())
    })
  }

  #sign(): void {
    const waiting = this.#waiting
    this.#waiting = []
    try {
      const { root, paths } = merkleTree(waiting.map(({ statement }) => leafOf(statement)))
      const signer = this.#signerOf()
      const key = signer.keyId
      const signature = signer.sign(rootBytes(key, root))
      for (const [at, { statement, give }] of waiting.entries())
        give({ statement, path: paths[at] as readonly Step[], key, signature })
    } catch (error) {
      for (const { fail } of waiting) fail(error)
    }
  }
}

/** Whether the key has signed the tree that the statement is a leaf of. Never throws for what a receipt contains. */
export function isReceiptSigned({ statement, path, key, signature }: Receipt, publicKey: KeyObject): boolean {
  return isSigned(rootBytes(key, rootOf(leafOf(statement), path)), signature, publicKey)
}

/** The result as it was before the receipt was put in. */
export function withoutReceipt(result: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { _meta: meta } = result
  if (meta === undefined) return result
  const { _meta, ...rest } = result
  if (!isRecord(meta)) return result
  const { [RECEIPT]: _receipt, ...others } = meta
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others }
}

const leafOf = (statement: ReceiptStatement): string =>
  leafHash(Buffer.from(STATEMENT_CONTEXT + canonicalJson(statement)))

const rootBytes = (key: string, root: string): Buffer => Buffer.from(ROOT_CONTEXT + canonicalJson({ key, root }))
