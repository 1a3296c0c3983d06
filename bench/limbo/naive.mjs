// What one writes with node:crypto alone: signatures and names up to an anchor, validity, the host by checkHost.
import { X509Certificate } from 'node:crypto'

const MAX_DEPTH = 8

export function verifyNaively(one, now) {
  try {
    const leaf = new X509Certificate(one.peer_certificate)
    const anchors = one.trusted_certs.map((pem) => new X509Certificate(pem))
    const others = one.untrusted_intermediates.map((pem) => new X509Certificate(pem))
    return isForHost(leaf, one) && reaches(leaf, anchors, others, now, 0)
  } catch {
    return false
  }
}

function isForHost(leaf, { expected_peer_name: name, validation_kind: kind }) {
  if (kind !== 'SERVER' || !name) return true
  return (name.kind === 'IP' ? leaf.checkIP(name.value) : leaf.checkHost(name.value)) !== undefined
}

function reaches(link, anchors, others, now, depth) {
  if (depth > MAX_DEPTH || now < link.validFromDate.getTime() || now > link.validToDate.getTime()) return false
  const signs = (issuer) => issuer.ca && link.checkIssued(issuer) && link.verify(issuer.publicKey)
  if (anchors.some(signs)) return true
  return others.some(
    (issuer) =>
      issuer.fingerprint256 !== link.fingerprint256 &&
      signs(issuer) &&
      reaches(issuer, anchors, others, now, depth + 1),
  )
}
