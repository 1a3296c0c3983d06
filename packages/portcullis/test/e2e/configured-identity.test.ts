/** ID-1, ID-2, ID-8: what each key says of outside issuers, of proofs and of scopes has its effect, and another one is there without it. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
// @ts-expect-error -- plain JavaScript, as its readers will use it
import { signRequest } from '../../../../examples/signing-client/signatures.mjs'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { startAsserting } from '../fixtures/asserting-gateway.ts'
import { createAuthority } from '../fixtures/client-certificate.ts'
import { callTool, modern, send } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type IssuingGateway, type IssuingOptions, startIssuing } from '../fixtures/issuing-gateway.ts'
import { createPkiWorld, keyPem, makeCrl, pemOf } from '../fixtures/pki-world.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'
import { startProviderGateway } from '../fixtures/provider-gateway.ts'
import { authorizeUrl, pkce, redeem, refresh, signInAndAllow, startSignIn } from '../fixtures/sign-in.ts'
import { startSigning } from '../fixtures/signing-gateway.ts'

/** Starts a gateway with the members and one without them, and says what becomes of the same on both. */
async function both<T>(t: TestContext, options: IssuingOptions, act: (at: IssuingGateway) => Promise<T>, base = {}) {
  const found: T[] = []
  for (const one of [options, base]) {
    const at = await startIssuing(one)
    t.after(() => at.close())
    found.push(await act(at))
  }
  return found as [with_: T, without: T]
}

/** After a leap of the clock nobody is let in until the revocations have been read once more. */
async function settled(ask: () => Promise<number>): Promise<number> {
  for (;;) {
    const status = await ask()
    if (status !== 503) return status
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('of an outside issuer', () => {
  test('subjectClaim names the principal', async (t) => {
    const names = await both(t, { issuer: { subjectClaim: 'email' } }, async (at) => {
      assert.equal((await at.echo(await at.token({ email: 'alice@a.example' }))).status, 200)
      const record = recordsOf(at.gateway).findLast(({ kind }) => kind === 'call')
      return record?.kind === 'call' && record.principal
    })
    assert.match(String(names[0]), /alice@a\.example$/)
    assert.match(String(names[1]), /alice$/)
  })

  test('scopesClaim holds the scopes', async (t) => {
    const identity = { scopes: { shop: { upstreams: ['one'] } } }
    const act = async (at: IssuingGateway) => (await at.echo(await at.token({ permissions: ['shop'] }))).status
    assert.deepEqual(await both(t, { identity, issuer: { scopesClaim: 'permissions' } }, act, { identity }), [200, 403])
  })

  test('clockSkewSeconds is how far an expiry may lie behind', async (t) => {
    const act = async (at: IssuingGateway) => (await at.echo(await at.token({ exp: at.seconds() - 10 }))).status
    assert.deepEqual(await both(t, { issuer: { clockSkewSeconds: 0 } }, act), [401, 200])
  })

  test('tokenType is the type that a token has to name', async (t) => {
    const act = async (at: IssuingGateway) => (await at.echo(await at.token({}, { typ: 'JWT' }))).status
    assert.deepEqual(await both(t, { issuer: { tokenType: 'any' } }, act), [200, 401])
  })

  test('tenant is that of its principals', async (t) => {
    const act = async (at: IssuingGateway) => {
      assert.equal((await at.echo(await at.token())).status, 200)
      return recordsOf(at.gateway).findLast(({ kind }) => kind === 'call')?.tenant
    }
    assert.deepEqual(await both(t, { issuer: { tenant: 'acme' } }, act), ['acme', 'default'])
  })

  test('jwksTtlSeconds is how long a key that was withdrawn is believed', async (t) => {
    const act = async (at: IssuingGateway) => {
      assert.equal((await at.echo(await at.token())).status, 200)
      at.issuer.keys = []
      at.shift(150_000)
      return settled(async () => (await at.echo(await at.token())).status)
    }
    assert.deepEqual(await both(t, { issuer: { jwksTtlSeconds: 60 } }, act), [401, 200])
  })

  test('algorithms are those of its tokens', async (t) => {
    const act = async (at: IssuingGateway) => (await at.echo(await at.token())).status
    assert.deepEqual(await both(t, { issuer: { algorithms: ['EdDSA'] } }, act), [401, 200])
  })

  test('jwksUri is where its keys are', async (t) => {
    const act = async (at: IssuingGateway) => (await at.echo(await at.token())).status
    assert.deepEqual(await both(t, { issuer: { jwksUri: 'https://127.0.0.1:1/keys' } }, act), [503, 200])
  })
})

describe('of the resource', () => {
  test('title is its name in the metadata', async (t) => {
    const act = async ({ gateway }: IssuingGateway) => {
      const url = `${gateway.origin}/.well-known/oauth-protected-resource/mcp/one`
      return (await send(gateway, undefined, { method: 'GET', url, token: null })).json.resource_name
    }
    assert.deepEqual(await both(t, { upstreams: { one: { title: 'The shop' } } }, act), ['The shop', undefined])
  })
})

describe('of an issuer that is asked about opaque tokens', () => {
  test('url is where it is asked', async (t) => {
    const asked = (url?: string) => ({
      environment: { INTROSPECTION: 'secret-of-the-gateway' },
      issuer: { introspection: { ...(url && { url }), clientId: 'gateway', secret: { env: 'INTROSPECTION' } } },
    })
    const act = async (at: IssuingGateway) => {
      at.issuer.introspect = () => ({ active: true, iss: at.issuer.issuer, ...at.claims() })
      return (await at.echo('opaque-token')).status
    }
    const [elsewhere, discovered] = await both(t, asked('https://127.0.0.1:1/introspect'), act, asked())
    assert.deepEqual([elsewhere === 200, discovered], [false, 200])
  })
})

describe('of a proof', () => {
  /** The status of a call with a proof that is `ageSeconds` old, once a nonce is there. */
  const aged = (ageSeconds: number) => async (at: IssuingGateway) => {
    const key = await proofKey()
    const token = await at.token({ cnf: { jkt: key.jkt } })
    return (await at.prove(key, token, { iat: at.seconds() - ageSeconds })).status
  }

  test('proofSeconds is how old it may be', async (t) => {
    assert.deepEqual(await both(t, { identity: { dpop: { proofSeconds: 5 } } }, aged(20)), [401, 200])
  })

  test('clockSkewSeconds is how far ahead it may be', async (t) => {
    assert.deepEqual(await both(t, { identity: { dpop: { clockSkewSeconds: 30 } } }, aged(-20)), [200, 401])
  })

  test('algorithms are those that are taken', async (t) => {
    const act = async (at: IssuingGateway) => {
      const key = await proofKey('ES384')
      return (await at.prove(key, await at.token({ cnf: { jkt: key.jkt } }))).status
    }
    assert.deepEqual(await both(t, { identity: { dpop: { algorithms: ['ES384'] } } }, act), [200, 401])
  })

  test('nonce is demanded unless that is turned off', async (t) => {
    const act = async (at: IssuingGateway) => {
      const key = await proofKey()
      const token = await at.token({ cnf: { jkt: key.jkt } })
      const proof = await proofFor(key, { url: at.gateway.endpoint('one'), token, iat: at.seconds() })
      return (await at.echo(null, { headers: { authorization: `DPoP ${token}`, dpop: proof } })).status
    }
    assert.deepEqual(await both(t, { identity: { dpop: { nonce: 'off' } } }, act), [200, 401])
  })

  test('nonceSeconds is how long its nonce is the newest', async (t) => {
    const act = async (at: IssuingGateway) => {
      const key = await proofKey()
      const nonceOf = async (nonce?: string) => {
        const token = await at.token({ cnf: { jkt: key.jkt } })
        const of = { url: at.gateway.endpoint('one'), token, iat: at.seconds(), ...(nonce && { nonce }) }
        const headers = { authorization: `DPoP ${token}`, dpop: await proofFor(key, of) }
        return at.echo(null, { headers })
      }
      const nonce = String((await nonceOf()).headers['dpop-nonce'])
      at.shift(70_000)
      return settled(async () => (await nonceOf(nonce)).status)
    }
    assert.deepEqual(await both(t, { identity: { dpop: { nonceSeconds: 30 } } }, act), [401, 200])
  })
})

describe('of another provider at which people sign in', () => {
  const PEOPLE = {
    ada: { email: 'ada@acme.example', email_verified: true, acr: 'acme' },
    bob: { email: 'bob@acme.example', email_verified: true },
  }
  const OPEN = {
    ...{ create: 'on-first-sign-in', admit: 'everybody', everyone: ['admin'] },
  }

  test('nameClaim and tenant say under which name and where its people get accounts', async (t) => {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const by = (config: object) => ({ people: PEOPLE, config: { ...OPEN, ...config } })
    const tenant = (acme: string) => ({ tenant: { claim: 'acr', map: { [acme]: 'of-acme' } } })
    const world = await startProviderGateway(
      {
        plain: by({}),
        told: by({ nameClaim: 'acr', ...tenant('acme') }),
        other: by({ nameClaim: 'acr', ...tenant('rival') }),
        fixed: by({ tenant: 'house' }),
      },
      { upstreams: [{ name: 'one', url: upstream.url }] },
    )
    t.after(() => world.close())
    for (const [name, who] of [
      ['plain', 'ada'],
      ['told', 'ada'],
      ['other', 'ada'],
      ['fixed', 'bob'],
    ] as const)
      await world.signIn(name, who)
    const accounts = async (where: string) => (await world.gateway.accounts.list(where)).map(({ name }) => name)
    assert.deepEqual(await accounts('default'), ['ada@acme.example'], 'a value that leads nowhere makes no account')
    assert.deepEqual(await accounts('of-acme'), ['acme'])
    assert.deepEqual(await accounts('house'), ['bob@acme.example'])
  })
})

describe('of the authorization server', { timeout: 60_000 }, () => {
  /** What is left a minute later of a sign-in: its session in the browser, and its refresh token. */
  async function leftOf(t: TestContext, server: object) {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const gateway = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }], server })
    t.after(() => gateway.close())
    await gateway.person('alice')
    const { id } = await gateway.client()
    const browser = gateway.browser()
    const { verifier, challenge } = pkce()
    const page = await browser.get(authorizeUrl(gateway, id, { code_challenge: challenge }))
    const { leadsTo } = await signInAndAllow(browser, page, 'alice')
    const told = await redeem(gateway, id, leadsTo?.searchParams.get('code') ?? '', verifier)
    const stores = await openSqliteStores({ path: join(gateway.stateFolder, 'store.sqlite') })
    await stores.grants.sweep(Date.now() + 62_000)
    await stores.close()
    const silent = await browser.get(authorizeUrl(gateway, id, { prompt: 'none' }))
    const isSignedIn = silent.leadsTo?.searchParams.get('error') !== 'login_required'
    return { isSignedIn, refreshes: (await refresh(gateway, id, told.json.refresh_token)).status === 200 }
  }

  test('refreshIdleSeconds, consentSeconds and sessionSeconds end each what they are about', async (t) => {
    assert.deepEqual(await leftOf(t, {}), { isSignedIn: true, refreshes: true })
    assert.equal((await leftOf(t, { refreshIdleSeconds: 60 })).refreshes, false)
    assert.equal((await leftOf(t, { consentSeconds: 60 })).refreshes, false)
    assert.equal((await leftOf(t, { sessionSeconds: 60 })).isSignedIn, false)
  })

  test('tenant is that of the clients that register themselves', async (t) => {
    const gateway = await startSignIn({ server: { registration: { tenant: 'acme' } } })
    t.after(() => gateway.close())
    const document = { client_name: 'Mine', redirect_uris: ['http://127.0.0.1:1/'] }
    const made = await send(gateway, document, { url: `${gateway.issuer}/register`, token: null })
    assert.equal(made.status, 201, made.text)
    assert.deepEqual(
      [(await gateway.clients.list('acme')).length, (await gateway.clients.list('default')).length],
      [1, 0],
    )
  })

  test('keyDays is how long a key signs', async (t) => {
    const counts: number[] = []
    for (const server of [{ keyDays: 1 }, {}]) {
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-key-days-'))
      t.after(() => rmSync(folder, { recursive: true, force: true }))
      await (await startSignIn({ folder, server })).close()
      const later = await startSignIn({ folder, server, clock: { now: () => Date.now() + 2 * 86_400_000 } })
      t.after(() => later.close())
      const { keys } = JSON.parse((await later.browser().get('/auth/jwks')).text) as {
        readonly keys: readonly object[]
      }
      counts.push(keys.length)
    }
    assert.deepEqual(counts, [2, 1])
  })
})

describe('of identity assertions', { timeout: 60_000 }, () => {
  test('algorithms, jwksUri, tenant and everyone say which ones count, and for whom', async (t) => {
    for (const change of [{ jwksUri: 'https://127.0.0.1:1/keys' }, { algorithms: ['EdDSA'] }]) {
      const other = await startAsserting({ issuer: { everyone: ['admin'], ...change } })
      t.after(() => other.close())
      assert.notEqual((await other.present(await other.assertion())).status, 200, JSON.stringify(change))
    }
    const tenants: unknown[] = []
    for (const issuer of [{ everyone: ['admin'], tenant: 'acme' }, { everyone: ['admin'] }]) {
      const all = await startAsserting({ issuer })
      t.after(() => all.close())
      const told = await all.present(await all.assertion())
      if (told.status === 200) await all.echo(told.json.access_token as string)
      tenants.push(told.status === 200 && recordsOf(all.gateway).findLast(({ kind }) => kind === 'call')?.tenant)
    }
    // A client of one tenant presents nothing about people of another.
    assert.deepEqual(tenants, [false, 'default'])
  })
})

describe('of client certificates', { timeout: 60_000 }, () => {
  test('tenant is that of the principal', async (t) => {
    const authority = await createAuthority()
    t.after(() => authority.remove())
    const dns = [{ type: 'dns', value: 'agent.example' }] as const
    const certificate = await authority.issue({ names: dns })
    const tls = { authority: 'local', clientCertificates: { authorities: [authority.caFile] } }
    const rule = { dns: 'agent.example', roles: ['admin'] }
    const config = { listen: { port: 0, tls } }
    const act = async ({ gateway }: IssuingGateway) => {
      await callTool(gateway, 'echo', {}, { token: null, certificate, url: gateway.endpoint('one') })
      return recordsOf(gateway).findLast(({ kind }) => kind === 'call')?.tenant
    }
    const by = (certificates: object) => ({ config, identity: { certificates: [certificates] } })
    assert.deepEqual(await both(t, by({ ...rule, tenant: 'acme' }), act, by(rule)), ['acme', 'default'])
  })

  test('crls end who is on them, unless revocation asks nobody', async (t) => {
    const world = await createPkiWorld()
    t.after(() => world.close())
    const uris = ['spiffe://example.org/agents/a']
    const leaf = await world.issue({ names: [], uris })
    const list = join(world.folder, 'clients.crl')
    writeFileSync(list, await makeCrl(world.intermediate, { revoked: [leaf] }))
    const steps = join(world.folder, 'steps.pem')
    writeFileSync(steps, pemOf(world.intermediate))
    const certificate = { key: await keyPem(leaf), cert: pemOf(leaf, world.intermediate) }
    const status = async (more: object) => {
      const clientCertificates = { authorities: [world.caFile, steps], revocationNetworks: ['127.0.0.0/8'], ...more }
      const at = await startIssuing({
        config: { listen: { port: 0, tls: { authority: 'local', clientCertificates } } },
        identity: { certificates: [{ uri: uris[0], roles: ['admin'] }] },
      })
      t.after(() => at.close())
      return (await at.echo(null, { certificate })).status
    }
    assert.deepEqual(
      [await status({ crls: [list] }), await status({}), await status({ crls: [list], revocation: 'off' })],
      [401, 200, 200],
    )
  })
})

describe('of signatures of callers', { timeout: 60_000 }, () => {
  /** The status of a signed call, by what is configured of signatures and by how it is signed. */
  async function signed(t: TestContext, signatures: Readonly<Record<string, unknown>>, how: object = {}) {
    const running = await startSigning({ signatures })
    t.after(() => running.close())
    return (await running.deliver(running.prepare({ how: how as Readonly<Record<string, unknown>> }))).status
  }
  const seconds = () => Math.floor(Date.now() / 1_000)

  test('maxAgeSeconds and clockSkewSeconds say how old it may be, and how far ahead', async (t) => {
    const old = { created: seconds() - 20 }
    assert.deepEqual([await signed(t, { maxAgeSeconds: 5 }, old), await signed(t, {}, old)], [403, 200])
    const ahead = { created: seconds() + 15 }
    assert.deepEqual([await signed(t, { clockSkewSeconds: 30 }, ahead), await signed(t, {}, ahead)], [200, 403])
  })

  test('tag is that of the signatures that are looked at', async (t) => {
    assert.deepEqual(
      [await signed(t, { tag: 'house' }, { tag: 'house' }), await signed(t, {}, { tag: 'house' })],
      [200, 403],
    )
  })

  test('tenant is that of the credential beside which a key signs', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-tenant-of-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const first = await startTestGateway({ folder, upstreams: [] })
    const token = await first.issue(['admin'], { tenant: 'acme' })
    const credential = (await first.recordOf(token))?.id
    await first.close()
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    writeFileSync(join(folder, 'mine.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
    const statuses: number[] = []
    for (const tenant of ['acme', undefined]) {
      const key = { id: 'mine', algorithm: 'ed25519', publicKey: 'mine.pub', credential, ...(tenant && { tenant }) }
      const gateway = await startTestGateway({
        ...{ folder, upstreams: [] },
        config: {
          identity: { signatures: { keys: [key] } },
          upstreams: {
            one: {
              ...{ trust: 'trusted', signatures: { callers: 'required' } },
              http: { url: upstream.url, plaintext: 'loopback-only' },
            },
          },
        },
      })
      statuses.push((await sendSigned(gateway, token, privateKey)).status)
      await gateway.close()
    }
    assert.deepEqual(statuses, [200, 403])
  })

  test('answers to a role are signed always', async (t) => {
    const shown: boolean[] = []
    for (const roles of [['admin'], []]) {
      const own = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
      const answers = { id: 'gateway', algorithm: 'ed25519', key: { env: 'ANSWER_KEY' }, roles }
      const upstream = await startCounting()
      t.after(() => upstream.close())
      const gateway = await startTestGateway({
        upstreams: [{ name: 'one', url: upstream.url }],
        config: { identity: { signatures: { answers } } },
        environment: { ANSWER_KEY: String(own) },
      })
      t.after(() => gateway.close())
      shown.push((await callTool(gateway, 'echo', {})).headers['signature-input'] !== undefined)
    }
    assert.deepEqual(shown, [true, false])
  })

  test('keys can be those of a set, and of a principal', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-keys-of-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const upstreams = [{ name: 'one', url: upstream.url }]
    const first = await startTestGateway({ upstreams, folder })
    const tokens = [await first.issue(['admin']), await first.issue(['admin'])]
    const principal = (await first.recordOf(tokens[0] as string))?.principal
    await first.close()
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'EdDSA' }
    writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys: [jwk] }))
    const gateway = await startTestGateway({
      folder,
      upstreams: [],
      config: {
        identity: { signatures: { keys: [{ id: 'mine', algorithm: 'ed25519', jwks: 'keys.json', principal }] } },
        upstreams: {
          one: {
            ...{ trust: 'trusted', signatures: { callers: 'required' } },
            http: { url: upstream.url, plaintext: 'loopback-only' },
          },
        },
      },
    })
    t.after(() => gateway.close())
    const statuses: number[] = []
    for (const token of tokens) {
      statuses.push((await sendSigned(gateway, token, privateKey)).status)
    }
    assert.deepEqual(statuses, [200, 403], 'its owner alone may use it')
  })
})

/** Calls `echo` of the upstream `one` under a signature of the key `mine`. */
function sendSigned(gateway: TestGateway, token: string, privateKey: KeyObject) {
  const url = gateway.endpoint('one')
  const { body, headers: mirrored } = modern('tools/call', { name: 'echo', arguments: {} })
  const text = JSON.stringify(body)
  const given = {
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    ...{ authorization: `Bearer ${token}`, ...mirrored },
  }
  const { headers } = signRequest({ method: 'POST', url, body: text, headers: given }, { keyId: 'mine', privateKey })
  return send(gateway, text, { url, token: null, headers })
}
