import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import { type Subject, TokenExchange } from '../../../src/upstream/oauth/exchange.ts'

const HOLDER = { tenant: 'acme', principal: 'alice' }

function setUp() {
  const asked: string[] = []
  const waiting: (() => void)[] = []
  const clock = { at: 1_000, now: () => clock.at }
  let current: Subject | undefined
  let held = false
  const swap = new TokenExchange({
    ...{ upstream: 'mail', issuer: 'https://as.example', tokenEndpoint: 'https://as.example/token', clientId: 'us' },
    ...{ clientSecret: new Secret('secret'), audience: 'mail', scopes: [], plaintext: false, clock },
    subjectOf: () => current,
    async fetch(_url, { body }) {
      const token = new URLSearchParams(String(body)).get('subject_token') ?? ''
      asked.push(token)
      if (held) await new Promise<void>((resolve) => waiting.push(resolve))
      return Response.json({ access_token: `${token}-there`, token_type: 'Bearer', expires_in: 3600 })
    },
  })
  const source = swap.sourceOf(HOLDER)
  return {
    ...{ asked, clock, swap },
    hold: () => void (held = true),
    letGo: () => waiting.splice(0).forEach((go) => go()),
    /** What a call with this subject sends. */
    send: async (by: Subject | undefined) => {
      current = by
      return (await source.headers())[1]
    },
  }
}

function subject(name: string) {
  const one = { token: new Secret(name), now: 'good' as ReturnType<Subject['state']>, state: () => one.now }
  return one
}

describe('TokenExchange', () => {
  it('exchanges each token of one principal for itself', async () => {
    const { send, asked } = setUp()
    const [broad, narrow] = [subject('broad'), subject('narrow')]
    const sent = await Promise.all([send(broad), send(narrow), send(broad), send(narrow)])
    assert.deepEqual(sent, ['Bearer broad-there', 'Bearer narrow-there', 'Bearer broad-there', 'Bearer narrow-there'])
    assert.deepEqual(asked, ['broad', 'narrow'])
  })

  it('asks once for 50 calls with one token', async () => {
    const { send, asked } = setUp()
    const one = subject('one')
    await Promise.all(Array.from({ length: 50 }, () => send(one)))
    assert.deepEqual(asked, ['one'])
  })

  it('does not use what it gets for a token that is revoked meanwhile', async () => {
    const { send, hold, letGo, asked } = setUp()
    hold()
    const one = subject('one')
    const sent = send(one)
    while (asked.length === 0) await new Promise(setImmediate)
    one.now = 'revoked'
    letGo()
    await assert.rejects(sent, { code: 'upstream.not_connected' })
  })

  it('sends nothing without a token', async () => {
    const { send, asked } = setUp()
    await assert.rejects(send(undefined), { code: 'upstream.not_connected' })
    assert.deepEqual(asked, [])
  })

  it('asks again shortly before the end, and once for all who wait', async () => {
    const { send, asked, clock } = setUp()
    const one = subject('one')
    await send(one)
    clock.at += 3_590_000
    await Promise.all(Array.from({ length: 20 }, () => send(one)))
    assert.deepEqual(asked, ['one', 'one'])
  })
})
