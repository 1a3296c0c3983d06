/** Which certificates a TLS connection has shown. Loads nothing, so that every listener can ask. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

const MAX_CERTIFICATES = 64

/** What the other end has sent, DER, and whom the platform has found above; Node ends it with one that is its own issuer. */
export function chainOf(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = []
  let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (link?.raw !== undefined && chain.at(-1)?.equals(link.raw) !== true && chain.length < MAX_CERTIFICATES) {
    chain.push(link.raw)
    link = link.issuerCertificate
  }
  return chain
}
