/**
 * Reads who a client certificate speaks of. TLS has verified it before; here it is parsed as ASN.1, because the text that
 * names are printed as can be made to look like other names. Takes long to load: import it only when clients are asked.
 */
import 'reflect-metadata'
import { SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509'
import type { PeerCertificate } from '../core/exchange.ts'
import { thumbprintOf } from './thumbprint.ts'

/**
 * `chain` is DER, the client's own certificate first, the authority last. Throws an Error for what is no certificate, whose
 * alternative names cannot be read, or that nobody but itself vouches for.
 */
export function readClientCertificate(chain: readonly Buffer[]): PeerCertificate {
  const [der, ...issuers] = chain
  const authority = issuers.at(-1)
  if (der === undefined || authority === undefined) throw new Error('a client certificate has an authority')
  const certificate = new X509Certificate(Uint8Array.from(der))
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
  const valuesOf = (type: 'url' | 'dns') => names.filter((name) => name.type === type).map(({ value }) => value)
  return {
    thumbprint: thumbprintOf(der),
    subject: certificate.subject,
    uris: valuesOf('url'),
    dnsNames: valuesOf('dns'),
    authority: thumbprintOf(authority),
    expiresAt: certificate.notAfter.getTime(),
  }
}
