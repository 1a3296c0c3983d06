/** Which keys can be used, whose they are, and how single messages are signed. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../src/core/secret.ts'
import type { Principal } from '../../src/core/principal.ts'
import { type KeyText, signingKey, verifyingKey } from '../../src/signatures/key.ts'
import { KeyTable } from '../../src/signatures/key-table.ts'
import { MessagePeer } from '../../src/signatures/message-peer.ts'
import {
  checkMessageSignature,
  MESSAGE_SIGNATURE,
  readMessageSignature,
  signMessage,
  withoutSignature,
} from '../../src/signatures/message-signature.ts'
import { SignatureKeyError, SignatureProblem } from '../../src/signatures/problem.ts'

const ed25519 = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ed25519')
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const short = generateKeyPairSync('rsa', { modulusLength: 1024 })

const pem = (key: KeyObject): KeyText => ({ kind: 'pem', text: pemOf(key) })
const pemOf = (key: KeyObject): string =>
  String(key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }))
const jwks = (...keys: object[]): KeyText => ({ kind: 'jwks', text: JSON.stringify({ keys }) })
const secret = (text: string): KeyText => ({ kind: 'secret', secret: new Secret(text) })
const sound = () => true

describe('a key is refused', () => {
  const at = (algorithm: 'ed25519' | 'ecdsa-p256-sha256' | 'rsa-pss-sha512' | 'hmac-sha256') =>
    ({ id: 'k', algorithm, place: 'here' }) as const
  const jwk = ed25519.publicKey.export({ format: 'jwk' })
  const bad: readonly (readonly [what: string, read: () => unknown])[] = [
    ['on another curve', () => verifyingKey(at('ecdsa-p256-sha256'), pem(p384.publicKey), sound)],
    ['of another kind', () => verifyingKey(at('ed25519'), pem(p256.publicKey), sound)],
    ['with few bits', () => verifyingKey(at('rsa-pss-sha512'), pem(short.publicKey), sound)],
    ['that is private', () => verifyingKey(at('ed25519'), pem(ed25519.privateKey), sound)],
    ['that is weak in another way', () => verifyingKey(at('ed25519'), pem(ed25519.publicKey), () => false)],
    ['that is public, as a shared secret', () => verifyingKey(at('hmac-sha256'), pem(ed25519.publicKey), sound)],
    ['that is short', () => verifyingKey(at('hmac-sha256'), secret('thirty-one characters of secret'), sound)],
    ['that is no key', () => verifyingKey(at('ed25519'), { kind: 'pem', text: 'nothing' }, sound)],
    ['that is not in the set', () => verifyingKey(at('ed25519'), jwks({ ...jwk, kid: 'j' }), sound)],
    [
      'that is in the set twice',
      () => verifyingKey(at('ed25519'), jwks({ ...jwk, kid: 'k' }, { ...jwk, kid: 'k' }), sound),
    ],
    [
      'that a set publishes with its private half',
      () => verifyingKey(at('ed25519'), jwks({ ...ed25519.privateKey.export({ format: 'jwk' }), kid: 'k' }), sound),
    ],
    ['that is for encryption', () => verifyingKey(at('ed25519'), jwks({ ...jwk, kid: 'k', use: 'enc' }), sound)],
    ['that is public, to sign with', () => signingKey(at('ed25519'), new Secret(pemOf(ed25519.publicKey)))],
  ]
  for (const [what, read] of bad) {
    test(what, () => assert.throws(read, SignatureKeyError))
  }

  test('and a good one is taken', () => {
    verifyingKey(at('ed25519'), jwks({ ...jwk, kid: 'k' }), sound)
    verifyingKey(at('ecdsa-p256-sha256'), pem(p256.publicKey), sound)
    verifyingKey(at('hmac-sha256'), secret('thirty-two characters of a secret'), sound)
  })
})

test('a key is its owner’s in its own tenant, and nobody else’s', () => {
  const key = { algorithm: 'ed25519', key: ed25519.publicKey } as const
  const table = new KeyTable([
    { ...key, id: 'p', tenant: 'a', owner: { kind: 'principal', id: 'alice' } },
    { ...key, id: 'c', tenant: 'a', owner: { kind: 'client', id: 'app' } },
    { ...key, id: 'k', tenant: 'a', owner: { kind: 'credential', id: '42' } },
  ])
  const alice: Principal = { id: 'alice', tenant: 'a', roles: [], credential: { kind: 'jwt', id: '42', client: 'app' } }
  for (const id of ['p', 'c', 'k']) {
    assert.equal(table.keyOf(alice, id).id, id)
    const strangers: Principal[] = [
      { ...alice, tenant: 'b' },
      { ...alice, id: 'bob', credential: { kind: 'jwt', id: '43', client: 'other' } },
      { ...alice, id: 'bob', credential: { kind: 'jwt', id: '43' } },
    ]
    for (const stranger of strangers) assert.throws(() => table.keyOf(stranger, id), SignatureProblem)
  }
  for (const id of [undefined, '', 'q', 1]) assert.throws(() => table.keyOf(alice, id), SignatureProblem)
})

const key = { id: 'k', algorithm: 'ed25519', key: ed25519.privateKey } as const
const publicKey = { ...key, key: ed25519.publicKey }
const stamp = { created: 1, nonce: 'n', keyid: 'k', tag: 'mcp' }

describe('a single message', () => {
  const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<never>
  const record = fc.dictionary(fc.string({ maxLength: 8 }), json, { maxKeys: 3 })
  const messages = fc.oneof(
    fc.record(
      { jsonrpc: fc.constant('2.0'), method: fc.constant('m'), params: record },
      { requiredKeys: ['jsonrpc', 'method'] },
    ),
    fc.record({ jsonrpc: fc.constant('2.0'), id: fc.nat(), result: record }),
    fc.record({
      jsonrpc: fc.constant('2.0'),
      id: fc.nat(),
      error: fc.record({ code: fc.nat(), data: record }, { requiredKeys: ['code'] }),
    }),
  )

  test('is good after a way as JSON text, and no other message is', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const signed = JSON.parse(JSON.stringify(signMessage(message, key, stamp))) as Record<string, unknown>
        const read = readMessageSignature(signed)
        if (read === undefined) return
        checkMessageSignature(read, publicKey, {})
        assert.deepEqual(withoutSignature(signMessage(read.message, key, stamp) as typeof signed), read.message)
        const changed = { ...read, message: { ...read.message, more: true } }
        assert.throws(() => checkMessageSignature(changed, publicKey, {}), SignatureProblem)
        assert.throws(() => checkMessageSignature(read, { ...publicKey, key: other.publicKey }, {}), SignatureProblem)
      }),
    )
  })

  test('says to which request it is the answer', () => {
    const [one, two] = [Buffer.from('one'), Buffer.from('two')]
    const signed = signMessage({ jsonrpc: '2.0', id: 1, result: {} }, key, { ...stamp, request: one }) as never
    const read = readMessageSignature(signed)
    assert.ok(read)
    checkMessageSignature(read, publicKey, { request: one })
    for (const bound of [{ request: two }, {}]) {
      assert.throws(() => checkMessageSignature(read, publicKey, bound), SignatureProblem)
    }
    const unbound = readMessageSignature(signMessage({ jsonrpc: '2.0', id: 1, result: {} }, key, stamp) as never)
    assert.ok(unbound)
    assert.throws(() => checkMessageSignature(unbound, publicKey, { request: one }), SignatureProblem)
  })

  for (const [what, member] of [
    ['a text', 'x'],
    ['half of it', { input: '("@message")' }],
    ['two lists', { input: '("@message"), ("@message")', signature: ':AA==:' }],
    ['no list', { input: '"@message"', signature: ':AA==:' }],
    ['parts of HTTP', { input: '("@method")', signature: ':AA==:' }],
    ['no bytes', { input: '("@message")', signature: '"AA"' }],
  ] as const) {
    test(`with ${what} for a signature is refused`, () => {
      const message = { jsonrpc: '2.0', method: 'm', params: { _meta: { [MESSAGE_SIGNATURE]: member } } }
      assert.throws(() => readMessageSignature(message), SignatureProblem)
    })
  }
})

test('over stdio an answer comes once, to a request that waits, and what is no answer comes once', () => {
  let at = 1_000_000
  let count = 0
  const rules = { tag: 'mcp', maxAgeSeconds: 60, skewSeconds: 5, audience: 'one', clock: { now: () => at } }
  const peer = new MessagePeer({
    ...rules,
    key,
    expected: { ...publicKey, key: other.publicKey },
    freshNonce: () => `fresh nonce ${count++} ..`,
  })
  const theirs = { ...key, key: other.privateKey }
  const request = peer.sign({ jsonrpc: '2.0', id: 1, method: 'm' }) as never
  const asked = readMessageSignature(request)
  assert.ok(asked)
  checkMessageSignature(asked, publicKey, { audience: 'one' })
  assert.throws(() => checkMessageSignature(asked, publicKey, { audience: 'two' }), SignatureProblem)
  const now = () => ({ ...stamp, created: at / 1_000, nonce: 'a nonce of the other side' })
  const answer = signMessage({ jsonrpc: '2.0', id: 1, result: { a: 1 } }, theirs, {
    ...now(),
    request: asked.signature,
  }) as never
  assert.deepEqual(peer.check(answer), { jsonrpc: '2.0', id: 1, result: { a: 1 } })
  assert.throws(() => peer.check(answer), SignatureProblem)
  const notice = signMessage({ jsonrpc: '2.0', method: 'n' }, theirs, now()) as never
  assert.deepEqual(peer.check(notice), { jsonrpc: '2.0', method: 'n' })
  assert.throws(() => peer.check(notice), SignatureProblem)
  assert.throws(() => peer.check({ jsonrpc: '2.0', method: 'n' }), SignatureProblem)
  const late = signMessage({ jsonrpc: '2.0', method: 'n' }, theirs, { ...now(), nonce: 'another nonce of it' }) as never
  at += 120_000
  assert.throws(() => peer.check(late), SignatureProblem)
})
