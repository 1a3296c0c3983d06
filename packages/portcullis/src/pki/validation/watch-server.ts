/** When the check of a server takes place: after the platform's own, before anything is written to it. */
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { chainOf } from '../peer-chain.ts'
import type { Evidence } from './peer-check.ts'
import { CertificateRefused } from './refused.ts'

/** Call the inner function once the platform has verified the server. It rejects with CertificateRefused. */
export type WatchServer = (socket: TLSSocket) => () => Promise<void>

/** A `PeerCheck`, or whatever loads one. Rejects with CertificateRefused. */
export interface EvidenceCheck {
  verify(evidence: Evidence): Promise<unknown>
}

const MAX_SHOWN = 16

/**
 * Follows TLS client sockets to one host from their making; ask the platform for a staple (`requestOCSP`). A resumed session
 * shows nothing again (RFC 8446 §2.2), so what the full handshake showed is kept by its certificate, and is checked anew each
 * time; a resumed session without it is refused.
 */
export function watchServer(check: EvidenceCheck, host: string): WatchServer {
  const shown = new Map<string, Evidence>()
  return (socket) => {
    let staple: Buffer | undefined
    socket.on('OCSPResponse', (response: Buffer | null) => {
      if (response !== null && response.length > 0) staple = response
    })
    return async () => {
      const chain = chainOf(socket)
      const name = chain[0] === undefined ? '' : createHash('sha256').update(chain[0]).digest('hex')
      const fresh = socket.isSessionReused() ? shown.get(name) : { chain, host, ...(staple && { staple }) }
      if (fresh === undefined) throw new CertificateRefused('untrusted', { what: 'a session that nobody knows' })
      // Before it is known to be good: the ticket that resumes this session may arrive meanwhile.
      shown.delete(name)
      shown.set(name, fresh)
      const [oldest] = shown.keys()
      if (shown.size > MAX_SHOWN && oldest !== undefined) shown.delete(oldest)
      await check.verify(fresh)
    }
  }
}

/** The same for one socket of any other TLS client of the gateway. */
export const verifyPeer = (socket: TLSSocket, check: EvidenceCheck, host: string): (() => Promise<void>) =>
  watchServer(check, host)(socket)
