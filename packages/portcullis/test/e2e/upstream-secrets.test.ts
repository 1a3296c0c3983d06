/** Secrets from the vault and exchanged tokens: each principal's own, injected at the connection, and nothing of the caller's. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { runCommand } from '../../src/cli/main.ts'
import { callTool } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startIssuing } from '../fixtures/issuing-gateway.ts'

const EVERYBODY = 'permit (principal, action, resource);\n'

/** Runs a command beside the gateway, as an operator would. */
async function operate(gateway: TestGateway, input: string, ...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const status = await runCommand(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    input: async function* () {
      yield Buffer.from(input)
    },
    environment: { PORTCULLIS_CONFIG: join(gateway.stateFolder, '..', 'portcullis.yaml') },
    clock: { now: () => Date.now() },
    interrupted: new AbortController().signal,
  })
  return { status, out, err }
}

async function scene(t: TestContext, http: Readonly<Record<string, unknown>>) {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const gateway = await startTestGateway({ upstreams: [{ name: 'mail', url: upstream.url, http }], policy: EVERYBODY })
  t.after(() => gateway.close())
  return { upstream, gateway }
}

const sent = (upstream: Awaited<ReturnType<typeof startCounting>>, header = 'authorization') =>
  upstream.seen.filter(({ message }) => message?.method === 'tools/call').map(({ headers }) => headers[header])

describe('a secret of each principal', { timeout: 60_000 }, () => {
  it('goes on with the calls of its principal only, is read anew for each call, and never shown', async (t) => {
    const { upstream, gateway } = await scene(t, { vault: { of: 'principal' } })
    const [alice, bob] = [await gateway.issue(['user']), await gateway.issue(['user'])]
    const idOf = async (token: string) => String((await gateway.recordOf(token))?.principal)
    const set = async (token: string, secret: string) =>
      operate(gateway, `${secret}\n`, 'credential', 'set', '-u', 'mail', '--principal', await idOf(token))
    assert.equal((await callTool(gateway, 'echo', { text: 'x' }, { token: alice })).status, 403)
    assert.equal((await set(alice, 'alice-secret')).status, 0)
    assert.ok((await callTool(gateway, 'echo', { text: 'x' }, { token: alice })).json.result)
    const refused = await callTool(gateway, 'echo', { text: 'x' }, { token: bob })
    assert.equal(refused.status, 403)
    assert.match(refused.json.error.message, /No credential for this upstream/)
    await set(bob, 'bob-secret')
    await set(alice, 'alice-new')
    for (const token of [bob, alice]) assert.ok((await callTool(gateway, 'echo', {}, { token })).json.result)
    assert.deepEqual(sent(upstream), ['Bearer alice-secret', 'Bearer bob-secret', 'Bearer alice-new'])
    const listed = await operate(gateway, '', 'credential', 'list', '--json')
    assert.equal(listed.out.length, 2)
    assert.ok(!listed.out.join('').includes('secret') && !listed.out.join('').includes('sealed'))
    assert.equal(
      (await operate(gateway, '', 'credential', 'remove', '-u', 'mail', '--principal', await idOf(alice))).status,
      0,
    )
    assert.equal((await callTool(gateway, 'echo', {}, { token: alice })).status, 403)
    assert.equal(sent(upstream).length, 3)
  })

  it('survives new keys while the gateway runs, and ends with the keys of its tenant', async (t) => {
    const { upstream, gateway } = await scene(t, { vault: { of: 'tenant', header: 'x-api-key', scheme: '' } })
    assert.equal((await operate(gateway, 'team', 'credential', 'set', '-u', 'mail')).status, 0)
    const user = await gateway.issue(['user'])
    for (const rotation of [['rewrap', '--new'], ['rotate'], ['rewrap', '--new']]) {
      assert.ok((await callTool(gateway, 'echo', {}, { token: user })).json.result)
      assert.equal((await operate(gateway, '', 'keys', ...rotation)).status, 0)
    }
    assert.ok((await callTool(gateway, 'echo', {}, { token: user })).json.result)
    assert.deepEqual(new Set(sent(upstream, 'x-api-key')), new Set(['team']))
    const stranger = await gateway.issue(['user'], { tenant: 'other' })
    assert.equal((await callTool(gateway, 'echo', {}, { token: stranger })).status, 403)
    assert.equal((await operate(gateway, '', 'keys', 'shred', 'default')).status, 2)
    const before = sent(upstream).length
    assert.equal((await operate(gateway, '', 'keys', 'shred', 'default', '--yes')).status, 0)
    assert.notEqual((await callTool(gateway, 'echo', {}, { token: user })).status, 200)
    assert.equal(sent(upstream).length, before)
  })

  for (const [what, input, args] of [
    ['an empty secret', '\n', ['-u', 'mail']],
    ['a secret of two lines', 'a\nb', ['-u', 'mail']],
    ['an upstream that does not exist', 'a', ['-u', 'nobody']],
    ['a principal where tenants have one', 'a', ['-u', 'mail', '--principal', 'key:x']],
  ] as const) {
    it(`is not taken: ${what}`, async (t) => {
      const { gateway } = await scene(t, { vault: { of: 'tenant' } })
      assert.equal((await operate(gateway, input, 'credential', 'set', ...args)).status, 2)
      assert.equal((await operate(gateway, '', 'credential', 'list', '--json')).out.length, 0)
    })
  }
})

describe('a token in exchange', { timeout: 60_000 }, () => {
  it('is had for the token of each caller, once, and only the token service sees that one', async (t) => {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const forms: { readonly form: URLSearchParams; readonly authorization: string }[] = []
    const service = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      forms.push({ form: new URLSearchParams(text), authorization: String(request.headers.authorization) })
      const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token'
      const body = {
        access_token: `exchanged-${forms.length}`,
        issued_token_type,
        token_type: 'Bearer',
        expires_in: 3600,
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    t.after(() => service.closeAllConnections())
    t.after(() => service.close())
    const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const exchange = {
      issuer: origin,
      tokenEndpoint: `${origin}/token`,
      client: { id: 'gateway', secret: { env: 'EXCHANGE_SECRET' } },
      audience: 'mail',
      scopes: ['read'],
      plaintext: 'loopback-only',
    }
    const issuing = await startIssuing({
      upstreams: { one: { http: { url: upstream.url, plaintext: 'loopback-only', exchange } } },
      environment: { EXCHANGE_SECRET: 'client-secret' },
      policy: EVERYBODY,
    })
    t.after(() => issuing.close())
    const tokens = [await issuing.token({ sub: 'alice' }), await issuing.token({ sub: 'bob' })]
    for (const token of [...tokens, ...tokens]) {
      const reply = await issuing.echo(token)
      assert.ok(reply.json.result, reply.text)
    }
    assert.deepEqual(sent(upstream), [
      'Bearer exchanged-1',
      'Bearer exchanged-2',
      'Bearer exchanged-1',
      'Bearer exchanged-2',
    ])
    assert.deepEqual(
      forms.map(({ form }) => form.get('subject_token')),
      tokens,
    )
    assert.equal(forms[0]?.form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:token-exchange')
    assert.equal(forms[0]?.form.get('audience'), 'mail')
    assert.match(forms[0]?.authorization ?? '', /^Basic /)
    for (const { rawHeaders, text } of upstream.seen)
      for (const token of tokens) assert.ok(!rawHeaders.join('\n').includes(token) && !text.includes(token))
    // An API key is for nobody but this gateway.
    const before = sent(upstream).length
    assert.equal((await issuing.echo(issuing.gateway.token)).status, 403)
    assert.equal(sent(upstream).length, before)
    assert.equal(forms.length, 2)
  })
})
