// Our verifier with the rules for public authorities, as it runs after the platform's own; here it runs alone.
import { Anchors, certificatesIn } from '../../packages/portcullis/src/pki/validation/anchors.ts'
import { findPath } from '../../packages/portcullis/src/pki/validation/path.ts'
import { assertList, statusIn } from '../../packages/portcullis/src/pki/revocation/check-list.ts'
import { readList } from '../../packages/portcullis/src/pki/revocation/crl.ts'
import { CertificateRefused } from '../../packages/portcullis/src/pki/validation/refused.ts'

/** `{ accepted, reason }`. */
export async function verifyOurs(one, now) {
  try {
    const path = findPath({
      chain: [one.peer_certificate, ...one.untrusted_intermediates].flatMap(certificatesIn),
      anchors: new Anchors(one.trusted_certs),
      now,
      purpose: one.validation_kind === 'SERVER' ? 'server' : 'client',
      profile: 'webpki',
      ...(one.validation_kind === 'SERVER' && one.expected_peer_name && { host: one.expected_peer_name.value }),
      ...(one.max_chain_depth !== null && { maxDepth: one.max_chain_depth }),
    })
    if (one.crls?.length > 0) await assertListed(path, one.crls, now)
    return { accepted: true, reason: '' }
  } catch (thrown) {
    if (!(thrown instanceof CertificateRefused)) throw thrown
    return { accepted: false, reason: thrown.reason }
  }
}

/** As hard-fail does with lists in files: the leaf has to be in the scope of one that can be believed. */
async function assertListed([certificate, issuer], crls, now) {
  let problem = new CertificateRefused('unnamed')
  for (const pem of crls) {
    try {
      const list = readList(Buffer.from(pem))
      await assertList(list, { certificate, issuer }, now)
      if (statusIn(list, certificate.serial).is === 'good') return
      throw new CertificateRefused('revoked')
    } catch (thrown) {
      if (thrown instanceof CertificateRefused && thrown.reason === 'revoked') throw thrown
      problem = thrown
    }
  }
  throw problem
}
