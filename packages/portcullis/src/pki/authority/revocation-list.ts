/** Writes a revocation list (RFC 5280 §5). */
import { issuerHashes } from '../revocation/ocsp-request.ts'
import { readCertificate } from '../validation/certificate.ts'
import { ECDSA_SHA256, element, enumerated, extension, integer, sequence, signedBy, time } from './der-writer.ts'
import type { IssuedCertificate } from './issued-ledger.ts'
import type { Issuer } from './issuer.ts'

const OID = {
  number: Buffer.from('0603551d14', 'hex'),
  reason: Buffer.from('0603551d15', 'hex'),
  authorityKey: Buffer.from('0603551d23', 'hex'),
}
const VERSION_2 = integer(Buffer.of(1))
/** An entry stays on a list that is made after its certificate has expired (RFC 5280 §3.3). */
const AFTER_EXPIRY_MS = 7 * 86_400_000

export interface ListMoment {
  /** Instants in milliseconds. */
  readonly now: number
  readonly nextUpdate: number
  /** Higher than that of any list of this issuer before; see `IssuedLedger.nextListNumber`. */
  readonly number: number
}

/** DER. Who of `issued` is revoked. */
export function listOf(
  issuer: Pick<Issuer, 'key' | 'leaf'>,
  issued: readonly IssuedCertificate[],
  { now, nextUpdate, number }: ListMoment,
): Buffer {
  const certificate = readCertificate(issuer.leaf.raw)
  const entries = issued
    .filter(({ revoked, notAfter }) => revoked !== undefined && notAfter + AFTER_EXPIRY_MS > now)
    .map(entryOf)
  const key = sequence(element(0x80, issuerHashes(certificate).key))
  const extensions = [extension(OID.authorityKey, key), extension(OID.number, numberOf(number))]
  const fields = [VERSION_2, ECDSA_SHA256, certificate.subject.der, time(now), time(nextUpdate)]
  // A list that is there and empty is forbidden (§5.1.2.6).
  if (entries.length > 0) fields.push(sequence(...entries))
  return signedBy(issuer, sequence(...fields, element(0xa0, sequence(...extensions))))
}

/** `unspecified` is told by leaving the reason out (§5.3.1). */
function entryOf({ serial, revoked }: IssuedCertificate): Buffer {
  const { at = 0, reason = 0 } = revoked ?? {}
  const fields = [integer(Buffer.from(serial, 'hex')), time(at)]
  if (reason !== 0) fields.push(sequence(extension(OID.reason, enumerated(reason))))
  return sequence(...fields)
}

function numberOf(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return integer(bytes)
}
