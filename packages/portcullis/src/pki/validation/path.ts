/**
 * Finds a path from a certificate to an anchor in which every rule holds (RFC 5280 §6, RFC 4158). The search is bounded in
 * depth, in steps and in signatures, and no certificate can be in a path twice, so what a stranger sends cannot hold it up.
 */
import type { Anchors } from './anchors.ts'
import { type Certificate, describe, isSelfIssued, readCertificate } from './certificate.ts'
import { assertHost } from './host-name.ts'
import { assertConstrained, type Budget } from './name-constraints.ts'
import { assertPolicies } from './policies.ts'
import type { Profile, Purpose } from './profile.ts'
import { asRefusal, CertificateRefused } from './refused.ts'
import { assertRules, type Place } from './rules.ts'

export interface PathQuestion {
  /** DER, the leaf first; the others in any order. */
  readonly chain: readonly Buffer[]
  /** DER of further steps, which the operator knows. */
  readonly known?: readonly Buffer[]
  readonly anchors: Anchors
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly purpose: Purpose
  readonly profile: Profile
  /** Whom the leaf has to be for: a host name or address; absent for clients. */
  readonly host?: string
  /** Intermediates that may stand between leaf and anchor, not counting those that renew a key. Default and most: 8. */
  readonly maxDepth?: number
}

/** The leaf first, the anchor last; one alone when the leaf itself is trusted. */
export type Path = readonly Certificate[]

const MAX_DEPTH = 8
const MAX_CERTIFICATES = 32
const MAX_STEPS = 256
const MAX_SIGNATURES = 64
/** Self-issued certificates do not count as depth, so the path as a whole has its own end. */
const MAX_LENGTH = 16

/** Throws CertificateRefused: the reason of the first path that fails, or that there is none. */
export function findPath(question: PathQuestion): Path {
  const [first, ...others] = question.chain
  if (first === undefined) throw new CertificateRefused('untrusted', { what: 'no certificate' })
  if (others.length >= MAX_CERTIFICATES)
    throw new CertificateRefused('too_complex', { certificates: others.length + 1 })
  const leaf = readCertificate(first)
  return new Search(question, leaf, [...others, ...(question.known ?? [])]).run()
}

class Search {
  readonly #question: PathQuestion
  readonly #leaf: Certificate
  readonly #others: readonly Certificate[]
  readonly #signed = new Map<string, boolean>()
  readonly #budget: Budget = { comparisons: 0 }
  #steps = 0
  #failure: CertificateRefused | undefined
  /** Of a certificate beside the leaf. What cannot be read cannot be part of a path, and may be why there is none. */
  #unread: CertificateRefused | undefined

  constructor(question: PathQuestion, leaf: Certificate, others: readonly Buffer[]) {
    this.#question = question
    this.#leaf = leaf
    this.#others = others.flatMap((der) => this.#read(der))
  }

  run(): Path {
    const { anchors, profile, host } = this.#question
    const leaf = this.#leaf
    // Trusting the very certificate is more than trusting its issuer; only its authority bit means nothing then.
    const isAnchor = profile === 'private' && anchors.has(leaf)
    this.#assertRules(isAnchor && leaf.basic?.ca === true ? { ...leaf, basic: { ca: false } } : leaf, 'leaf')
    if (host !== undefined) assertHost(leaf, host, profile)
    const path = isAnchor ? [leaf] : this.#extend([leaf])
    if (path === undefined) throw this.#failure ?? this.#unread ?? new CertificateRefused('untrusted', describe(leaf))
    return path
  }

  #read(der: Buffer): readonly Certificate[] {
    try {
      return [readCertificate(der)]
    } catch (thrown) {
      this.#unread ??= asRefusal(thrown)
      return []
    }
  }

  #extend(path: Path): Path | undefined {
    const tail = path.at(-1) as Certificate
    const { issuers, unread } = this.#question.anchors.issuersOf(tail)
    this.#unread ??= unread
    for (const anchor of issuers) {
      if (this.#isNext(path, anchor)) {
        const found = this.#attempt(() => this.#finish([...path, anchor]))
        if (found !== undefined) return found
      }
    }
    for (const issuer of this.#others) {
      if (issuer.subject.key !== tail.issuer.key || !this.#isNext(path, issuer)) continue
      const longer = [...path, issuer]
      const isGood = this.#attempt(() => this.#assertRoom(longer) ?? this.#assertRules(issuer, 'intermediate') ?? true)
      const found = isGood === true ? this.#extend(longer) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Notes the first failure, because it is that of the way which the other end meant. */
  #attempt<Value>(run: () => Value): Value | undefined {
    try {
      return run()
    } catch (thrown) {
      const refusal = asRefusal(thrown)
      if (refusal.reason === 'too_complex') throw refusal
      this.#failure ??= refusal
      return undefined
    }
  }

  #isNext(path: Path, issuer: Certificate): boolean {
    if (++this.#steps > MAX_STEPS) throw new CertificateRefused('too_complex', { steps: this.#steps })
    const tail = path.at(-1) as Certificate
    const isInPath = path.some((one) => one.subject.key === issuer.subject.key && one.keyInfo.equals(issuer.keyInfo))
    if (isInPath || !isMeant(tail, issuer)) return false
    const isSigned = this.#isSigned(tail, issuer)
    if (!isSigned) this.#failure ??= new CertificateRefused('bad_signature', describe(tail))
    return isSigned
  }

  #isSigned(certificate: Certificate, issuer: Certificate): boolean {
    const pair = `${certificate.digest} ${issuer.digest}`
    const known = this.#signed.get(pair)
    if (known !== undefined) return known
    if (this.#signed.size >= MAX_SIGNATURES) throw new CertificateRefused('too_complex', { signatures: MAX_SIGNATURES })
    const isSigned = certificate.isSignedBy(issuer.key)
    this.#signed.set(pair, isSigned)
    return isSigned
  }

  #assertRoom(path: Path): void {
    const depth = path.slice(1).filter((one) => !isSelfIssued(one)).length
    const most = Math.min(this.#question.maxDepth ?? MAX_DEPTH, MAX_DEPTH)
    if (depth > most || path.length > MAX_LENGTH) throw new CertificateRefused('too_deep', { depth })
  }

  #assertRules(certificate: Certificate, place: Place): void {
    const { purpose, now, anchors } = this.#question
    // Whoever published a list of anchors has looked at them one by one, and knows the exceptions.
    const profile = place === 'anchor' && anchors.published ? 'private' : this.#question.profile
    try {
      assertRules(certificate, { place, profile, purpose, now })
    } catch (thrown) {
      const { reason, detail } = asRefusal(thrown)
      throw new CertificateRefused(reason, { ...describe(certificate), place, ...detail })
    }
  }

  #finish(path: Path): Path {
    this.#assertRules(path.at(-1) as Certificate, 'anchor')
    for (const [at, issuer] of path.entries()) if (at > 0) this.#assertBelow(issuer, path.slice(0, at))
    assertPolicies(path.slice(0, -1).toReversed())
    return path
  }

  /** `below` runs from the leaf to the one that `issuer` has signed. */
  #assertBelow({ basic, constraints }: Certificate, below: Path): void {
    const authorities = below.slice(1).filter((one) => !isSelfIssued(one)).length
    if (basic?.pathLength !== undefined && authorities > basic.pathLength)
      throw new CertificateRefused('path_length', { allowed: basic.pathLength, found: authorities })
    if (constraints === undefined) return
    for (const [at, one] of below.entries()) {
      // A self-issued authority only renews a key (RFC 5280 §6.1.3).
      if (at === 0 || !isSelfIssued(one)) assertConstrained(one, constraints, this.#budget)
    }
  }
}

/** A name alone may be that of several keys; where both sides name a key, it has to be the same. */
function isMeant({ authorityKey }: Certificate, { keyId }: Certificate): boolean {
  return authorityKey?.keyId === undefined || keyId === undefined || authorityKey.keyId === keyId
}
