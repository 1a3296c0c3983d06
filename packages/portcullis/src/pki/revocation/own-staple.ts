/** Keeps an OCSP response for our own certificate, so that it can be sent with every handshake (RFC 6066 §8). */
import type { Clock } from '../../core/clock.ts'
import { certificatesIn } from '../validation/anchors.ts'
import { readCertificate } from '../validation/certificate.ts'
import type { Link } from './check-list.ts'
import type { FetchBytes } from './lists.ts'
import type { OcspAnswer } from './ocsp-response.ts'
import { fetchResponse, respondersOf } from './responders.ts'

export interface OwnStapleOptions {
  readonly fetch: FetchBytes
  readonly clock: Clock
  /** A staple that cannot be had is tried for again; the old one stays until its end. */
  readonly onFailure: (error: unknown) => void
  /** Our own certificate is revoked. Nothing is stapled then. */
  readonly onRevoked: (since: number) => void
}

const RETRY_MS = 60_000
const MAX_WAIT_MS = 12 * 3_600_000

export class OwnStaple {
  readonly #options: OwnStapleOptions
  #link: Link | undefined
  #staple: { readonly bytes: Buffer; readonly until: number } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: OwnStapleOptions) {
    this.#options = options
  }

  /** DER; undefined while there is none that is good. */
  get current(): Buffer | undefined {
    return this.#staple !== undefined && this.#options.clock.now() < this.#staple.until ? this.#staple.bytes : undefined
  }

  /** From now on for this certificate: PEM, followed by its issuer. Resolves when the first attempt has ended; never rejects. */
  async use(pem: string): Promise<void> {
    this.stop()
    this.#staple = undefined
    try {
      this.#link = linkOf(pem)
    } catch (error) {
      this.#options.onFailure(error)
    }
    await this.#renew()
  }

  stop(): void {
    // What is under way sets no timer any more.
    this.#link = undefined
    clearTimeout(this.#timer)
  }

  async #renew(): Promise<void> {
    const link = this.#link
    const [url] = link === undefined ? [] : respondersOf(link.certificate)
    if (link === undefined || url === undefined) return
    const { fetch, clock, onFailure } = this.#options
    let waitMs = RETRY_MS
    try {
      const { bytes, answer } = await fetchResponse(url, link, fetch, clock.now())
      if (link !== this.#link) return
      waitMs = this.#take(bytes, answer)
    } catch (error) {
      onFailure(error)
    }
    this.#timer = setTimeout(() => void this.#renew(), waitMs).unref()
  }

  /** Half of its life before the end, so that a responder may be down for the other half. */
  #take(bytes: Buffer, { status, until }: OcspAnswer): number {
    if (status.is === 'revoked') {
      this.#staple = undefined
      this.#options.onRevoked(status.at)
      return RETRY_MS
    }
    this.#staple = { bytes, until }
    return Math.min(MAX_WAIT_MS, Math.max(RETRY_MS, (until - this.#options.clock.now()) / 2))
  }
}

/** Undefined when the certificate names no responder. Throws an Error when its issuer is not in the file. */
function linkOf(pem: string): Link | undefined {
  const [leaf, issuer] = certificatesIn(pem)
  if (leaf === undefined) return undefined
  const certificate = readCertificate(leaf)
  if (respondersOf(certificate).length === 0) return undefined
  if (issuer === undefined)
    throw new Error('the certificate names an OCSP responder, and its issuer is not in its file')
  return { certificate, issuer: readCertificate(issuer) }
}
