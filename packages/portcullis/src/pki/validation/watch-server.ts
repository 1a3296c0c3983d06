/** When the check of a server takes place: after the platform's own, before anything is written to it. */
import type { TLSSocket } from 'node:tls'
import { chainOf } from '../peer-chain.ts'
import type { Evidence } from './peer-check.ts'
import { CertificateRefused } from './refused.ts'

/**
 * `offered` is the session that the socket was given to resume, the very object that an earlier socket has told of (`session`). Call
 * the inner function once the platform has verified the server. It rejects with CertificateRefused.
 */
export type WatchServer = (socket: TLSSocket, offered?: Buffer) => () => Promise<void>

/** A `PeerCheck`, or whatever loads one. Rejects with CertificateRefused. */
export interface EvidenceCheck {
  verify(evidence: Evidence): Promise<unknown>
}

/**
 * Follows TLS client sockets to one host from their making; ask the platform for a staple (`requestOCSP`). A resumed session
 * shows nothing again (RFC 8446 §2.2), and Node tells nothing of what it began with: that is kept with each session, and is checked
 * anew each time; one of which nothing is known is refused.
 */
export function watchServer(check: EvidenceCheck, host: string): WatchServer {
  const begun = new WeakMap<Buffer, Evidence>()
  return (socket, offered) => {
    let staple: Buffer | undefined
    let evidence: Evidence | undefined
    const shown = (): Evidence | undefined => {
      evidence ??= socket.isSessionReused()
        ? offered && begun.get(offered)
        : { chain: chainOf(socket), host, ...(staple && { staple }) }
      return evidence
    }
    socket.on('OCSPResponse', (response: Buffer | null) => {
      if (response !== null && response.length > 0) staple = response
    })
    // It may come before the server is known to be good; whoever resumes it is judged all the same.
    socket.on('session', (session: Buffer) => {
      const found = shown()
      if (found !== undefined) begun.set(session, found)
    })
    return async () => {
      const found = shown()
      if (found === undefined) throw new CertificateRefused('untrusted', { what: 'a session that nobody knows' })
      await check.verify(found)
    }
  }
}

/** The same for one socket of any other TLS client of the gateway. */
export const verifyPeer = (socket: TLSSocket, check: EvidenceCheck, host: string): (() => Promise<void>) =>
  watchServer(check, host)(socket)
