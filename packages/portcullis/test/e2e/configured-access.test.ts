/** ID-10, TR-1: what is configured of the exchange of tokens, of who is asked about an upstream, and of rates has its effect. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { ask } from '../fixtures/client.ts'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { deposit } from '../fixtures/deposit.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { startIssuing } from '../fixtures/issuing-gateway.ts'

let identity: TestIdentity
let service: Server
let origin = ''
let forms: URLSearchParams[] = []

before(async () => {
  identity = await createTestIdentity()
  service = createServer({ key: identity.key, cert: identity.cert }, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    forms.push(new URLSearchParams(body))
    const told = { access_token: 'exchanged', token_type: 'Bearer', expires_in: 60 }
    const more = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...told, ...more }))
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  origin = `https://127.0.0.1:${(service.address() as AddressInfo).port}`
})
after(() => {
  service.closeAllConnections()
  service.close()
  identity.remove()
})

/** Whether a call gets through by an exchange, and what the token service was asked. */
async function exchanged(t: TestContext, change: object) {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const exchange = {
    ...{ issuer: origin, tokenEndpoint: `${origin}/token`, client: { id: 'gateway', secret: { env: 'SECRET' } } },
    ...{ resource: 'https://mail.example/mcp', audience: 'mail', scopes: ['read', 'write'] },
    ...{ ca: identity.caFile, privateNetworks: ['127.0.0.0/8'] },
    ...change,
  }
  const issuing = await startIssuing({
    upstreams: { one: { http: { url: upstream.url, plaintext: 'loopback-only', exchange } } },
    environment: { SECRET: 'client-secret' },
  })
  t.after(() => issuing.close())
  forms = []
  const reply = await issuing.echo(await issuing.token())
  return { works: reply.status === 200 && reply.json.result !== undefined, form: forms[0] }
}

describe('an exchange of tokens', { timeout: 60_000 }, () => {
  test('is asked for the resource, the audience and the scopes that are said, and for no other', async (t) => {
    const { works, form } = await exchanged(t, {})
    assert.ok(works)
    assert.deepEqual(
      ['resource', 'audience', 'scope'].map((name) => form?.get(name)),
      ['https://mail.example/mcp', 'mail', 'read write'],
    )
    const bare = await exchanged(t, { resource: undefined, scopes: undefined })
    assert.ok(bare.works)
    assert.deepEqual([bare.form?.get('resource'), bare.form?.get('scope')], [null, null])
  })

  test('goes to a server of this house only where its network and its authority are said', async (t) => {
    for (const change of [{ privateNetworks: [] }, { ca: undefined }]) {
      const { works, form } = await exchanged(t, change)
      assert.deepEqual([works, form], [false, undefined], JSON.stringify(change))
    }
  })
})

describe('who is lent to look at an upstream', { timeout: 60_000 }, () => {
  test('lister is the tenant whose secret reads the list of tools', async (t) => {
    const upstream: CountingUpstream = await startCounting([ECHO])
    t.after(() => upstream.close())
    // It tells nothing to whoever has no secret.
    upstream.misbehave(({ headers }, response) => {
      if (headers['x-api-key'] !== undefined) return false
      response.writeHead(401).end()
      return true
    })
    const vault = { of: 'tenant', header: 'x-api-key', scheme: '' }
    const gateway = await startTestGateway({
      upstreams: [
        { name: 'lent', url: upstream.url, http: { vault: { ...vault, lister: 'acme' } } },
        { name: 'usual', url: upstream.url, http: { vault } },
      ],
      policy: 'permit (principal, action, resource);\n',
    })
    t.after(() => gateway.close())
    const acme = await gateway.issue(['admin'], { tenant: 'acme' })
    for (const name of ['lent', 'usual']) {
      await deposit(gateway, name, 'secret-of-acme', 'acme')
      const url = gateway.endpoint(name)
      const tools = async () => (await ask(gateway, 'tools/list', {}, { token: acme, url })).json?.result?.tools?.length
      let found: unknown
      for (let tries = 0; tries < 100 && found === undefined; tries++) {
        found = await tools()
        if (name === 'usual') break
        if (found === undefined) await new Promise((resolve) => setTimeout(resolve, 50))
      }
      assert.equal(found, name === 'lent' ? 1 : undefined, name)
    }
  })
})

const PLENTY = { permits: 1_000_000, perSeconds: 1, burst: 1_000_000 }
const USUAL = { perAddress: PLENTY, perPrincipal: PLENTY }
/** Nothing comes back within a minute: with another period, or with more permits, it would. */
const SLOW = { permits: 1, perSeconds: 3_600, burst: 3 }

const RATES: Readonly<Record<string, object>> = {
  'traffic.rate.perAddress': { traffic: { rate: { ...USUAL, perAddress: SLOW } } },
  'traffic.rate.perPrincipal': { traffic: { rate: { ...USUAL, perPrincipal: SLOW } } },
  'traffic.rate.perClient': { traffic: { rate: { ...USUAL, perClient: SLOW } } },
  'traffic.rate.upstreams': { traffic: { rate: { ...USUAL, upstreams: { one: SLOW } } } },
  'traffic.rate.tools': { traffic: { rate: { ...USUAL, tools: { one__echo: { rate: SLOW } } } } },
  'tenants.limits.rate': {
    traffic: { rate: USUAL },
    tenants: { default: { upstreams: ['one', 'two'], limits: { rate: SLOW } } },
  },
}

describe('a rate', { timeout: 60_000 }, () => {
  for (const [place, config] of Object.entries(RATES))
    test(`of ${place} has its burst, its permits and its period`, async (t) => {
      const issuing = await startIssuing({ config: { ...config } })
      t.after(() => issuing.close())
      const token = await issuing.token({ client_id: 'a-client' })
      const call = async () => (await issuing.echo(token)).status
      // After the leap of the clock nobody is let in until the revocations have been read once more.
      const settled = async (): Promise<number> => {
        for (;;) {
          const status = await call()
          if (status !== 503) return status
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
      assert.deepEqual([await call(), await call(), await call(), await call()], [200, 200, 200, 429])
      issuing.shift(60_000)
      // No call is made meanwhile: one that is not let in takes a permit of its address too.
      await new Promise((resolve) => setTimeout(resolve, 800))
      assert.equal(await settled(), 429)
      issuing.shift(3_600_000)
      const later = await issuing.token({ client_id: 'a-client', jti: 'later' })
      assert.notEqual((await issuing.echo(later)).status, 429, 'and then it comes back')
    })
})
