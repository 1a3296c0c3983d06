/**
 * Answers TLS in place of a host, where a rule says so: with a certificate of the sandbox's own authority, which nobody
 * outside of that sandbox trusts.
 */
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import type { TlsAuthority } from '../access.ts'

interface Minted {
  readonly context: Promise<SecureContext>
  readonly until: number
}

const REUSE_MS = 3_600_000
/** Names below a wildcard are chosen inside. */
const MAX_MINTED = 256

export class TlsOpener {
  readonly #authority: TlsAuthority
  readonly #clock: Clock
  readonly #minted = new Map<string, Minted>()

  constructor(authority: TlsAuthority, clock: Clock) {
    this.#authority = authority
    this.#clock = clock
  }

  /** Takes the connection over. The handshake may fail later; the stream then errors. Rejects when there is no leaf. */
  async open(socket: Socket, host: string): Promise<TLSSocket> {
    const secureContext = await this.#contextFor(host)
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      requestCert: false,
    })
    tls.on('error', () => tls.destroy())
    return tls
  }

  #contextFor(host: string): Promise<SecureContext> {
    const now = this.#clock.now()
    const known = this.#minted.get(host)
    if (known !== undefined && known.until > now) return known.context
    if (this.#minted.size >= MAX_MINTED) this.#minted.clear()
    const context = this.#mint(host)
    this.#minted.set(host, { context, until: now + REUSE_MS })
    context.catch(() => this.#minted.delete(host))
    return context
  }

  async #mint(host: string): Promise<SecureContext> {
    const { certificate, key } = await this.#authority.mintLeaf(host)
    return createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' })
  }
}
