/** Reads what an OCSP responder says and decides whether it may say so (RFC 6960 §3.2, §4.2). */
import { KeyUsageFlags } from '@peculiar/asn1-x509'
import {
  BasicOCSPResponse,
  type CertID,
  OCSPResponse,
  OCSPResponseStatus,
  type SingleResponse,
} from '@peculiar/asn1-ocsp'
import { AsnConvert } from '@peculiar/asn1-schema'
import { type Certificate, OID, readCertificate } from '../validation/certificate.ts'
import { assertStrict, readOne, TAG } from '../validation/der.ts'
import { readName } from '../validation/distinguished-name.ts'
import { CertificateRefused, type RefusalReason } from '../validation/refused.ts'
import { assertStrongKey, isStrongSignature } from '../validation/strength.ts'
import type { Link } from './check-list.ts'
import { issuerHashes } from './ocsp-request.ts'
import { isSignedWith } from './signed.ts'
import { SKEW_MS, type Status } from './status.ts'

export interface OcspAnswer {
  readonly status: Status
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  /** After which it says nothing any more. */
  readonly until: number
}

const BASIC = '1.3.6.1.5.5.7.48.1.1'
const NONCE = '1.3.6.1.5.5.7.48.1.2'
const SIGNING = '1.3.6.1.5.5.7.3.9'
const MAX_CERTIFICATES = 8
/** An older answer is a replay, however long it says that it is good (CA/B Forum BR 4.9.10). */
const MAX_AGE_MS = 10 * 86_400_000
/** Without a date of the next one, newer ones can be had at any time (RFC 6960 §4.2.2.1). */
const UNDATED_MS = 86_400_000
export const MAX_OCSP_BYTES = 64 * 1024

/**
 * `nonce` is that of the request; undefined for a stapled response. A responder may leave it out, because most answers are
 * made beforehand; one that sends another is refused. Throws CertificateRefused `ocsp_…`.
 */
export async function readOcspResponse(der: Buffer, link: Link, now: number, nonce?: Buffer): Promise<OcspAnswer> {
  const basic = parse(der)
  const { responses, responseExtensions = [], producedAt } = basic.tbsResponseData
  for (const { extnID, critical, extnValue } of responseExtensions) {
    if (critical && extnID !== NONCE) refuse('ocsp_malformed', { oid: extnID })
    if (extnID === NONCE && nonce !== undefined) assertNonce(Buffer.from(extnValue.buffer), nonce)
  }
  await assertSigned(basic, link, now)
  if (producedAt.getTime() > now + SKEW_MS) refuse('ocsp_stale', { what: 'made in the future' })
  const about = responses.filter(({ certID }) => isAbout(certID, link))
  if (about.length === 0) refuse('ocsp_mismatch')
  const answers = about.map((response) => answerOf(response, now))
  return answers.find(({ status }) => status.is === 'revoked') ?? (answers[0] as OcspAnswer)
}

function refuse(reason: RefusalReason, detail: Readonly<Record<string, unknown>> = {}): never {
  throw new CertificateRefused(reason, detail)
}

function parse(der: Buffer): BasicOCSPResponse {
  if (der.length > MAX_OCSP_BYTES) refuse('ocsp_malformed', { bytes: der.length })
  let status: OCSPResponseStatus
  try {
    assertStrict(readOne(der, TAG.sequence))
    const { responseStatus, responseBytes } = AsnConvert.parse(der, OCSPResponse)
    status = responseStatus
    if (status === OCSPResponseStatus.successful && responseBytes?.responseType === BASIC) {
      const inner = Buffer.from(responseBytes.response.buffer)
      assertStrict(readOne(inner, TAG.sequence))
      return AsnConvert.parse(inner, BasicOCSPResponse)
    }
  } catch (cause) {
    throw new CertificateRefused('ocsp_malformed', {}, cause)
  }
  // malformedRequest, internalError, tryLater, sigRequired, unauthorized: nobody signs these, so they mean nothing more.
  return refuse('ocsp_refused', { status })
}

function assertNonce(value: Buffer, nonce: Buffer): void {
  const isSame = readOne(value).content.equals(nonce)
  if (!isSame) refuse('ocsp_nonce')
}

function isAbout({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }: CertID, link: Link): boolean {
  const digest = ({ '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256' } as const)[hashAlgorithm.algorithm]
  if (digest === undefined) return false
  const { name, key } = issuerHashes(link.issuer, digest)
  const same = (a: ArrayBuffer, b: Buffer) => Buffer.from(a).equals(b)
  return (
    same(issuerNameHash.buffer, name) && same(issuerKeyHash.buffer, key) && same(serialNumber, link.certificate.serial)
  )
}

function answerOf(
  { certStatus, thisUpdate, nextUpdate, singleExtensions = [] }: SingleResponse,
  now: number,
): OcspAnswer {
  for (const { critical, extnID } of singleExtensions) if (critical) refuse('ocsp_malformed', { oid: extnID })
  const since = thisUpdate.getTime()
  const until = Math.min(nextUpdate?.getTime() ?? since + UNDATED_MS, since + MAX_AGE_MS)
  if (since > now + SKEW_MS) refuse('ocsp_stale', { what: 'not valid yet' })
  if (now > until + SKEW_MS) refuse('ocsp_stale', { until: new Date(until).toISOString() })
  const { revoked } = certStatus
  if (revoked !== undefined) {
    const reason: number = revoked.revocationReason?.reason ?? 0
    return { status: { is: 'revoked', at: revoked.revocationTime.getTime(), reason }, thisUpdate: since, until }
  }
  if (certStatus.good === undefined) refuse('ocsp_unknown')
  return { status: { is: 'good' }, thisUpdate: since, until }
}

async function assertSigned(basic: BasicOCSPResponse, link: Link, now: number): Promise<void> {
  const { tbsResponseDataRaw, signatureAlgorithm, signature } = basic
  const data = Buffer.from(tbsResponseDataRaw ?? new ArrayBuffer(0))
  const algorithm = Buffer.from(AsnConvert.serialize(signatureAlgorithm))
  const oid = signatureAlgorithm.algorithm
  if (!isStrongSignature(oid, algorithm, 'private')) refuse('ocsp_signer', { oid })
  const responder = responderOf(basic, link, now)
  const isSigned = await isSignedWith({ data, signature: Buffer.from(signature), oid, algorithm }, responder.key)
  if (!isSigned) refuse('ocsp_signer', { what: 'a wrong signature' })
}

/** The issuer itself, or one whom it has named for that and nothing but that by a certificate of its own (§4.2.2.2). */
function responderOf({ tbsResponseData, certs = [] }: BasicOCSPResponse, { issuer }: Link, now: number): Certificate {
  const { byName, byKey } = tbsResponseData.responderID
  const names = (one: Certificate): boolean =>
    byKey === undefined
      ? byName !== undefined && readName(Buffer.from(AsnConvert.serialize(byName))).key === one.subject.key
      : Buffer.from(byKey.buffer).equals(issuerHashes(one).key)
  if (names(issuer)) return issuer
  if (certs.length > MAX_CERTIFICATES) refuse('ocsp_malformed', { certificates: certs.length })
  for (const one of certs) {
    const delegate = attempt(() => readCertificate(Buffer.from(AsnConvert.serialize(one))))
    if (delegate !== undefined && names(delegate) && mayRespond(delegate, issuer, now)) return delegate
  }
  return refuse('ocsp_signer', { what: 'neither the authority nor a responder that it names' })
}

/** `nocheck` is demanded: without it the responder's own revocation would be another question to itself (§4.2.2.2.1). */
function mayRespond(delegate: Certificate, issuer: Certificate, now: number): boolean {
  const { extendedKeyUsage, extensions, keyUsage, notBefore, notAfter, signature } = delegate
  if (delegate.issuer.key !== issuer.subject.key || !delegate.isSignedBy(issuer.key)) return false
  if (extendedKeyUsage?.includes(SIGNING) !== true || !extensions.has(OID.noCheck)) return false
  if (keyUsage !== undefined && (keyUsage & KeyUsageFlags.digitalSignature) === 0) return false
  if (now < notBefore || now > notAfter) return false
  if (!isStrongSignature(signature.oid, signature.algorithm, 'private')) return false
  return attempt(() => assertStrongKey(delegate, 'private') ?? true) === true
}

function attempt<Value>(run: () => Value): Value | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
