/**
 * ID-8: whatever is ended (a key, a token, a client, a principal, a tenant), three things that are under way end with it: the
 * call at an upstream, the question that waits for an answer, and the stream of a session. The next call is refused.
 */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type AskingUpstream, startAsking } from '../fixtures/asking-upstream.ts'
import { ask, callTool, modern, openSession, type Reply, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import type { TestGateway } from '../fixtures/gateway.ts'
import { startIssuing } from '../fixtures/issuing-gateway.ts'
import { type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

const admin = (gateway: TestGateway, path: string, body: object = {}, method = 'POST'): Promise<Reply> =>
  send(gateway, method === 'DELETE' ? undefined : body, { method, url: `${gateway.origin}/admin/v1${path}` })

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('what ends with a credential', { timeout: 120_000 }, () => {
  let counting: CountingUpstream
  let asking: AskingUpstream
  let gateway: SignInGateway
  /** Answers of calls that hang at the upstream. */
  const hanging: ServerResponse[] = []

  before(async () => {
    counting = await startCounting()
    asking = await startAsking()
    gateway = await startSignIn({
      upstreams: [
        { name: 'counting', url: counting.url },
        { name: 'asking', url: asking.url, era: 'legacy' },
      ],
      policy: 'permit (principal, action, resource);\n',
    })
    counting.misbehave(({ message }, response) => {
      const hangs = message?.params?.arguments?.text === 'hang'
      if (hangs) hanging.push(response)
      return hangs
    })
  })
  after(async () => {
    await gateway.close()
    await counting.close()
    await asking.close()
  })

  let people = 0
  /** A person of the tenant `other` unless said otherwise, with a client of its own. */
  async function person(resource: string) {
    const name = `person${++people}`
    const account = await gateway.person(name, ['user'])
    const { id } = await gateway.client()
    const { access_token: token } = await tokensOf(gateway, id, name, { resource })
    return { token, client: id, principal: `user:${account.id}` }
  }

  interface Case {
    readonly what: string
    /** A credential for the upstream `asking`, and one of the same kind for `counting`; both end together. */
    make(): Promise<{ readonly tokens: readonly [string, string]; end(): Promise<unknown> }>
  }

  const ofPerson = async (end: (one: Awaited<ReturnType<typeof person>>) => Promise<unknown>) => {
    const one = await person(gateway.endpoint('asking'))
    const two = await person(gateway.endpoint('counting'))
    return { tokens: [one.token, two.token] as const, end: () => Promise.all([end(one), end(two)]) }
  }

  const CASES: readonly Case[] = [
    {
      what: 'an API key',
      async make() {
        const token = await gateway.issue(['user'])
        const id = (await gateway.recordOf(token))?.id
        return { tokens: [token, token], end: () => admin(gateway, `/keys/${id}/revoke`) }
      },
    },
    {
      what: 'a token',
      make: () =>
        ofPerson(({ token }) => admin(gateway, '/revocations', { kind: 'token', id: claimsOf(token)['jti'] })),
    },
    { what: 'a client', make: () => ofPerson(({ client }) => admin(gateway, `/clients/${client}`, {}, 'DELETE')) },
    {
      what: 'a principal',
      make: () => ofPerson(({ principal }) => admin(gateway, '/revocations', { kind: 'principal', id: principal })),
    },
    {
      what: 'a tenant',
      async make() {
        const token = await gateway.issue(['user'], { tenant: 'doomed' })
        return { tokens: [token, token], end: () => admin(gateway, '/tenants/doomed/suspend') }
      },
    },
  ]

  for (const { what, make } of CASES) {
    it(`${what}: the call, the question and the stream end, and nothing goes on`, async () => {
      const { tokens, end } = await make()
      const [token, other] = tokens
      const url = gateway.endpoint('asking')
      const capabilities = { elicitation: { form: {} } }

      const asked = await ask(gateway, 'tools/call', { name: 'ask', arguments: {} }, { token, url, capabilities })
      assert.equal(asked.json.result?.resultType, 'input_required', asked.text)
      assert.equal(asking.waiting, 1)
      const session = await openSession(gateway, { token, url })
      const open = await stream(gateway, undefined, {
        ...{ method: 'GET', token, url },
        headers: { ...session, accept: 'text/event-stream' },
      })
      assert.equal(open.status, 200)
      const { body, headers } = modern('tools/call', { name: 'echo', arguments: { text: 'hang' } })
      const running = send(gateway, body, { token: other, url: gateway.endpoint('counting'), headers })
      while (hanging.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      const atUpstream = new Promise<void>((resolve) => (hanging.splice(0)[0] as ServerResponse).once('close', resolve))

      await end()
      await atUpstream
      assert.equal((await running).json.result, undefined, 'the call has no result')
      await asking.idle()
      await open.ended

      const calls = counting.count()
      const answers = { 'ask-1': { action: 'accept', content: { name: 'x' } } }
      const back = { name: 'ask', arguments: {}, requestState: asked.json.result.requestState, inputResponses: answers }
      assert.equal((await ask(gateway, 'tools/call', back, { token, url, capabilities })).status, 401)
      assert.equal(
        (await callTool(gateway, 'echo', {}, { token: other, url: gateway.endpoint('counting') })).status,
        401,
      )
      const again = await send(
        gateway,
        { jsonrpc: '2.0', id: 2, method: 'tools/list' },
        { token, url, headers: session },
      )
      assert.equal(again.status, 401)
      assert.equal(counting.count(), calls)
      assert.equal(asking.waiting, 0)
    })
  }
})

describe('what was exchanged for a token', { timeout: 60_000 }, () => {
  it('is not used any more when the token is revoked, and a token of the same person goes on with its own', async (t) => {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const asked: string[] = []
    const waiting: (() => void)[] = []
    let holds = false
    const service = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const subject = new URLSearchParams(text).get('subject_token') ?? ''
      asked.push(subject)
      if (holds) await new Promise<void>((resolve) => waiting.push(resolve))
      const token = { access_token: `for ${claimsOf(subject)['jti']}`.replace(' ', '-'), token_type: 'Bearer' }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ ...token, expires_in: 3600 }))
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    t.after(() => service.close())
    t.after(() => service.closeAllConnections())
    const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const exchange = {
      ...{ issuer: origin, tokenEndpoint: `${origin}/token`, audience: 'mail', plaintext: 'loopback-only' },
      client: { id: 'gateway', secret: { env: 'EXCHANGE_SECRET' } },
    }
    const issuing = await startIssuing({
      upstreams: { one: { http: { url: upstream.url, plaintext: 'loopback-only', exchange } } },
      environment: { EXCHANGE_SECRET: 'client-secret' },
    })
    t.after(() => issuing.close())
    const sent = () =>
      upstream.seen
        .filter(({ message }) => message?.method === 'tools/call')
        .map(({ headers }) => headers.authorization)

    const [broad, narrow] = [await issuing.token({ jti: 'broad' }), await issuing.token({ jti: 'narrow' })]
    const mixed = [broad, narrow, narrow, broad, narrow, broad, broad, narrow]
    const replies = await Promise.all(mixed.map((token) => issuing.echo(token)))
    for (const { json } of replies) assert.ok(json.result)
    const counted = (name: string) => sent().filter((one) => one === `Bearer for-${name}`).length
    assert.deepEqual([counted('broad'), counted('narrow'), sent().length], [4, 4, 8])
    assert.deepEqual(new Set(asked), new Set([broad, narrow]))

    const revoke = (id: string) => admin(issuing.gateway, '/revocations', { kind: 'token', id })
    assert.equal((await revoke('broad')).status, 201)
    assert.equal((await issuing.echo(broad)).status, 401)
    assert.ok((await issuing.echo(narrow)).json.result)
    assert.deepEqual([counted('broad'), counted('narrow')], [4, 5])

    // Revoked while the token service thinks about it: what it gives is used for nothing.
    holds = true
    const late = await issuing.token({ jti: 'late' })
    const calls = asked.length
    const running = issuing.echo(late)
    while (asked.length === calls) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal((await revoke('late')).status, 201)
    for (const go of waiting.splice(0)) go()
    assert.equal((await running).json.result, undefined)
    assert.equal(counted('late'), 0)
  })
})
