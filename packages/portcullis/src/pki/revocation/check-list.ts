/** Whether a revocation list speaks of a certificate, may be believed, and what it says (RFC 5280 §6.3). */
import { KeyUsageFlags } from '@peculiar/asn1-x509'
import type { Certificate } from '../validation/certificate.ts'
import { ALL_REASONS, namesOf } from '../validation/distribution-points.ts'
import { CertificateRefused } from '../validation/refused.ts'
import { isStrongSignature } from '../validation/strength.ts'
import { type ListScope, REMOVED, type RevocationList } from './crl.ts'
import { isSignedWith } from './signed.ts'
import { SKEW_MS, type Status } from './status.ts'

/** A certificate and whoever signed it. */
export interface Link {
  readonly certificate: Certificate
  readonly issuer: Certificate
  /** Further certificates of the issuer that stand above it in the verified path: an authority that has renewed its key. */
  readonly renewed?: readonly Certificate[]
}

/**
 * Throws CertificateRefused `crl_signature`, `crl_stale` or `crl_scope` when the list cannot be believed, is about others or about
 * some reasons alone. Indirect lists, which somebody else signs, are never believed.
 */
export async function assertList(list: RevocationList, link: Link, now: number): Promise<void> {
  if (list.scope.reasons !== undefined) refuse('crl_scope', 'some reasons alone')
  await assertPart(list, link, now)
}

/** As `assertList`, for a list that others complete: it says something about the reasons of `reasonsOf` alone. */
export async function assertPart(list: RevocationList, link: Link, now: number): Promise<void> {
  const { certificate } = link
  if (list.issuer.key !== certificate.issuer.key) refuse('crl_scope', 'another authority')
  assertScope(list.scope, certificate)
  if (now > list.nextUpdate) refuse('crl_stale', new Date(list.nextUpdate).toISOString())
  if (list.thisUpdate > now + SKEW_MS) refuse('crl_stale', 'a list of the future')
  const signer = signerOf(list, link)
  if (signer.keyUsage !== undefined && (signer.keyUsage & KeyUsageFlags.cRLSign) === 0)
    refuse('crl_signature', 'the authority may not sign lists')
  const { oid, algorithm } = list.signed
  if (!isStrongSignature(oid, algorithm, 'private')) refuse('crl_signature', `the algorithm ${oid}`)
  if (!(await isSignedWith(list.signed, signer.key))) refuse('crl_signature', 'a wrong signature')
}

/** The issuer; where the list names another key, whoever of the same name has it further up. None vouches for itself (§6.3.3 (f)). */
function signerOf({ authorityKeyId: key }: RevocationList, { issuer, renewed = [] }: Link): Certificate {
  if (key === undefined || issuer.keyId === undefined || key === issuer.keyId) return issuer
  return renewed.find(({ keyId }) => keyId === key) ?? refuse('crl_signature', 'another key')
}

/** As `assertList`, for what changes `base` since it was made (§5.2.4). */
export async function assertDelta(delta: RevocationList, base: RevocationList, link: Link, now: number): Promise<void> {
  if (delta.base === undefined) refuse('crl_scope', 'a whole list in the place of a delta')
  if (delta.base > base.number || delta.number < base.number) refuse('crl_scope', 'a delta of another list')
  if (delta.scopeDer !== base.scopeDer) refuse('crl_scope', 'a delta of another scope')
  await assertPart(delta, link, now)
}

/** `delta` says what happened after `list`. */
export function statusIn(list: RevocationList, serial: Buffer, delta?: RevocationList): Status {
  const news = delta?.find(serial)
  if (news?.reason === REMOVED) return { is: 'good' }
  const entry = news ?? list.find(serial)
  return entry === undefined ? { is: 'good' } : { is: 'revoked', at: entry.at, reason: entry.reason }
}

/** For which reasons the list decides whether the certificate is revoked, as bits (§6.3.3 (d)); it is in its scope. */
export function reasonsOf({ scope }: RevocationList, certificate: Certificate): number {
  const own = scope.reasons ?? ALL_REASONS
  if (scope.point === undefined) return own
  const ofPoints = pointsOf(scope, certificate).reduce((bits, { reasons = ALL_REASONS }) => bits | reasons, 0)
  return own & ofPoints
}

function assertScope(scope: ListScope, certificate: Certificate): void {
  if (scope.indirect) refuse('crl_scope', 'an indirect list')
  const own = certificate.basic?.ca === true ? 'authorities' : 'users'
  if (scope.only !== undefined && scope.only !== own) refuse('crl_scope', `${scope.only} alone`)
  if (scope.point === undefined) return
  if (pointsOf(scope, certificate).length === 0) refuse('crl_scope', 'another distribution point')
}

/** Those points of the certificate that the list names. Lists of others name theirs in another way, and are not believed. */
function pointsOf({ point }: ListScope, { issuer, distributionPoints }: Certificate) {
  const named = new Set(point && namesOf(point, issuer))
  return distributionPoints.filter((one) => !one.indirect && namesOf(one, issuer).some((name) => named.has(name)))
}

function refuse(reason: 'crl_scope' | 'crl_stale' | 'crl_signature', what: string): never {
  throw new CertificateRefused(reason, { what })
}
