import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifiedClaims } from '../../src/identity/verified-claims.ts'

const rules = { issuer: 'https://i.example', audiences: ['a'], claims: { tenant: { fixed: 'acme' } } } as const

const strengthOf = (said: object): object => {
  const claims = { sub: 'alice', aud: 'a', ...said }
  const { facts } = verifiedClaims(claims, rules, { kind: 'jwt', digest: 'd', expiresAt: 1 })
  const { acr, amr } = facts.principal.credential
  return { ...(acr !== undefined && { acr }), ...(amr && { amr }) }
}

// biome-ignore format: one token a row
const TOKENS: readonly (readonly [what: string, said: object, kept: object])[] = [
  ['both', { acr: 'urn:high', amr: ['pwd', 'otp'] }, { acr: 'urn:high', amr: ['pwd', 'otp'] }],
  ['no method at all', { amr: [] }, { amr: [] }],
  ['nothing', {}, {}],
  ['a number for a class', { acr: 2 }, {}],
  ['an empty class', { acr: '' }, {}],
  ['an endless class', { acr: 'x'.repeat(256) }, {}],
  ['text for methods', { amr: 'mfa' }, {}],
  ['a method that is none', { amr: ['mfa', null] }, {}],
  ['an object for methods', { amr: { 0: 'mfa', length: 1 } }, {}],
  ['endless methods', { amr: Array.from({ length: 33 }, () => 'mfa') }, {}],
]

for (const [what, said, kept] of TOKENS) {
  test(`of a token that says ${what} policies see ${JSON.stringify(kept)}`, () => {
    assert.deepEqual(strengthOf(said), kept)
  })
}
