/** Whether a revocation list speaks of a certificate, may be believed, and what it says (RFC 5280 §6.3). */
import { KeyUsageFlags } from '@peculiar/asn1-x509'
import type { Certificate } from '../validation/certificate.ts'
import { CertificateRefused } from '../validation/refused.ts'
import { isStrongSignature } from '../validation/strength.ts'
import { type ListScope, REMOVED, type RevocationList } from './crl.ts'
import { isSignedWith } from './signed.ts'
import { SKEW_MS, type Status } from './status.ts'

/** A certificate and whoever signed it. */
export interface Link {
  readonly certificate: Certificate
  readonly issuer: Certificate
}

/**
 * Throws CertificateRefused `crl_signature`, `crl_stale` or `crl_scope` when the list cannot be believed or is about others.
 * Indirect lists, which somebody else signs, are never believed.
 */
export async function assertList(list: RevocationList, link: Link, now: number): Promise<void> {
  const { certificate, issuer } = link
  if (list.issuer.key !== certificate.issuer.key) refuse('crl_scope', 'another authority')
  assertScope(list.scope, certificate)
  if (now > list.nextUpdate) refuse('crl_stale', new Date(list.nextUpdate).toISOString())
  if (list.thisUpdate > now + SKEW_MS) refuse('crl_stale', 'a list of the future')
  if (list.authorityKeyId !== undefined && issuer.keyId !== undefined && list.authorityKeyId !== issuer.keyId)
    refuse('crl_signature', 'another key')
  if (issuer.keyUsage !== undefined && (issuer.keyUsage & KeyUsageFlags.cRLSign) === 0)
    refuse('crl_signature', 'the authority may not sign lists')
  const { oid, algorithm } = list.signed
  if (!isStrongSignature(oid, algorithm, 'private')) refuse('crl_signature', `the algorithm ${oid}`)
  if (!(await isSignedWith(list.signed, issuer.key))) refuse('crl_signature', 'a wrong signature')
}

/** As `assertList`, for what changes `base` since it was made (§5.2.4). */
export async function assertDelta(delta: RevocationList, base: RevocationList, link: Link, now: number): Promise<void> {
  if (delta.base === undefined) refuse('crl_scope', 'a whole list in the place of a delta')
  if (delta.base > base.number || delta.number < base.number) refuse('crl_scope', 'a delta of another list')
  if (delta.scopeDer !== base.scopeDer) refuse('crl_scope', 'a delta of another scope')
  await assertList(delta, link, now)
}

/** `delta` says what happened after `list`. */
export function statusIn(list: RevocationList, serial: Buffer, delta?: RevocationList): Status {
  const news = delta?.find(serial)
  if (news?.reason === REMOVED) return { is: 'good' }
  const entry = news ?? list.find(serial)
  return entry === undefined ? { is: 'good' } : { is: 'revoked', at: entry.at, reason: entry.reason }
}

function assertScope(scope: ListScope, { basic, distributionPoints }: Certificate): void {
  if (scope.indirect) refuse('crl_scope', 'an indirect list')
  if (scope.someReasons) refuse('crl_scope', 'some reasons alone')
  const own = basic?.ca === true ? 'authorities' : 'users'
  if (scope.only !== undefined && scope.only !== own) refuse('crl_scope', `${scope.only} alone`)
  if (scope.urls === undefined) return
  const named = new Set(distributionPoints.flatMap(({ urls }) => urls))
  if (!scope.urls.some((url) => named.has(url))) refuse('crl_scope', 'another distribution point')
}

function refuse(reason: 'crl_scope' | 'crl_stale' | 'crl_signature', what: string): never {
  throw new CertificateRefused(reason, { what })
}
