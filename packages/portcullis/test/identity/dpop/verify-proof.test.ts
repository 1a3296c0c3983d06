// RFC 9449: each part of a proof, one wrong at a time, and its security considerations (§11).

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { base64url, exportJWK } from 'jose'
import { Secret } from '../../../src/core/secret.ts'
import { Nonces } from '../../../src/identity/dpop/nonces.ts'
import { type ProofRules, proofVerifier } from '../../../src/identity/dpop/verify-proof.ts'
import { onceOnly } from '../../../src/identity/replays.ts'
import { MemoryReplays } from '../../../src/stores/memory/replays.ts'
import { athOf, type ProofKey, type ProofOf, proofFor, proofKey } from '../../fixtures/proof.ts'
import { StillClock } from '../still-clock.ts'

const URL_OF = 'https://gate.example/mcp/files'
const TOKEN = 'a.bound.token'
const key = await proofKey()
const other = await proofKey()

function setUp(changes: Partial<ProofRules> = {}) {
  const clock = new StillClock()
  const nonces = new Nonces({ key: new Secret<Uint8Array>(new Uint8Array(32)), clock, rotateSeconds: 300 })
  const used: string[] = []
  const useOnce = onceOnly(new MemoryReplays(), clock)
  const rules: ProofRules = {
    algorithms: ['ES256', 'EdDSA', 'Ed25519'],
    ...{ clock, nonces, maxAgeSeconds: 60, skewSeconds: 5 },
    useOnce: async (space, id, until) => {
      used.push(id[1] ?? '')
      return useOnce(space, id, until)
    },
    ...changes,
  }
  const verify = proofVerifier(rules)
  const sign = (of: Partial<ProofOf> = {}, by: ProofKey = key) =>
    proofFor(by, { url: URL_OF, token: TOKEN, nonce: nonces.current, iat: clock.seconds, ...of })
  const present = (dpop: unknown, more: object = {}) =>
    verify({
      head: { method: 'POST', headers: { dpop: dpop as string } },
      ...{ resource: URL_OF, token: TOKEN, jkt: key.jkt, ...more },
    })
  return { clock, nonces, used, sign, present }
}

type Parts = ReturnType<typeof setUp>

describe('a proof', () => {
  it('that fits is good', async () => {
    const { sign, present } = setUp()
    assert.equal(await present(await sign()), undefined)
  })

  for (const htu of [
    'HTTPS://GATE.EXAMPLE/mcp/files',
    'https://gate.example:443/mcp/files',
    'https://gate.example/mcp/x/../files',
    'https://gate.example/mcp/files?a=b#c',
  ]) {
    it(`may write the URL as ${htu}`, async () => {
      const { sign, present } = setUp()
      await present(await sign({ claims: { htu } }))
    })
  }

  for (const alg of ['EdDSA', 'Ed25519']) {
    it(`may be signed with ${alg}`, async () => {
      const { sign, present } = setUp()
      const own = await proofKey(alg)
      await present(await sign({}, own), { jkt: own.jkt })
    })
  }

  const INVALID = 'identity.invalid_proof'
  const MALFORMED = 'identity.malformed'
  type Forge = (parts: Parts) => unknown
  const claiming =
    (claims: Readonly<Record<string, unknown>>): Forge =>
    (parts) =>
      parts.sign({ claims })
  const headed =
    (header: Readonly<Record<string, unknown>>): Forge =>
    (parts) =>
      parts.sign({ header })
  const BAD: readonly (readonly [string, string, Forge])[] = [
    ['is missing', INVALID, () => undefined],
    ['came twice', INVALID, async (p) => [await p.sign(), await p.sign()]],
    ['is two joined', MALFORMED, async (p) => `${await p.sign()}, ${await p.sign()}`],
    ['is empty', MALFORMED, () => ''],
    ['is huge', INVALID, (p) => p.sign({ claims: { x: 'x'.repeat(9_000) } })],
    ['is no JWT', MALFORMED, () => 'abc'],
    ['is cut off', INVALID, async (p) => (await p.sign()).slice(0, -6)],
    ['is signed by another key than it brings', INVALID, (p) => p.sign({ header: { jwk: key.jwk } }, other)],
    ['is signed by a key that the token is not bound to', INVALID, (p) => p.sign({}, other)],
    ['is for another method', INVALID, claiming({ htm: 'GET' })],
    ['writes the method small', INVALID, claiming({ htm: 'post' })],
    ['is for another path', INVALID, claiming({ htu: 'https://gate.example/mcp/mail' })],
    ['is for the aggregate', INVALID, claiming({ htu: 'https://gate.example/mcp' })],
    ['is for a path below', INVALID, claiming({ htu: `${URL_OF}/x` })],
    ['is for another host', INVALID, claiming({ htu: 'https://evil.example/mcp/files' })],
    ['is for another port', INVALID, claiming({ htu: 'https://gate.example:8443/mcp/files' })],
    ['is for another scheme', INVALID, claiming({ htu: 'http://gate.example/mcp/files' })],
    ['hides another host behind a user', INVALID, claiming({ htu: 'https://gate.example@evil.example/mcp/files' })],
    ['has a user in its URL', INVALID, claiming({ htu: 'https://a@gate.example/mcp/files' })],
    ['is for no URL', INVALID, claiming({ htu: '/mcp/files' })],
    ['is for another token', INVALID, claiming({ ath: athOf('another') })],
    ['is for no token', INVALID, claiming({ ath: undefined })],
    ['carries the token itself as its digest', INVALID, claiming({ ath: TOKEN })],
    ['is too old', INVALID, (p) => p.sign({ iat: p.clock.seconds - 61 })],
    ['is from the future', INVALID, (p) => p.sign({ iat: p.clock.seconds + 6 })],
    ['has no time', INVALID, claiming({ iat: undefined })],
    ['has a time that is text', INVALID, claiming({ iat: '1800000000' })],
    ['has no id', INVALID, claiming({ jti: undefined })],
    ['has an empty id', INVALID, claiming({ jti: '' })],
    ['has an id that is no text', INVALID, claiming({ jti: 7 })],
    ['has an id without end', INVALID, claiming({ jti: 'x'.repeat(3_000) })],
    ['has a nonce that is no text', INVALID, claiming({ nonce: 7 })],
    ['has no nonce', 'identity.use_nonce', claiming({ nonce: undefined })],
    ['has a nonce of somebody else', 'identity.use_nonce', claiming({ nonce: 'other' })],
    ['is an access token by its type', INVALID, headed({ typ: 'at+jwt' })],
    ['has no type', INVALID, headed({ typ: undefined })],
    ['has its type in capitals', INVALID, headed({ typ: 'DPOP+JWT' })],
    ['has no key', INVALID, headed({ jwk: undefined })],
    [
      'names its key instead of bringing it',
      INVALID,
      headed({ jwk: undefined, kid: 'x', jku: 'https://evil.example' }),
    ],
    ['brings its private key', INVALID, async (p) => p.sign({ header: { jwk: await exportJWK(key.privateKey) } })],
    ['brings a list of keys', INVALID, headed({ jwk: [key.jwk] })],
    ['brings a key of another curve', INVALID, async (p) => p.sign({ header: { jwk: (await proofKey('ES384')).jwk } })],
    ['brings a point that is not on the curve', INVALID, headed({ jwk: { ...key.jwk, y: key.jwk.x } })],
    ['brings a shared key', INVALID, (p) => sharedKey(p)],
    ['says alg none', INVALID, (p) => unsigned(p, 'none')],
    ['says alg nOnE', INVALID, (p) => unsigned(p, 'nOnE')],
    ['has an algorithm that is not allowed', INVALID, async (p) => p.sign({}, await proofKey('ES384'))],
    ['has a signature of zeros', INVALID, (p) => withSignature(p, Buffer.alloc(64))],
    ['has an empty signature', MALFORMED, (p) => withSignature(p, Buffer.alloc(0))],
    ['spells its signature in another way', MALFORMED, respelled],
    ['has a critical extension', INVALID, (p) => rewritten(p, 0, '{', '{"crit":["x"],"x":1,')],
    ['has an unencoded payload', INVALID, (p) => rewritten(p, 0, '{', '{"b64":false,')],
    ['repeats a claim', MALFORMED, (p) => rewritten(p, 1, '{', `{"htu":"${URL_OF}",`)],
  ]
  for (const [what, code, forge] of BAD) {
    it(`that ${what} is refused, and takes no place in the store`, async () => {
      const parts = setUp()
      await assert.rejects(async () => parts.present(await forge(parts)), { name: 'Fault', code })
      assert.deepEqual(parts.used, [])
    })
  }

  it('of an algorithm that is not allowed is refused even if the token is bound to its key', async () => {
    const { sign, present } = setUp()
    const rsa = await proofKey('RS256')
    await assert.rejects(async () => present(await sign({}, rsa), { jkt: rsa.jkt }), { code: INVALID })
  })

  it('is good once', async () => {
    const { sign, present } = setUp()
    const proof = await sign()
    await present(proof)
    await assert.rejects(present(proof), { code: INVALID })
    await assert.rejects(async () => present(await sign({ claims: { jti: jtiOf(proof) } })), { code: INVALID })
  })

  it('is good for one of 50 who present it at once', async () => {
    const { sign, present } = setUp()
    const proof = await sign()
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => present(proof)))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('does not take the id of another key', async () => {
    const { sign, present } = setUp()
    const claims = { jti: 'same' }
    await present(await sign({ claims }))
    await present(await sign({ claims }, other), { jkt: other.jkt })
  })

  it('is remembered for as long as its time would let it in', async () => {
    const { sign, present, clock } = setUp()
    const proof = await sign({ iat: clock.seconds + 5 })
    await present(proof)
    clock.advance(64_999)
    await assert.rejects(present(proof), { code: INVALID })
  })

  it('is good to the second of its age', async () => {
    const { sign, present, clock } = setUp()
    await present(await sign({ iat: clock.seconds - 60 }))
    await present(await sign({ iat: clock.seconds + 5 }))
  })

  it('with the last nonce but one is good, and hands out the newest', async () => {
    const { sign, present, clock, nonces } = setUp()
    const proof = await sign({ iat: clock.seconds + 300 })
    clock.advance(300_000)
    assert.equal(await present(proof), nonces.current)
  })

  it('made before the nonces changed twice asks for a new one', async () => {
    const { sign, present, clock } = setUp()
    const proof = await sign({ iat: clock.seconds + 600 })
    clock.advance(600_000)
    await assert.rejects(present(proof), { code: 'identity.use_nonce' })
  })

  it('needs no nonce where none is asked for', async () => {
    const { sign, present } = setUp({ nonces: undefined as never })
    await present(await sign({ claims: { nonce: undefined } }))
  })

  it('lets nobody in when the store does not know', async () => {
    const replays = { useOnce: () => Promise.reject(new Error('down')), prune: () => Promise.resolve(0) }
    const { sign, present } = setUp({ useOnce: onceOnly(replays, new StillClock()) })
    await assert.rejects(async () => present(await sign()), { code: 'identity.unavailable' })
  })
})

const jtiOf = (proof: string): string =>
  (JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }).jti

const encoded = (value: object): string => base64url.encode(JSON.stringify(value))

async function unsigned({ sign }: Parts, alg: string): Promise<string> {
  const [, payload] = (await sign()).split('.')
  return `${encoded({ alg, typ: 'dpop+jwt', jwk: key.jwk })}.${payload}.AAAA`
}

async function sharedKey({ sign }: Parts): Promise<string> {
  const [, payload] = (await sign()).split('.')
  const signed = `${encoded({ alg: 'HS256', typ: 'dpop+jwt', jwk: { kty: 'oct', k: 'c2VjcmV0' } })}.${payload}`
  return `${signed}.${createHmac('sha256', 'secret').update(signed).digest('base64url')}`
}

async function withSignature({ sign }: Parts, signature: Buffer): Promise<string> {
  const proof = await sign()
  return `${proof.slice(0, proof.lastIndexOf('.'))}.${signature.toString('base64url')}`
}

/** 64 bytes leave four spare bits in the last character of base64url. */
async function respelled({ sign }: Parts): Promise<string> {
  const proof = await sign()
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return proof.slice(0, -1) + alphabet.charAt(alphabet.indexOf(proof.slice(-1)) + 1)
}

/** Changes the text of a part and signs the result with the true key. */
async function rewritten({ sign }: Parts, part: 0 | 1, from: string, to: string): Promise<string> {
  const parts = (await sign()).split('.')
  parts[part] = base64url.encode(
    Buffer.from(parts[part] ?? '', 'base64url')
      .toString()
      .replace(from, to),
  )
  const signed = parts.slice(0, 2).join('.')
  const { subtle } = globalThis.crypto
  const signature = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}
