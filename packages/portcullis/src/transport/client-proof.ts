/** Decides what the certificate of a client is worth, once for each connection and before its first request is let in. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Peer, PeerCertificate, PeerRefusal } from '../core/exchange.ts'
import { chainOf } from '../pki/peer-chain.ts'
import { thumbprintOf } from '../pki/thumbprint.ts'

export interface ClientProofOptions {
  /** Reads what TLS has verified, DER, the client's own first. Throws for what names nobody. */
  readonly readCertificate: (chain: readonly Buffer[]) => PeerCertificate
  /** What is asked beside what TLS asks: resolves with why the certificate is not believed, or nothing. */
  readonly verify: (chain: readonly Buffer[]) => Promise<PeerRefusal | undefined>
  readonly onRefused: (address: string, refusal: PeerRefusal) => void
  /** Whether a certificate of this thumbprint was revoked since its connection began; asked with every request. */
  readonly isRevoked?: (thumbprint: string) => boolean
}

/** Node has codes for the more common answers of OpenSSL only; our own check knows what this one was about. */
const UNNAMED = 'UNSPECIFIED'

/** Some releases of Node do not tell a server which intermediates a client has sent. */
const INCOMPLETE: PeerRefusal = {
  reason: 'untrusted',
  detail: { what: 'its issuer is not known; list intermediates among the authorities' },
  isFinal: true,
}

/** So that a revocation counts within the hour, as it does for new connections. */
const RECHECK_MS = 3_600_000

/** Chains of full handshakes that are kept for the sessions which go on from them. */
const MAX_SHOWN = 1_000

const REVOKED: PeerRefusal = { reason: 'revoked', detail: { what: 'since its connection began' }, isFinal: true }

type Proof = Pick<Peer, 'certificate' | 'refused'>

export class ClientProof {
  readonly #options: ClientProofOptions
  readonly #proofs = new WeakMap<Socket, Proof>()
  readonly #pending = new WeakMap<Socket, Promise<void>>()
  /** By the thumbprint of the client: what a resumed session, which shows nothing again (RFC 8446 §2.2), has shown when it began. */
  readonly #shown = new Map<string, readonly Buffer[]>()
  /** Thumbprints of those between the client and its anchor, where there are any. */
  readonly #issuers = new WeakMap<Socket, readonly string[]>()

  constructor(options: ClientProofOptions) {
    this.#options = options
  }

  of(socket: Socket): Proof | undefined {
    const proof = this.#proofs.get(socket)
    const { isRevoked } = this.#options
    if (proof?.certificate === undefined || isRevoked === undefined) return proof
    const { thumbprint } = proof.certificate
    const thumbprints = [thumbprint, ...(this.#issuers.get(socket) ?? [])]
    return thumbprints.some(isRevoked) ? { refused: REVOKED } : proof
  }

  /** Resolves when it is known whose connection it is; undefined when it is already. */
  waitingFor(socket: Socket): Promise<void> | undefined {
    return this.#pending.get(socket)
  }

  /**
   * What TLS did not verify is nobody's certificate; one that cannot be read ends the connection. The session of a client that is
   * resumed holds its certificate and what TLS said of it; all that is asked beside is asked again.
   */
  meet(socket: TLSSocket): void {
    if (!socket.authorized) return this.#refuseStranger(socket)
    const chain = this.#chainOf(socket)
    if (chain.length === 0) return
    const proving = this.#prove(socket, chain)
      .catch(() => socket.destroy())
      .then(() => void this.#pending.delete(socket))
    this.#pending.set(socket, proving)
  }

  /** TLS itself has ended the handshake of one that has to have a certificate and has none that is good. */
  turnedAway(socket: TLSSocket): void {
    const reason = reasonOf(socket)
    if (reason !== undefined) this.#options.onRefused(addressOf(socket), { reason, detail: {}, isFinal: true })
  }

  /** Of a resumed session Node tells the certificate and those above it that the listener knows; the client may have sent more. */
  #chainOf(socket: TLSSocket): readonly Buffer[] {
    const chain = chainOf(socket)
    const [leaf] = chain
    if (leaf === undefined) return chain
    const name = thumbprintOf(leaf)
    if (socket.isSessionReused()) return this.#shown.get(name) ?? chain
    this.#shown.delete(name)
    this.#shown.set(name, chain)
    const [oldest] = this.#shown.keys()
    if (this.#shown.size > MAX_SHOWN && oldest !== undefined) this.#shown.delete(oldest)
    return chain
  }

  async #prove(socket: TLSSocket, chain: readonly Buffer[]): Promise<void> {
    const { readCertificate, verify } = this.#options
    if (chain.length < 2) return this.#refuse(socket, INCOMPLETE)
    const certificate = readCertificate(chain)
    const refused = await verify(chain)
    const between = chain.slice(1, -1)
    if (between.length > 0) this.#issuers.set(socket, between.map(thumbprintOf))
    if (refused !== undefined) return this.#refuse(socket, refused)
    this.#proofs.set(socket, { certificate })
    this.#watch(socket, chain)
  }

  /** Lists and responders may say something else by now, however long a connection lasts. */
  #watch(socket: TLSSocket, chain: readonly Buffer[]): void {
    const ask = () =>
      this.#options.verify(chain).then(
        (refused) => refused && this.#refuse(socket, refused),
        () => socket.destroy(),
      )
    const timer = setInterval(() => void ask(), RECHECK_MS).unref()
    socket.once('close', () => clearInterval(timer))
  }

  #refuseStranger(socket: TLSSocket): void {
    const reason = reasonOf(socket)
    const chain = chainOf(socket)
    if (reason === undefined || chain.length === 0) return
    const stranger = { reason, detail: {}, isFinal: false }
    if (reason !== UNNAMED) return this.#refuse(socket, stranger)
    const asking = this.#options
      .verify(chain)
      .then((refused) => this.#refuse(socket, { ...stranger, ...refused, isFinal: false }))
      .catch(() => socket.destroy())
      .then(() => void this.#pending.delete(socket))
    this.#pending.set(socket, asking)
  }

  #refuse(socket: TLSSocket, refused: PeerRefusal): void {
    this.#proofs.set(socket, { refused })
    this.#options.onRefused(addressOf(socket), refused)
  }
}

/** Node says there what OpenSSL did not like, by its code. */
function reasonOf({ authorizationError }: TLSSocket): string | undefined {
  const found: unknown = authorizationError
  return typeof found === 'string' && found !== '' ? found : undefined
}

const addressOf = ({ remoteAddress }: TLSSocket): string => remoteAddress ?? ''
