/** What one certificate has to be for its place in a path, whatever stands around it. */
import { KeyUsageFlags } from '@peculiar/asn1-x509'
import { type Certificate, isSelfIssued, OID } from './certificate.ts'
import { readNames } from './general-name.ts'
import { addressOf } from './host-name.ts'
import type { Profile, Purpose } from './profile.ts'
import { CertificateRefused, type RefusalReason } from './refused.ts'
import { assertStrongKey, isStrongSignature } from './strength.ts'

/** Where a certificate stands. The signature of an anchor means nothing: it is trusted by itself. */
export type Place = 'leaf' | 'intermediate' | 'anchor'

export interface RuleContext {
  readonly place: Place
  readonly profile: Profile
  readonly purpose: Purpose
  /** Milliseconds since the epoch. */
  readonly now: number
}

const USES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2', 'time-stamp': '1.3.6.1.5.5.7.3.8' } as const
const ANY_USE = '2.5.29.37.0'
const MAX_SERIAL_OCTETS = 20

/** Everything that is looked at here. What else is critical may change what a certificate means (RFC 5280 §4.2). */
const UNDERSTOOD = new Set<string>(Object.values(OID))
/** RFC 5280 §4.2.1 and §4.2.2, each in its section. */
const NEVER_CRITICAL = [OID.authorityKeyId, OID.subjectKeyId, OID.authorityInfo, OID.subjectInfo, OID.freshestCrl]
const ALWAYS_CRITICAL = [OID.nameConstraints, OID.policyConstraints, OID.inhibitAnyPolicy]

/** Throws CertificateRefused for the first rule that is broken. */
export function assertRules(certificate: Certificate, context: RuleContext): void {
  assertForm(certificate, context)
  assertExtensions(certificate)
  assertCurrent(certificate, context.now)
  assertStrongKey(certificate, context.profile)
  const { oid, algorithm } = certificate.signature
  if (context.place !== 'anchor' && !isStrongSignature(oid, algorithm, context.profile)) refuse('weak_digest', { oid })
  assertKeyIds(certificate, context)
  if (context.place === 'leaf') assertLeaf(certificate, context)
  else assertAuthority(certificate, context)
}

function refuse(reason: RefusalReason, detail: Readonly<Record<string, unknown>> = {}): never {
  throw new CertificateRefused(reason, detail)
}

function assertForm(certificate: Certificate, { place, profile }: RuleContext): void {
  const { version, serial, signature, issuer, extensions } = certificate
  if (version !== 3) refuse('version', { version })
  // Several well-known roots have the number 0.
  const mayBeZero = place === 'anchor' && profile === 'private'
  const isPositive = (serial[0] as number) < 0x80 && (mayBeZero || serial.some((octet) => octet !== 0))
  if (!isPositive || serial.length > MAX_SERIAL_OCTETS) refuse('serial', { serial: serial.toString('hex') })
  if (!signature.algorithm.equals(signature.repeated)) refuse('malformed', { what: 'two different algorithms' })
  if (issuer.parts.length === 0) refuse('subject', { what: 'an empty issuer' })
  if (extensions.size === 0) refuse('extension', { what: 'none at all' })
}

function assertExtensions({ extensions, ocspUrls, basic }: Certificate): void {
  for (const [oid, { critical }] of extensions) if (critical && !UNDERSTOOD.has(oid)) refuse('extension', { oid })
  for (const oid of NEVER_CRITICAL) if (extensions.get(oid)?.critical === true) refuse('extension', { oid })
  const hasSource = ocspUrls.length > 0 || extensions.has(OID.distributionPoints) || extensions.has(OID.freshestCrl)
  // Nobody can be asked, and here is whom to ask: RFC 9608 §3 forbids one beside the other, and both to authorities.
  if (extensions.has(OID.noRevocation) && (hasSource || basic?.ca === true))
    refuse('extension', { oid: OID.noRevocation })
  for (const oid of ALWAYS_CRITICAL) if (extensions.get(oid)?.critical === false) refuse('extension', { oid })
}

/** Both ends count, in whole seconds (§4.1.2.5). */
function assertCurrent({ notBefore, notAfter }: Certificate, now: number): void {
  const second = Math.floor(now / 1_000) * 1_000
  if (second > notAfter) refuse('expired', { notAfter: new Date(notAfter).toISOString() })
  if (second < notBefore) refuse('not_yet_valid', { notBefore: new Date(notBefore).toISOString() })
}

/** One's own authority can leave them out; then its certificates are found by name alone. */
function assertKeyIds(certificate: Certificate, { place, profile }: RuleContext): void {
  if (profile !== 'webpki') return
  const { keyId, authorityKey } = certificate
  const isRoot = isSelfIssued(certificate) && place === 'anchor'
  if (place !== 'leaf' && keyId === undefined) refuse('key_identifier', { what: 'an authority without one' })
  if (authorityKey === undefined) {
    if (!isRoot) refuse('key_identifier', { what: 'no identifier of the issuer' })
    return
  }
  if (authorityKey.keyId === undefined) refuse('key_identifier', { what: 'no identifier of the key of the issuer' })
  if (isRoot && authorityKey.keyId !== keyId) refuse('key_identifier', { what: 'a root with another one' })
  // CA/B Forum BR 7.1.2.11.1.
  if (authorityKey.hasIssuer || authorityKey.hasSerial)
    refuse('key_identifier', { what: 'a name or number of the issuer' })
}

function assertAuthority(certificate: Certificate, context: RuleContext): void {
  const { basic, keyUsage, extendedKeyUsage, subject, extensions } = certificate
  if (basic?.ca !== true) refuse('not_an_authority')
  if (extensions.get(OID.basicConstraints)?.critical !== true) refuse('extension', { oid: OID.basicConstraints })
  if (subject.parts.length === 0) refuse('subject', { what: 'an authority without a name' })
  if (keyUsage === undefined && context.place === 'intermediate' && context.profile === 'webpki')
    refuse('key_usage', { what: 'an authority without one' })
  if (keyUsage !== undefined && (keyUsage & KeyUsageFlags.keyCertSign) === 0)
    refuse('key_usage', { what: 'no keyCertSign' })
  if (extendedKeyUsage === undefined) return
  if (context.place === 'anchor' && context.profile === 'webpki')
    refuse('extended_key_usage', { what: 'a root with one' })
  if (!extendedKeyUsage.includes(USES[context.purpose]) && !extendedKeyUsage.includes(ANY_USE))
    refuse('extended_key_usage', { what: 'an authority for other uses' })
}

function assertLeaf(certificate: Certificate, context: RuleContext): void {
  const { basic, keyUsage, constraints } = certificate
  if (basic?.ca === true) refuse('authority_as_server')
  if (basic?.pathLength !== undefined) refuse('path_length', { what: 'a leaf with one' })
  if (constraints !== undefined) refuse('name_constraints', { what: 'a leaf with some' })
  if (keyUsage !== undefined) {
    const signs = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    if ((keyUsage & signs) !== 0) refuse('key_usage', { what: 'a leaf that may sign certificates or lists' })
    // TLS 1.3 proves a key by a signature (RFC 8446 §4.4.2.2).
    if ((keyUsage & KeyUsageFlags.digitalSignature) === 0) refuse('key_usage', { what: 'no digitalSignature' })
  }
  assertUse(certificate, context)
  assertNames(certificate, context)
}

function assertUse({ extendedKeyUsage: uses, extensions }: Certificate, { profile, purpose }: RuleContext): void {
  if (uses !== undefined && uses.length === 0) refuse('extended_key_usage', { what: 'an empty one' })
  const isPublicServer = profile === 'webpki' && purpose === 'server'
  if (uses === undefined) {
    if (isPublicServer) refuse('extended_key_usage', { what: 'a server without one' })
    return
  }
  if (profile === 'webpki' && uses.includes(ANY_USE)) refuse('extended_key_usage', { what: 'any use' })
  if (profile === 'webpki' && extensions.get(OID.extendedKeyUsage)?.critical === true)
    refuse('extension', { oid: OID.extendedKeyUsage })
  if (!uses.includes(USES[purpose]) && !uses.includes(ANY_USE)) refuse('extended_key_usage', { uses })
}

/** Clients may be known by their subject; servers never are. */
function assertNames(certificate: Certificate, { profile, purpose }: RuleContext): void {
  const { subject, extensions } = certificate
  const names = extensions.get(OID.subjectNames)
  if (names === undefined) {
    if (purpose === 'server') refuse('no_names')
    if (subject.parts.length === 0) refuse('subject', { what: 'nobody at all' })
    return
  }
  if (subject.parts.length === 0 && !names.critical) refuse('extension', { oid: OID.subjectNames })
  if (profile !== 'webpki') return
  if (subject.parts.length > 0 && names.critical) refuse('extension', { oid: OID.subjectNames })
  readNames(names.value, false)
  if (purpose === 'server') assertCommonNames(certificate)
}

/**
 * Character by character, and addresses as RFC 5952 writes them. A word without dots, colons and digits could be taken for
 * no host and no address by anybody.
 */
function assertCommonNames({ names, subject }: Certificate): void {
  const known = new Set(
    names.flatMap((name) => (name.kind === 'dns' ? [name.text] : name.kind === 'ip' ? [addressOf(name.octets)] : [])),
  )
  if (subject.commonNames.some((name) => /[.:\d]/.test(name) && !known.has(name))) refuse('common_name')
}
