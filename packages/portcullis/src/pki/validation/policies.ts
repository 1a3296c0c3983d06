/**
 * Whether a path has the policies that its authorities demand (RFC 5280 §6.1.3 to §6.1.5). We ask for none ourselves, so it
 * is enough to know whether any is left: sets take the place of the tree, whose size an attacker could choose (RFC 9618).
 */
import { AsnConvert } from '@peculiar/asn1-schema'
import { CertificatePolicies, InhibitAnyPolicy, PolicyConstraints, PolicyMappings } from '@peculiar/asn1-x509'
import { type Certificate, isSelfIssued, OID } from './certificate.ts'
import { readOne, TAG } from './der.ts'
import { asRefusal, CertificateRefused } from './refused.ts'

const ANY = '2.5.29.32.0'
const MAX_POLICIES = 256

interface State {
  /** None is valid any more when it is empty. */
  valid: ReadonlySet<string>
  /** Certificates that may still follow before it is demanded, mapped, or before `any` stops counting. */
  explicit: number
  mapping: number
  any: number
}

/** `path` runs from the one below the anchor to the leaf. Throws CertificateRefused `policy`, or `malformed`. */
export function assertPolicies(path: readonly Certificate[]): void {
  const open = path.length + 1
  const state: State = { valid: new Set([ANY]), explicit: open, mapping: open, any: open }
  for (const [index, certificate] of path.entries()) {
    try {
      step(state, certificate, index === path.length - 1)
    } catch (thrown) {
      throw asRefusal(thrown)
    }
    if (state.explicit <= 0 && state.valid.size === 0) throw new CertificateRefused('policy')
  }
}

function step(state: State, certificate: Certificate, isLeaf: boolean): void {
  state.valid = narrowed(state, certificate, isLeaf)
  if (!isLeaf) applyMappings(state, certificate)
  const counts = isLeaf || !isSelfIssued(certificate) ? 1 : 0
  state.explicit = Math.max(0, state.explicit - counts)
  state.mapping = Math.max(0, state.mapping - counts)
  state.any = Math.max(0, state.any - counts)
  const { require, inhibit } = constraintsOf(certificate)
  if (require !== undefined && (!isLeaf || require === 0)) state.explicit = Math.min(state.explicit, require)
  if (inhibit !== undefined && !isLeaf) state.mapping = Math.min(state.mapping, inhibit)
  const skip = certificate.extensions.get(OID.inhibitAnyPolicy)
  const certificates = skip && numberOf(AsnConvert.parse(skip.value, InhibitAnyPolicy).value)
  if (certificates !== undefined && !isLeaf) state.any = Math.min(state.any, certificates)
}

function narrowed({ valid, any }: State, certificate: Certificate, isLeaf: boolean): ReadonlySet<string> {
  const extension = certificate.extensions.get(OID.policies)
  if (extension === undefined) return new Set()
  const named = AsnConvert.parse(extension.value, CertificatePolicies).map(({ policyIdentifier }) => policyIdentifier)
  if (named.length === 0 || named.length > MAX_POLICIES || new Set(named).size !== named.length)
    throw new CertificateRefused('policy', { what: 'policies that are none, too many, or named twice' })
  const kept = named.filter((policy) => policy !== ANY && (valid.has(policy) || valid.has(ANY)))
  const passesAll = named.includes(ANY) && (any > 0 || (!isLeaf && isSelfIssued(certificate)))
  return new Set(passesAll ? [...kept, ...valid] : kept)
}

function applyMappings(state: State, certificate: Certificate): void {
  const extension = certificate.extensions.get(OID.policyMappings)
  if (extension === undefined) return
  const mappings = AsnConvert.parse(extension.value, PolicyMappings)
  if (mappings.length > MAX_POLICIES) throw new CertificateRefused('too_complex', { mappings: mappings.length })
  const valid = new Set(state.valid)
  const added = new Set<string>()
  for (const { issuerDomainPolicy: from, subjectDomainPolicy: to } of mappings) {
    if (from === ANY || to === ANY) throw new CertificateRefused('policy', { what: 'a mapping of any policy' })
    if (state.mapping > 0 && (state.valid.has(from) || state.valid.has(ANY))) added.add(to)
    valid.delete(from)
  }
  state.valid = new Set([...valid, ...added])
}

/** An empty sequence says nothing and is forbidden (§4.2.1.11). */
function constraintsOf({ extensions }: Certificate) {
  const extension = extensions.get(OID.policyConstraints)
  if (extension === undefined) return {}
  if (readOne(extension.value, TAG.sequence).content.length === 0) throw new CertificateRefused('policy')
  const { requireExplicitPolicy, inhibitPolicyMapping } = AsnConvert.parse(extension.value, PolicyConstraints)
  return { require: numberOf(requireExplicitPolicy), inhibit: numberOf(inhibitPolicyMapping) }
}

/** The library leaves these integers as they are encoded. */
function numberOf(octets: ArrayBuffer | undefined): number | undefined {
  if (octets === undefined) return undefined
  const bytes = Buffer.from(octets)
  if (bytes.length === 0 || bytes.length > 4 || (bytes[0] as number) >= 0x80) throw new CertificateRefused('policy')
  return bytes.readUIntBE(0, bytes.length)
}
