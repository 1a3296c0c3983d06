/** Decides whom a provider may vouch for here, and what its claims mean. */
import { claimAt, type ClaimMapping, type ClaimPath } from '../../claims.ts'

export interface ProviderRules {
  /** Who may sign in; absent: whoever has a link already. */
  readonly admit?: 'everybody' | Admission
  /** Accounts are made for people who come for the first time. */
  readonly creates: boolean
  /** Tenant and roles of accounts that are made for this provider. */
  readonly claims: ClaimMapping
  /** Claim that names a new account. */
  readonly nameClaim: ClaimPath
  /** Whether `amr` and `acr` of the provider are believed. */
  readonly believesStrength: boolean
}

export interface Admission {
  /** Domains of verified e-mail addresses, in lower case. */
  readonly emailDomains?: readonly string[]
  readonly groups?: { readonly claim: ClaimPath; readonly values: readonly string[] }
}

type Claims = Readonly<Record<string, unknown>>

/** Why the person may not sign in, or undefined. An address that nobody has verified is nobody's. */
export function admissionProblem({ admit }: Pick<ProviderRules, 'admit'>, claims: Claims): string | undefined {
  if (admit === undefined || admit === 'everybody') return undefined
  const { emailDomains, groups } = admit
  if (emailDomains !== undefined) {
    const email = verifiedEmail(claims)
    if (email === undefined) return 'the e-mail address is not verified'
    if (!emailDomains.includes(email.slice(email.lastIndexOf('@') + 1))) return 'the e-mail domain is not allowed'
  }
  if (groups !== undefined) {
    const own = textsAt(claims, groups.claim)
    if (!groups.values.some((value) => own.includes(value))) return 'no allowed group'
  }
  return undefined
}

/** In lower case; undefined unless the provider says `true`, and not something like it. */
export function verifiedEmail(claims: Claims): string | undefined {
  const { email, email_verified: verified } = claims
  if (verified !== true || typeof email !== 'string' || !/^[^@\s]{1,64}@[^@\s]{1,255}$/.test(email)) return undefined
  return email.toLowerCase()
}

/** The text of a claim; that of `email` only when it is verified. */
export function textAt(claims: Claims, path: ClaimPath): string | undefined {
  if (path === 'email') return verifiedEmail(claims)
  const value = claimAt(claims, path)
  return typeof value === 'string' ? value : undefined
}

function textsAt(claims: Claims, path: ClaimPath): readonly string[] {
  const value = claimAt(claims, path)
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
}
