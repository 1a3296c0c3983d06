/** ID-5: tokens that are bound to a key of the caller (RFC 9449), through the running gateway. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, callTool, send } from '../fixtures/client.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { type ProofKey, proofFor, proofKey } from '../fixtures/proof.ts'

let running: IssuingGateway
let key: ProofKey
let bound: string

before(async () => {
  running = await startIssuing()
  key = await proofKey()
  bound = await running.token({ cnf: { jkt: key.jkt }, jti: 'bound' })
})
after(() => running.close())

test('a bound token is good with a proof of its key, once the caller has a nonce', async () => {
  const { gateway, prove, upstream } = running
  const url = gateway.endpoint('one')
  const earlier = upstream.count()
  const first = await prove(key, bound, { nonce: '' })
  assert.equal(first.status, 401)
  const challenge = String(first.headers['www-authenticate'])
  assert.match(
    challenge,
    /^DPoP realm="mcp", resource_metadata="[^"]+\/mcp\/one", error="use_dpop_nonce", algs="ES256 /,
  )
  const nonce = String(first.headers['dpop-nonce'])
  assert.equal(upstream.count(), earlier)
  const second = await prove(key, bound, { nonce })
  assert.equal(second.status, 200, second.text)
  assert.equal(second.headers['dpop-nonce'], undefined)
  const lists = await ask(gateway, 'tools/list', {}, await headersOf(bound, url, nonce))
  assert.equal(lists.status, 200)
})

test('the proof goes no further than the gateway', async () => {
  const { prove, upstream } = running
  await prove(key, bound)
  const { headers } = upstream.seen.at(-1) as (typeof upstream.seen)[number]
  assert.deepEqual([headers['dpop'], headers['authorization']], [undefined, undefined])
})

test('a proof is good once, whoever presents it', async () => {
  const { gateway, upstream, seconds } = running
  const url = gateway.endpoint('one')
  const nonce = await nonceNow()
  const earlier = upstream.count()
  const dpop = await proofFor(key, { url, token: bound, nonce, iat: seconds() })
  const replies = await Promise.all(
    Array.from({ length: 50 }, () =>
      callTool(gateway, 'echo', {}, { token: null, url, headers: { authorization: `DPoP ${bound}`, dpop } }),
    ),
  )
  const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [200, ...Array.from({ length: 49 }, () => 401)])
  assert.equal(upstream.count(), earlier + 1)
})

test('a bound token opens nothing as a bearer, nor an unbound one with a proof', async () => {
  const { echo, prove, upstream, token } = running
  const earlier = upstream.count()
  assert.equal((await echo(bound)).status, 401)
  const plain = await token({ jti: 'plain' })
  const reply = await prove(key, plain)
  assert.equal(reply.status, 401)
  assert.equal(reply.headers['dpop-nonce'], undefined)
  const dpop = await proofFor(key, { url: running.gateway.endpoint('one'), token: bound, nonce: await nonceNow() })
  assert.equal((await echo(bound, { headers: { dpop } })).status, 401, 'a proof beside the scheme Bearer')
  assert.equal((await prove(key, running.gateway.token)).status, 401, 'an API key')
  assert.equal(upstream.count(), earlier)
  assert.equal((await echo(plain)).status, 200)
})

test('a nonce that is about to end is answered with the next one', async () => {
  const { prove, shift, gateway } = running
  const old = await nonceNow()
  shift(300_000)
  await awake()
  const fresh = await running.token({ cnf: { jkt: key.jkt }, jti: 'fresh' })
  const reply = await prove(key, fresh, { nonce: old })
  assert.equal(reply.status, 200, reply.text)
  const next = String(reply.headers['dpop-nonce'])
  assert.notEqual(next, old)
  assert.equal((await prove(key, fresh, { nonce: next })).headers['dpop-nonce'], undefined)
  shift(300_000)
  await awake()
  const last = await running.token({ cnf: { jkt: key.jkt }, jti: 'last' })
  const late = await prove(key, last, { nonce: old })
  assert.deepEqual([late.status, typeof late.headers['dpop-nonce']], [401, 'string'])
  assert.ok(gateway.logged.every((line) => !line.includes(old)))
})

test('the metadata of each path say which proofs are taken', async () => {
  const { gateway } = running
  const url = `${gateway.origin}/.well-known/oauth-protected-resource/mcp/one`
  const { json } = await send(gateway, undefined, { method: 'GET', url, token: null })
  assert.deepEqual(json.dpop_signing_alg_values_supported, ['ES256', 'EdDSA', 'Ed25519'])
  assert.equal(json.dpop_bound_access_tokens_required, undefined)
})

test('where bound credentials are demanded, a bearer opens neither the upstream nor the aggregate', async (t) => {
  const strict = await startIssuing({ upstreams: { one: { senderConstrained: 'required' } } })
  t.after(() => strict.close())
  const { gateway, upstream } = strict
  const aggregate = `${gateway.origin}/mcp`
  const all = [gateway.endpoint('one'), gateway.endpoint('two'), aggregate]
  const plain = await strict.token({ aud: all })
  const proven = await strict.token({ aud: all, cnf: { jkt: key.jkt }, jti: 'proven' })
  for (const url of [gateway.endpoint('one'), aggregate]) {
    for (const token of [plain, gateway.token]) {
      const reply = await callTool(gateway, 'echo', {}, { token, url })
      assert.equal(reply.status, 401)
      assert.match(String(reply.headers['www-authenticate']), /^DPoP realm="mcp"/)
      assert.doesNotMatch(String(reply.headers['www-authenticate']), /Bearer/)
    }
    const path = `/.well-known/oauth-protected-resource${new URL(url).pathname}`
    const { json } = await send(gateway, undefined, { method: 'GET', url: gateway.origin + path, token: null })
    assert.equal(json.dpop_bound_access_tokens_required, true)
  }
  assert.equal(upstream.count(), 0)
  assert.equal((await strict.echo(plain, { url: gateway.endpoint('two') })).status, 200)
  assert.equal((await strict.prove(key, proven)).status, 200)
})

test('a role can demand it wherever it goes', async (t) => {
  const strict = await startIssuing({ identity: { senderConstrained: { roles: ['admin'] } } })
  t.after(() => strict.close())
  const { gateway, upstream } = strict
  assert.equal((await strict.echo(await strict.token())).status, 401)
  assert.equal((await strict.echo(gateway.token)).status, 401)
  assert.equal(upstream.count(), 0)
  assert.equal((await strict.prove(key, await strict.token({ cnf: { jkt: key.jkt } }))).status, 200)
})

async function headersOf(token: string, url: string, nonce: string) {
  const dpop = await proofFor(key, { url, token, nonce, iat: running.seconds() })
  return { token: null, url, headers: { authorization: `DPoP ${token}`, dpop } }
}

async function nonceNow(): Promise<string> {
  return String((await running.prove(key, bound, { nonce: '' })).headers['dpop-nonce'])
}

/** After a jump of the clock nobody gets in until the revocations have been read again. */
async function awake(): Promise<void> {
  while ((await running.echo(running.gateway.token)).status === 503) await sleep(50)
}
