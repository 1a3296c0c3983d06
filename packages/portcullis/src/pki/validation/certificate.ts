/** What a certificate says, read once and strictly: by OpenSSL for keys and signatures, by an ASN.1 library and our own DER for the rest. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AuthorityInfoAccessSyntax,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate as AsnCertificate,
  ExtendedKeyUsage,
  KeyUsage,
  SubjectKeyIdentifier,
} from '@peculiar/asn1-x509'
import { assertStrict, type Element, malformed, readOne, readRow, readTime, TAG } from './der.ts'
import { type DistinguishedName, readName } from './distinguished-name.ts'
import { type DistributionPoint, readDistributionPoints } from './distribution-points.ts'
import { type GeneralName, type NameConstraints, readConstraints, readNames } from './general-name.ts'
import { asRefusal, CertificateRefused } from './refused.ts'

export const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectNames: '2.5.29.17',
  issuerNames: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  distributionPoints: '2.5.29.31',
  policies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyId: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  noRevocation: '2.5.29.56',
  authorityInfo: '1.3.6.1.5.5.7.1.1',
  subjectInfo: '1.3.6.1.5.5.7.1.11',
  tlsFeatures: '1.3.6.1.5.5.7.1.24',
  noCheck: '1.3.6.1.5.5.7.48.1.5',
} as const

const OCSP = '1.3.6.1.5.5.7.48.1'
/** status_request (RFC 6066 §8). */
const STATUS_REQUEST = 5

export interface Extension {
  readonly critical: boolean
  readonly value: Buffer
}

export interface Certificate {
  readonly der: Buffer
  /** SHA-256 of `der`, hexadecimal. */
  readonly digest: string
  readonly version: number
  /** As it is encoded: two's complement, most significant octet first. */
  readonly serial: Buffer
  readonly signature: { readonly oid: string; readonly algorithm: Buffer; readonly repeated: Buffer }
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** SubjectPublicKeyInfo, DER. */
  readonly keyInfo: Buffer
  readonly key: KeyObject
  readonly extensions: ReadonlyMap<string, Extension>
  /** Absent without the extension. */
  readonly basic?: { readonly ca: boolean; readonly pathLength?: number }
  /** Bits as in `KeyUsageFlags`. */
  readonly keyUsage?: number
  readonly extendedKeyUsage?: readonly string[]
  readonly names: readonly GeneralName[]
  readonly constraints?: NameConstraints
  /** Hexadecimal. */
  readonly keyId?: string
  readonly authorityKey?: { readonly keyId?: string; readonly hasIssuer: boolean; readonly hasSerial: boolean }
  readonly ocspUrls: readonly string[]
  readonly distributionPoints: readonly DistributionPoint[]
  readonly freshest: readonly DistributionPoint[]
  readonly mustStaple: boolean
  /** Whether the certificate is signed with the private half of `key`. */
  isSignedBy(key: KeyObject): boolean
}

const MAX_BYTES = 64 * 1024

/** Throws CertificateRefused for whatever is not strict DER of a certificate, and for an extension that occurs twice. */
export function readCertificate(der: Buffer): Certificate {
  if (der.length > MAX_BYTES) throw new CertificateRefused('too_complex', { bytes: der.length })
  try {
    const outer = readOne(der, TAG.sequence)
    assertStrict(outer)
    const x509 = new X509Certificate(der)
    const asn = AsnConvert.parse(der, AsnCertificate)
    const extensions = extensionsOf(asn)
    return {
      ...fieldsOf(outer, asn),
      ...factsOf(extensions),
      der,
      digest: createHash('sha256').update(der).digest('hex'),
      key: x509.publicKey,
      extensions,
      isSignedBy: (key) => isSigned(x509, key),
    }
  } catch (thrown) {
    throw asRefusal(thrown)
  }
}

/** Another kind of key than the signature needs is an error of OpenSSL, and no signature. */
function isSigned(x509: X509Certificate, key: KeyObject): boolean {
  try {
    return x509.verify(key)
  } catch {
    return false
  }
}

function fieldsOf(outer: Element, { tbsCertificate, signatureAlgorithm }: AsnCertificate) {
  const [tbs, algorithm] = readRow(outer.content)
  const row = readRow(tbs?.content ?? Buffer.alloc(0))
  const [serial, repeated, issuer, validity, subject, keyInfo] = row[0]?.tag === 0xa0 ? row.slice(1) : row
  if (!algorithm || !serial || !repeated || !issuer || !validity || !subject || !keyInfo)
    throw malformed('a field lacks')
  const [begin, end] = readRow(validity.content)
  if (begin === undefined || end === undefined) throw malformed('a validity without an end')
  return {
    version: tbsCertificate.version + 1,
    serial: serial.content,
    signature: { oid: signatureAlgorithm.algorithm, algorithm: algorithm.whole, repeated: repeated.whole },
    issuer: readName(issuer.whole),
    subject: readName(subject.whole),
    notBefore: readTime(begin),
    notAfter: readTime(end),
    keyInfo: keyInfo.whole,
  }
}

function extensionsOf({ tbsCertificate }: AsnCertificate): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>()
  for (const { extnID, critical, extnValue } of tbsCertificate.extensions ?? []) {
    if (found.has(extnID)) throw new CertificateRefused('extension', { twice: extnID })
    found.set(extnID, { critical, value: Buffer.from(extnValue.buffer) })
  }
  return found
}

function factsOf(extensions: ReadonlyMap<string, Extension>) {
  const read = <Fact>(oid: string, reader: (value: Buffer) => Fact): Fact | undefined => {
    const extension = extensions.get(oid)
    if (extension === undefined) return undefined
    assertStrict(readOne(extension.value))
    return reader(extension.value)
  }
  const basic = read(OID.basicConstraints, readBasic)
  const keyUsage = read(OID.keyUsage, (value) => AsnConvert.parse(value, KeyUsage).toNumber())
  const extendedKeyUsage = read(OID.extendedKeyUsage, (value) => [...AsnConvert.parse(value, ExtendedKeyUsage)])
  const keyId = read(OID.subjectKeyId, (value) => hex(AsnConvert.parse(value, SubjectKeyIdentifier).buffer))
  const authorityKey = read(OID.authorityKeyId, readAuthorityKey)
  const constraints = read(OID.nameConstraints, readConstraints)
  return {
    ...(basic && { basic }),
    ...(keyUsage !== undefined && { keyUsage }),
    ...(extendedKeyUsage && { extendedKeyUsage }),
    names: read(OID.subjectNames, (value) => readNames(value, true)) ?? [],
    ...(constraints && { constraints }),
    ...(keyId !== undefined && { keyId }),
    ...(authorityKey && { authorityKey }),
    ocspUrls: read(OID.authorityInfo, readOcspUrls) ?? [],
    distributionPoints: read(OID.distributionPoints, readDistributionPoints) ?? [],
    freshest: read(OID.freshestCrl, readDistributionPoints) ?? [],
    mustStaple: read(OID.tlsFeatures, readFeatures)?.includes(STATUS_REQUEST) === true,
  }
}

function readBasic(value: Buffer): { readonly ca: boolean; readonly pathLength?: number } {
  const { cA, pathLenConstraint } = AsnConvert.parse(value, BasicConstraints)
  if (pathLenConstraint !== undefined && pathLenConstraint < 0) throw malformed('a path length below nothing')
  return { ca: cA, ...(pathLenConstraint !== undefined && { pathLength: pathLenConstraint }) }
}

function readAuthorityKey(value: Buffer) {
  const { keyIdentifier, authorityCertIssuer, authorityCertSerialNumber } = AsnConvert.parse(
    value,
    AuthorityKeyIdentifier,
  )
  return {
    ...(keyIdentifier && { keyId: hex(keyIdentifier.buffer) }),
    hasIssuer: authorityCertIssuer !== undefined,
    hasSerial: authorityCertSerialNumber !== undefined,
  }
}

function readOcspUrls(value: Buffer): readonly string[] {
  const places = AsnConvert.parse(value, AuthorityInfoAccessSyntax)
  if (places.length === 0) throw malformed('an access to no information')
  return places.flatMap(({ accessMethod, accessLocation: { uniformResourceIdentifier: url } }) =>
    accessMethod === OCSP && url !== undefined ? [url] : [],
  )
}

function readFeatures(value: Buffer): readonly number[] {
  return readRow(readOne(value, TAG.sequence).content).map(({ content }) =>
    content.length === 1 ? (content[0] ?? -1) : -1,
  )
}

const hex = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString('hex')

/** Whether its issuer has the same name: a new key of the same authority (RFC 5280 §6.1). */
export const isSelfIssued = ({ issuer, subject }: Certificate): boolean => issuer.key === subject.key

/** For records: who it is, without anything that could be mistaken for words of ours. */
export function describe({ digest, serial, names }: Certificate): Readonly<Record<string, unknown>> {
  const first = names.find((name) => name.kind === 'dns' || name.kind === 'uri')
  return {
    sha256: digest,
    serial: serial.toString('hex'),
    ...(first !== undefined && 'text' in first && { name: first.text.slice(0, 253) }),
  }
}
