/** Decides who is behind a client certificate that TLS has verified (SPIFFE X509-SVID §5, RFC 8705 §2.1.2). */
import type { PeerCertificate } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Verified } from './verified.ts'

/** What a certificate has to hold. `*` stands for one or more last segments of a SPIFFE id, and for nothing else. */
export type CertificateName =
  | { readonly uri: string }
  /** Compared without regard to case; a wildcard in a certificate names nobody. */
  | { readonly dns: string }
  /** The whole distinguished name. */
  | { readonly subject: string }

export interface CertificateRule {
  readonly name: CertificateName
  /** Thumbprints of the authorities that may vouch for it; absent when every listed one may. */
  readonly authorities?: readonly string[]
  readonly tenant: string
  readonly roles: readonly string[]
  readonly upstreams?: readonly string[]
}

/** Who may vouch for which names. It is asked for each certificate, because bundles change while the gateway runs. */
export interface Vouching {
  /** Thumbprints of the authorities of a SPIFFE trust domain; undefined when it has no bundle. */
  readonly bundleOf: (trustDomain: string) => ReadonlySet<string> | undefined
  /** Those that may vouch for every name but the SPIFFE ids of a domain with a bundle. */
  readonly listed: ReadonlySet<string>
}

/** Throws `identity.missing` for a certificate that no rule names: without a name it is nobody's credential. */
export type VerifyCertificate = (certificate: PeerCertificate) => Verified

const SPIFFE = 'spiffe://'
/** Trust domain and path segments (SPIFFE-ID §2.1, §2.2); dots alone are no segment. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/
const MAX_SPIFFE_CHARS = 2_048

/** The first rule that fits decides. Throws a TypeError for a URI rule that could never fit. */
export function certificateVerifier(rules: readonly CertificateRule[], vouching?: Vouching): VerifyCertificate {
  for (const { name } of rules) if ('uri' in name) requireUri(name.uri)
  return (certificate) => {
    for (const rule of rules) {
      if (rule.authorities?.includes(certificate.authority) === false) continue
      const found = nameIn(certificate, rule.name)
      if (found === undefined || !mayVouch(certificate, found, vouching)) continue
      return verified(certificate, rule, found, vouching !== undefined)
    }
    throw new Fault('identity.missing', { reason: 'the certificate is nobody', certificate: shown(certificate) })
  }
}

/** An authority of one trust domain must make nobody of another one (SPIFFE Trust Domain and Bundle §3). */
function mayVouch({ authority }: PeerCertificate, found: string, vouching: Vouching | undefined): boolean {
  if (vouching === undefined) return true
  const bundle = found.startsWith(SPIFFE) ? vouching.bundleOf(trustDomainOf(found)) : undefined
  return (bundle ?? vouching.listed).has(authority)
}

const trustDomainOf = (id: string): string => id.slice(SPIFFE.length).split('/', 1)[0] as string

/** For how long an authority that left its bundle still counts. */
const BUNDLE_SECONDS = 1

function verified(
  { thumbprint, expiresAt }: PeerCertificate,
  rule: CertificateRule,
  found: string,
  canChange: boolean,
): Verified {
  const { tenant, roles, upstreams } = rule
  const credential = { kind: 'certificate', id: thumbprint, expiresAt, bound: 'certificate' } as const
  const principal = { id: `certificate:${found}`, tenant, roles, credential, ...(upstreams && { upstreams }) }
  return { facts: { principal }, expiresAt, ...(canChange && { rememberSeconds: BUNDLE_SECONDS }) }
}

/** What an operator needs to write a rule; never at any length. */
function shown({ thumbprint, subject, uris, dnsNames }: PeerCertificate): Readonly<Record<string, unknown>> {
  const clip = (text: string) => text.slice(0, 200)
  return { thumbprint, subject: clip(subject), uris: uris.slice(0, 5).map(clip), dns: dnsNames.slice(0, 5).map(clip) }
}

function nameIn({ uris, dnsNames, subject }: PeerCertificate, name: CertificateName): string | undefined {
  if ('subject' in name) return subject === name.subject && subject !== '' ? `subject:${subject}` : undefined
  if ('dns' in name) {
    const wanted = name.dns.toLowerCase()
    return dnsNames.some((one) => one.toLowerCase() === wanted) ? `dns:${wanted}` : undefined
  }
  // Of several URIs nobody could say which one was meant (X509-SVID §2).
  const [uri, ...others] = uris
  if (uri === undefined || others.length > 0 || !fits(uri, name.uri)) return undefined
  return uri.startsWith(SPIFFE) ? uri : `uri:${uri}`
}

function fits(uri: string, wanted: string): boolean {
  if (!uri.startsWith(SPIFFE)) return uri === wanted
  if (uri.length > MAX_SPIFFE_CHARS || !SPIFFE_ID.test(uri)) return false
  return wanted.endsWith('/*') ? uri.startsWith(wanted.slice(0, -1)) : uri === wanted
}

function requireUri(uri: string): void {
  const sample = uri.startsWith(SPIFFE) && uri.endsWith('/*') ? `${uri.slice(0, -1)}x` : uri
  const sound = uri.startsWith(SPIFFE) ? SPIFFE_ID.test(sample) : URL.canParse(uri) && !uri.includes('*')
  if (!sound) throw new TypeError(`${uri} is neither a SPIFFE id nor a URI`)
}
