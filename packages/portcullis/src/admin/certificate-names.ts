/** Decides for which names the administrators of one tenant may have certificates: a name is somebody, and maybe of another tenant. */
import type { Config } from '../config/schema.ts'
import type { PeerCertificate } from '../core/exchange.ts'
import { type CertificateName, certificateVerifier } from '../identity/certificates.ts'
import type { IssuedCertificate } from '../pki/authority/issued-ledger.ts'
import { refused } from './known.ts'

type Planned = Pick<IssuedCertificate, 'use' | 'names' | 'subject'>

/** Text that every program writes in one way. */
const PLAIN = /^[A-Za-z0-9 ._@-]{1,64}$/

/**
 * Those who look after all may have any. Throws `administration.refused` for a certificate of a server, which could be taken for
 * this gateway, and for one that no rule of the tenant, or a rule of another one, gives to somebody.
 */
export function requireOwnNames({ identity }: Pick<Config, 'identity'>, tenant: string, planned: Planned): void {
  if (planned.use !== 'client') throw refused('Certificates of servers are issued by those who look after all tenants.')
  if (!isPlain(planned)) throw refused('The subject must be of letters, digits and . _ @ -')
  const owners = ownersOf(identity, planned)
  // A name beside one that is owned is believed just as much.
  const isEachOwned = planned.names.every(
    (name) => ownersOf(identity, { ...planned, subject: '', names: [name] }).length > 0,
  )
  if (isEachOwned && owners.length > 0 && owners.every((owner) => owner === tenant)) return
  throw refused('No rule of identity.certificates makes each of these names one of the tenant.')
}

/** Tenants whose rules give such a certificate to somebody. */
function ownersOf({ certificates }: Config['identity'], planned: Planned): readonly string[] {
  const certificate = peerOf(planned)
  return certificates
    .filter(({ uri, dns, subject = '' }) => {
      const name = uri !== undefined ? { uri } : dns !== undefined ? { dns } : { subject }
      return isNamed(certificate, name)
    })
    .map((rule) => rule.tenant)
}

/** The beginning of a URI may stand for the subject: the whole of it is judged as a name. */
const isPlain = ({ subject, names }: Planned): boolean =>
  PLAIN.test(subject) || (subject.includes('://') && names.some((name) => name.startsWith(`uri:${subject}`)))

function isNamed(certificate: PeerCertificate, name: CertificateName): boolean {
  try {
    certificateVerifier([{ name, tenant: '', roles: [] }])(certificate)
    return true
  } catch {
    return false
  }
}

/** As a listener would see it. */
function peerOf({ names, subject }: Planned): PeerCertificate {
  const of = (kind: string) => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length))
  const none = { thumbprint: '', authority: '', expiresAt: 0 }
  return { ...none, subject: `CN=${subject}`, uris: of('uri:'), dnsNames: of('dns:') }
}
