/** Decides whose token is whose: makes them for a caller, and exchanges those that the caller sends back. */
import { Fault } from '../../core/fault.ts'
import type { Secret } from '../../core/secret.ts'
import type { Tokenise } from './text-masker.ts'
import { hasTokenSign, makeToken, openToken, TOKEN, type TokenKeys, type TokenOwner } from './tokens.ts'

/** The keys of a tenant; `existing` is undefined for one that has none. Both reject when the keys cannot be had. */
export interface TokenKeySource {
  of(tenant: string): Promise<TokenKeys>
  existing(tenant: string): Promise<TokenKeys | undefined>
}

/** Makes tokens of one caller. */
export async function tokeniserOf(source: TokenKeySource, owner: TokenOwner): Promise<Tokenise> {
  const keys = remembering(await source.of(owner.tenant))
  return (value, kind) => makeToken(value, kind, owner, keys)
}

/** Derives each key once for a message. */
function remembering(keys: TokenKeys): TokenKeys {
  const known = new Map<string, Secret<Buffer> | undefined>()
  return {
    version: keys.version,
    derived(purpose, version) {
      const name = `${version} ${purpose}`
      if (!known.has(name)) known.set(name, keys.derived(purpose, version))
      return known.get(name)
    },
  }
}

/** Whether a value has anything in it that may be a token. Costs a look at each text. */
export function mayHoldTokens(value: unknown): boolean {
  const left: unknown[] = [value]
  for (let one = left.pop(); left.length > 0 || one !== undefined; one = left.pop()) {
    if (typeof one === 'string' && hasTokenSign(one)) return true
    if (typeof one === 'object' && one !== null) {
      if (!Array.isArray(one) && Object.keys(one).some((name) => hasTokenSign(name))) return true
      for (const part of valuesOf(one)) left.push(part)
    }
  }
  return false
}

const valuesOf = (value: object): readonly unknown[] =>
  (Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value)).filter(
    (one) => one !== undefined && one !== null,
  )

/**
 * A copy with the values that the caller's tokens stand for. Throws `masking.token_refused` for a token that was made for
 * somebody else, was changed, or whose key is gone: none of them says which.
 */
export async function restored<T>(value: T, source: TokenKeySource, owner: TokenOwner): Promise<T> {
  const found = await source.existing(owner.tenant)
  const keys = found && remembering(found)
  const restore = (text: string): string =>
    text.replace(TOKEN, (_whole, kind: string, version: string, sealed: string) => {
      const opened = keys && openToken(kind, Number(version), sealed, owner, keys)
      if (opened === undefined) throw new Fault('masking.token_refused', { kind, version: Number(version) })
      return opened
    })
  return mapped(value, restore) as T
}

/** No parser of ours lets these names in, and no token brings them. */
const UNSOUND: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

function mapped(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return hasTokenSign(value) ? change(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one: unknown) => mapped(one, change))
  const copy: Record<string, unknown> = {}
  for (const [told, one] of Object.entries(value)) {
    const name = hasTokenSign(told) ? change(told) : told
    // Two members would become one, and nobody has looked at which of them counts.
    if (Object.hasOwn(copy, name) || (name !== told && UNSOUND.has(name)))
      throw new Fault('masking.token_refused', { reason: 'name' })
    // The parser refuses such names; a copy does not make them anew.
    Object.defineProperty(copy, name, {
      value: mapped(one, change),
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return copy
}
