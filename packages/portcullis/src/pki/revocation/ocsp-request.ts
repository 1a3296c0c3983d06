/** Writes the question to an OCSP responder about one certificate (RFC 6960 §4.1). */
import { createHash } from 'node:crypto'
import { CertID, id_pkix_ocsp_nonce, OCSPRequest, Request, TBSRequest } from '@peculiar/asn1-ocsp'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import { AlgorithmIdentifier, Extension } from '@peculiar/asn1-x509'
import { readOne, readRow, TAG } from '../validation/der.ts'
import type { Certificate } from '../validation/certificate.ts'
import type { Link } from './check-list.ts'

const SHA_1 = '1.3.14.3.2.26'
/** RFC 9654 §2.1. */
export const NONCE_OCTETS = 32

/** How responses name a certificate; `digest` is that of the name and key of its issuer. */
export interface IssuerHashes {
  readonly name: Buffer
  readonly key: Buffer
}

/** SHA-1 by default, because all responders know it; nothing depends on its strength (RFC 5019 §2.1.1). */
export function issuerHashes({ subject, keyInfo }: Certificate, digest = 'sha1'): IssuerHashes {
  const [, bits] = readRow(readOne(keyInfo, TAG.sequence).content)
  const hash = (data: Buffer) => createHash(digest).update(data).digest()
  return { name: hash(subject.der), key: hash((bits?.content ?? Buffer.alloc(1)).subarray(1)) }
}

/** DER. */
export function ocspRequest({ certificate, issuer }: Link, nonce: Buffer): Buffer {
  const { name, key } = issuerHashes(issuer)
  const reqCert = new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: SHA_1, parameters: Uint8Array.of(5, 0).buffer }),
    issuerNameHash: new OctetString(name),
    issuerKeyHash: new OctetString(key),
    serialNumber: Uint8Array.from(certificate.serial).buffer,
  })
  const value = new OctetString(AsnConvert.serialize(new OctetString(nonce)))
  const tbsRequest = new TBSRequest({
    requestList: [new Request({ reqCert })],
    requestExtensions: [new Extension({ extnID: id_pkix_ocsp_nonce, critical: false, extnValue: value })],
  })
  return Buffer.from(AsnConvert.serialize(new OCSPRequest({ tbsRequest })))
}
