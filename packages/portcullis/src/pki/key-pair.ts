/** Decides whether a certificate and a key may be used at this moment. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { PkiError } from './pki-error.ts'

export interface KeyPair {
  /** The leaf and its chain, PEM. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
  readonly leaf: X509Certificate
  /** Milliseconds since the epoch at which the leaf or a link of its chain ends, whichever is first. */
  readonly expiresAt: number
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/**
 * Checks that the key belongs to the first certificate, that each further one signed the one before it, and that none is
 * outside its validity at `now`. `place` names the files in errors. Throws PkiError.
 */
export function checkKeyPair(
  certificate: string,
  key: string,
  now: number,
  place: { certificate: string; key: string },
): KeyPair {
  const chain = (certificate.match(BLOCK) ?? []).map((block) => parse(block, place.certificate))
  const leaf = chain[0]
  if (leaf === undefined)
    throw new PkiError(`${place.certificate} holds no certificate`, 'put a PEM certificate into it')
  if (!leaf.checkPrivateKey(parseKey(key, place.key))) {
    throw new PkiError(
      `${place.key} is not the key of ${place.certificate}`,
      'use the key that the certificate was made for',
    )
  }
  for (const [index, link] of chain.entries()) {
    checkValidity(link, now, place.certificate)
    const issuer = chain[index + 1]
    if (issuer !== undefined && !(link.checkIssued(issuer) && link.verify(issuer.publicKey))) {
      throw new PkiError(
        `certificate ${index + 2} of ${place.certificate} did not sign certificate ${index + 1}`,
        'put the leaf first, and after each certificate the one that signed it',
      )
    }
  }
  return { certificate, key, leaf, expiresAt: Math.min(...chain.map((link) => link.validToDate.getTime())) }
}

function checkValidity(link: X509Certificate, now: number, file: string): void {
  if (link.validToDate.getTime() <= now) {
    throw new PkiError(`a certificate of ${file} expired on ${link.validTo}`, 'renew it')
  }
  if (link.validFromDate.getTime() > now) {
    throw new PkiError(
      `a certificate of ${file} is not valid before ${link.validFrom}`,
      'check the clock of this machine',
    )
  }
}

function parse(block: string, file: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (thrown) {
    throw new PkiError(`${file} holds a certificate that cannot be read`, 'make it PEM', thrown)
  }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (thrown) {
    throw new PkiError(`${file} holds no key that can be read`, 'make it PEM, without a passphrase', thrown)
  }
}
