/** Decides under which addresses whoever verifies a certificate of ours learns whether it is revoked. */
import type { Pointers } from './make-certificate.ts'

export const PUBLISHED_PATH = '/pki'

/** Where a certificate says that whoever verifies it may ask; `url` is the origin under which the publisher answers. */
export function pointersTo(url: string, issuer: string): Pointers {
  const base = url + PUBLISHED_PATH
  if (issuer === 'root') return { list: `${base}/root.crl` }
  return { list: `${base}/${issuer}.crl`, ocsp: `${base}/ocsp`, issuer: `${base}/${issuer}.crt` }
}
