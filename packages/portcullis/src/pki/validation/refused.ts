/** Every reason for which a certificate that the platform accepts is refused here, and how it is told. */

/** Reasons by their stable codes; what each means stands beside it. */
// biome-ignore format: one reason a row
export const REASONS = {
  malformed:           'it is not strict DER, or a field cannot be read (RFC 5280 §4)',
  version:             'it is not of version 3 (RFC 5280 §4.1.2.1)',
  serial:              'its serial number is not positive or longer than 20 octets (RFC 5280 §4.1.2.2)',
  subject:             'its subject or issuer is empty where a name is needed (RFC 5280 §4.1.2.4, §4.1.2.6)',
  extension:           'an extension occurs twice, is critical against its definition or not critical against it, or is unknown and critical',
  expired:             'it has expired',
  not_yet_valid:       'it is not valid yet',
  not_an_authority:    'what signed it is no authority (RFC 5280 §4.2.1.9)',
  authority_as_server: 'it is the certificate of an authority (CA/B Forum BR 7.1.2.7)',
  path_length:         'there are more authorities below one than it allows (RFC 5280 §4.2.1.9)',
  key_usage:           'its key usage does not fit (RFC 5280 §4.2.1.3)',
  extended_key_usage:  'its extended key usage does not fit (RFC 5280 §4.2.1.12, CA/B Forum BR 7.1.2.7.10)',
  key_identifier:      'a key identifier is missing or wrong (RFC 5280 §4.2.1.1, §4.2.1.2)',
  weak_key:            'its key is of a kind or size that counts as weak (CA/B Forum BR 6.1.5)',
  weak_digest:         'its signature uses a digest that counts as broken (CA/B Forum BR 7.1.3.2)',
  no_names:            'it has no subject alternative names; the common name does not count (RFC 9525 §6.3)',
  bad_name:            'one of its names is written wrongly (RFC 5280 §4.2.1.6)',
  common_name:         'its common name is none of its subject alternative names (CA/B Forum BR 7.1.4.3)',
  wrong_name:          'it is for another name (RFC 9525 §6)',
  name_constraints:    'a name is outside of what an authority may vouch for (RFC 5280 §4.2.1.10)',
  policy:              'an authority demands a policy that the path lacks (RFC 5280 §6.1)',
  bad_signature:       'a signature is not that of the authority that it names',
  untrusted:           'no path leads to an authority that is trusted',
  too_deep:            'the path is longer than allowed',
  too_complex:         'it needs more work than a path may cost',
  pin:                 'no key of the path is pinned',
  revoked:             'it is revoked',
  staple_missing:      'it demands a stapled OCSP response, and there was none that counts (RFC 7633)',
  unnamed:             'it names no place to ask whether it is revoked',
  crl_unreachable:     'the revocation list could not be fetched',
  crl_malformed:       'the revocation list cannot be read',
  crl_signature:       'the revocation list is not signed by the authority',
  crl_stale:           'the revocation list is past its date',
  crl_scope:           'the revocation list is not about this certificate',
  ocsp_unreachable:    'the OCSP responder did not answer in time',
  ocsp_malformed:      'the OCSP response cannot be read',
  ocsp_refused:        'the OCSP responder gave no status',
  ocsp_signer:         'the OCSP response is not signed by the authority or a responder that it names (RFC 6960 §4.2.2.2)',
  ocsp_stale:          'the OCSP response is past its date or not valid yet',
  ocsp_mismatch:       'the OCSP response is about another certificate',
  ocsp_nonce:          'the OCSP response answers another request (RFC 9654)',
  ocsp_unknown:        'the OCSP responder does not know the certificate',
} as const

export type RefusalReason = keyof typeof REASONS

/** Thrown for a certificate that must not be believed. Nothing of it is for strangers: `message` and `detail` are for the record. */
export class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused'
  readonly reason: RefusalReason
  readonly detail: Readonly<Record<string, unknown>>

  constructor(reason: RefusalReason, detail: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(`the certificate is refused: ${REASONS[reason]}`, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.detail = detail
  }
}

/** Passes a refusal on; anything else that a parser throws is a certificate that cannot be read. */
export function asRefusal(thrown: unknown, reason: RefusalReason = 'malformed'): CertificateRefused {
  return thrown instanceof CertificateRefused ? thrown : new CertificateRefused(reason, {}, thrown)
}
