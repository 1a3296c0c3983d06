/** Decides what the claims of an issuer mean here: tenant, roles, subject and scopes. */
import { Fault } from '../core/fault.ts'
import type { JsonObject } from './fetch-json.ts'

/** A claim's name, or the names on the way to a nested one. A name may contain dots, so a path is a list. */
export type ClaimPath = string | readonly [string, ...string[]]

export interface ClaimMapping {
  /** An issuer speaks for one tenant, or for those that the table lists: it must not be able to name any other. */
  readonly tenant:
    | { readonly fixed: string }
    | { readonly claim: ClaimPath; readonly map: Readonly<Record<string, string>> }
  /** Values without an entry are ignored, so that a group of the issuer never becomes a role by its name alone. */
  readonly roles?: { readonly claim: ClaimPath; readonly map: Readonly<Record<string, readonly string[]>> }
  /** Roles of everybody whom the issuer knows. */
  readonly everyone?: readonly string[]
  /** `sub` unless said otherwise. */
  readonly subject?: ClaimPath
  /** `scope` (RFC 9068 §2.2.3) unless said otherwise; text with spaces or a list. */
  readonly scopes?: ClaimPath
}

export interface MappedClaims {
  readonly tenant: string
  readonly subject: string
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

const MAX_SUBJECT_CHARS = 255
const CONTROL = /\p{Cc}/u

/** Throws `identity.invalid_token` without a subject or a tenant. */
export function mapClaims(claims: JsonObject, mapping: ClaimMapping): MappedClaims {
  return {
    tenant: tenantOf(claims, mapping.tenant),
    subject: subjectOf(claims, mapping.subject ?? 'sub'),
    roles: rolesOf(claims, mapping),
    scopes: textsOf(claimAt(claims, mapping.scopes ?? 'scope')),
  }
}

/** The text at a path, or undefined when there is none. */
export function textAt(claims: JsonObject, path: ClaimPath): string | undefined {
  const value = claimAt(claims, path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function tenantOf(claims: JsonObject, rule: ClaimMapping['tenant']): string {
  if ('fixed' in rule) return rule.fixed
  const value = claimAt(claims, rule.claim)
  const tenant = typeof value === 'string' ? ownMember(rule.map, value) : undefined
  if (typeof tenant !== 'string') throw new Fault('identity.invalid_token', { reason: 'no tenant' })
  return tenant
}

function subjectOf(claims: JsonObject, path: ClaimPath): string {
  const subject = claimAt(claims, path)
  const usable = typeof subject === 'string' && subject !== '' && subject.length <= MAX_SUBJECT_CHARS
  if (!usable || CONTROL.test(subject)) throw new Fault('identity.invalid_token', { reason: 'no usable subject' })
  return subject
}

function rolesOf(claims: JsonObject, { roles, everyone = [] }: ClaimMapping): readonly string[] {
  const found = new Set(everyone)
  if (roles === undefined) return [...found]
  for (const value of textsOf(claimAt(claims, roles.claim))) {
    const mapped = ownMember(roles.map, value)
    if (Array.isArray(mapped)) for (const role of mapped) found.add(role)
  }
  return [...found]
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((text) => text !== '')
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : []
}

/** The value at a path, or undefined where nothing is. */
export function claimAt(claims: JsonObject, path: ClaimPath): unknown {
  let value: unknown = claims
  for (const name of typeof path === 'string' ? [path] : path) value = ownMember(value, name)
  return value
}

/** Names like `constructor` come from outside: only what is really in the object counts. */
function ownMember(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined
  return (holder as JsonObject)[name]
}
