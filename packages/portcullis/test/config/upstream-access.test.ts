/** What is refused of the ways in which an upstream gets its credential. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'

const OAUTH = { mode: 'per-user' }
const EXCHANGE = {
  issuer: 'https://i.example',
  tokenEndpoint: 'https://i.example/token',
  client: { id: 'c', secret: { env: 'S' } },
  audience: 'a',
}
const CLIENT = { id: 'c', secret: { env: 'S' } }

const accepts = (http: object): boolean =>
  configSchema.safeParse({ version: 1, state: 's', upstreams: { a: { http: { url: 'https://a.example/', ...http } } } })
    .success

const GOOD: readonly (readonly [string, object])[] = [
  ['OAuth of each user', { oauth: OAUTH }],
  ['a registered client with its issuer', { oauth: { ...OAUTH, issuer: 'https://i.example', client: CLIENT } }],
  [
    'an issuer on loopback by its own word',
    { oauth: { ...OAUTH, issuer: 'http://127.0.0.1:1/as', plaintext: 'loopback-only' } },
  ],
  ['an exchange', { exchange: EXCHANGE }],
  ['a secret beside another header', { vault: { of: 'tenant' }, headers: { 'x-team': { env: 'T' } } }],
]
for (const [what, http] of GOOD) test(`is accepted: ${what}`, () => assert.ok(accepts(http)))

const BAD: readonly (readonly [string, object])[] = [
  ['two of them at once', { oauth: OAUTH, vault: { of: 'tenant' } }],
  ['a fixed header that the token would replace', { oauth: OAUTH, headers: { authorization: { env: 'T' } } }],
  [
    'a fixed header that the secret would replace',
    { vault: { of: 'tenant', header: 'x-k' }, headers: { 'x-k': { env: 'T' } } },
  ],
  ['a client that every issuer would see', { oauth: { ...OAUTH, client: CLIENT } }],
  ['a token of the gateway for each user', { oauth: { ...OAUTH, grant: 'client-credentials' } }],
  ['an issuer over plain http', { oauth: { ...OAUTH, issuer: 'http://127.0.0.1:1/' } }],
  ['plain http to another machine', { oauth: { ...OAUTH, issuer: 'http://10.0.0.1/', plaintext: 'loopback-only' } }],
  ['an exchange for nothing in particular', { exchange: { ...EXCHANGE, audience: undefined } }],
  ['an exchange over plain http', { exchange: { ...EXCHANGE, tokenEndpoint: 'http://i.example/token' } }],
  ['a secret in the configuration', { exchange: { ...EXCHANGE, client: { id: 'c', secret: 'x' } } }],
  ['a scope of two words', { oauth: { ...OAUTH, scopes: ['a b'] } }],
  ['a word that does not exist', { oauth: { ...OAUTH, visitor: 'anyone' } }],
]
for (const [what, http] of BAD) test(`is refused: ${what}`, () => assert.equal(accepts(http), false))
