import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Principal } from '../../core/principal.ts'
import type { Secret } from '../../core/secret.ts'
import { canonicalJson, digestOf } from '../../mcp/canonical.ts'
import type { Forms } from '../../mcp/forms.ts'
import { isRecord, type Params } from '../../mcp/message.ts'

/** What travels inside a sealed `requestState`: the upstream's own state, or the place where a call waits for its answers. */
export interface InnerState {
  readonly upstream: string
  readonly state?: string
  readonly parked?: string
  /** What the upstream asked for with it, where answers are masked: the masked ones have to be answers still. */
  readonly forms?: Forms
  /** The caller was asked to connect the upstream; inside is what it had sent when it was. */
  readonly connect?: { readonly requestState?: string; readonly inputResponses?: Params }
  /** A person was asked about the request: the question, a ticket for its one answer, and what had been sent then. */
  readonly approval?: {
    readonly id: string
    readonly ticket: string
    readonly requestState?: string
    readonly inputResponses?: Params
  }
  /** A person has approved the request of which this is a later round: the question and a ticket for that round. */
  readonly approved?: string
}

/**
 * Seals the `requestState` of multi-round-trip requests. A client sees only ciphertext that is worth something for the
 * same principal, the same request and a short time (MCP 2026-07-28 MRTR, "Server Requirements").
 */
export class StateSeal {
  readonly #key: Secret<Buffer>
  readonly #ttlMs: number
  readonly #clock: Clock

  /** @param key 32 bytes for AES-256-GCM */
  constructor(key: Secret<Buffer>, ttlMs: number, clock: Clock) {
    this.#key = key
    this.#ttlMs = ttlMs
    this.#clock = clock
  }

  seal(inner: InnerState, principal: Principal, method: string, params: Params): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key.reveal(), nonce)
    cipher.setAAD(binding(principal, method, params))
    const text = JSON.stringify({ ...inner, expiresAt: this.#clock.now() + this.#ttlMs })
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    )
  }

  /** Throws `state.invalid` for anything that was not sealed for this principal and request, `state.expired` later. */
  open(sealed: unknown, principal: Principal, method: string, params: Params): InnerState {
    if (typeof sealed !== 'string') throw new Fault('state.invalid')
    const bytes = Buffer.from(sealed, 'base64url')
    // The decoder is lenient; a state has one spelling.
    if (bytes.toString('base64url') !== sealed) throw new Fault('state.invalid')
    const inner = this.#decipher(bytes, binding(principal, method, params))
    if (!isRecord(inner) || typeof inner['upstream'] !== 'string') throw new Fault('state.invalid')
    if (typeof inner['expiresAt'] !== 'number' || inner['expiresAt'] <= this.#clock.now())
      throw new Fault('state.expired')
    return inner as unknown as InnerState
  }

  #decipher(bytes: Buffer, aad: Buffer): unknown {
    if (bytes.length < 29) throw new Fault('state.invalid')
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key.reveal(), bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(aad)
      decipher.setAuthTag(bytes.subarray(-16))
      return JSON.parse(decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8'))
    } catch (cause) {
      throw new Fault('state.invalid', {}, { cause })
    }
  }
}

/** The request without the members that differ between its rounds; their order is the client's business. */
function binding(principal: Principal, method: string, params: Params): Buffer {
  const { _meta, inputResponses, requestState, ...request } = params
  const members = Object.entries(request).map(([name, value]) => [name, digestOf(value)])
  const text = canonicalJson([principal.tenant, principal.id, method, Object.fromEntries(members)])
  return hash('sha256', text, 'buffer')
}
