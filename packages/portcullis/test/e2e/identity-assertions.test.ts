/** ID-6: enterprise-managed authorization. An assertion of an identity provider (ID-JAG) becomes one short token, once. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AssertingGateway, ASSERTION_GRANT, startAsserting } from '../fixtures/asserting-gateway.ts'
import { ask, send } from '../fixtures/client.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('an identity assertion', { timeout: 60_000 }, () => {
  let all: AssertingGateway
  before(async () => {
    all = await startAsserting({
      issuer: {
        tenant: { claim: 'org', map: { acme: 'default' } },
        roles: { claim: 'groups', map: { staff: ['admin'] } },
        scopes: ['mcp'],
      },
    })
  })
  after(() => all.close())
  const person = { org: 'acme', groups: ['staff', 'guests'] }

  it('is advertised, becomes a token of one resource, and calls a tool', async () => {
    const { gateway, upstream } = all
    const discovery = await send(gateway, undefined, {
      ...{ method: 'GET', token: null },
      url: `${gateway.origin}/auth/.well-known/oauth-authorization-server`,
    })
    assert.deepEqual(discovery.json.authorization_grant_profiles_supported, [
      'urn:ietf:params:oauth:grant-profile:id-jag',
    ])
    assert.ok(discovery.json.grant_types_supported.includes(ASSERTION_GRANT))
    const told = await all.present(await all.assertion({ ...person, amr: ['pwd', 'mfa'] }))
    assert.equal(told.status, 200, told.text)
    assert.equal(told.json.refresh_token, undefined)
    assert.deepEqual([told.json.token_type, told.json.scope, told.json.expires_in], ['Bearer', 'mcp', 300])
    assert.equal(told.headers['cache-control'], 'no-store')
    const token = told.json.access_token as string
    const { sub, aud, roles, tenant, amr, client_id: client } = claimsOf(token)
    assert.deepEqual(
      { sub, aud, roles, tenant, amr, client },
      {
        ...{ sub: `${all.provider.issuer}|U019`, aud: gateway.endpoint('one'), roles: ['admin'], tenant: 'default' },
        ...{ amr: ['pwd', 'mfa'], client: all.client.id },
      },
    )
    const earlier = upstream.count()
    assert.equal((await all.echo(token)).status, 200)
    assert.equal(upstream.count(), earlier + 1)
    assert.equal((await all.echo(token, 'two')).status, 401, 'it is good for its resource alone')
    assert.equal((await ask(gateway, 'tools/list', {}, { token, url: `${gateway.origin}/mcp` })).status, 401)
    assert.equal(upstream.count(), earlier + 1)
  })

  it('works once: the second time no token is issued, and both are on record', async () => {
    const jti = `jti-${all.now()}`
    const assertion = await all.assertion({ ...person, jti })
    assert.equal((await all.present(assertion)).status, 200)
    const again = await all.present(assertion)
    assert.deepEqual([again.status, again.json.error], [400, 'invalid_grant'])
    assert.equal(again.json.access_token, undefined)
    const records = all.gateway.records()
    const issued = records.filter(({ what, detail }) => what === 'token.issued' && JSON.stringify(detail).includes(jti))
    assert.equal(issued.length, 1)
    assert.equal((issued[0] as { by?: string }).by, `${all.provider.issuer}|U019`)
    const refused = records.filter((one) => JSON.stringify(one).includes('used before'))
    assert.equal(refused.length, 1)
    assert.equal(refused[0]?.['code'], 'identity.oauth_refused')
  })

  it('lets exactly one of 50 that come at once through', async () => {
    const assertion = await all.assertion(person)
    const told = await Promise.all(Array.from({ length: 50 }, () => all.present(assertion)))
    assert.equal(told.filter(({ status }) => status === 200).length, 1)
    assert.equal(told.filter(({ json }) => json.error === 'invalid_grant').length, 49)
  })

  it('gives scopes that are asserted, allowed, and asked for', async () => {
    const given = async (asserted: string | undefined, wanted?: string) => {
      const told = await all.present(
        await all.assertion({ ...person, scope: asserted }),
        wanted === undefined ? {} : { scope: wanted },
      )
      return [told.status, told.json.scope ?? told.json.error]
    }
    assert.deepEqual(await given('mcp files'), [200, 'mcp'], 'the issuer may not hand out files')
    assert.deepEqual(await given('mcp', 'mcp files'), [200, 'mcp'], 'more was asked for than is asserted')
    assert.deepEqual(await given('mcp', 'files'), [400, 'invalid_grant'])
    assert.deepEqual(await given('mcp', 'admin:write'), [400, 'invalid_grant'])
    assert.deepEqual(await given('mcp admin:write'), [200, 'mcp'])
    assert.deepEqual(await given(undefined), [200, undefined], 'nothing is asserted, so the token has no scope')
  })

  it('binds its token to the key of a proof, and to the key that the assertion names', async () => {
    const key = await proofKey()
    const proof = () => proofFor(key, { url: `${all.gateway.issuer}/token`, token: '', claims: { ath: undefined } })
    const bound = await all.present(await all.assertion(person), {}, { dpop: await proof() })
    assert.deepEqual([bound.status, bound.json.token_type], [200, 'DPoP'], bound.text)
    assert.deepEqual(claimsOf(bound.json.access_token as string)['cnf'], { jkt: key.jkt })
    assert.equal((await all.echo(bound.json.access_token as string)).status, 401, 'as a bearer it is worth nothing')

    const named = { ...person, cnf: { jkt: key.jkt } }
    assert.equal((await all.present(await all.assertion(named))).json.error, 'invalid_grant', 'no proof')
    const used = await proof()
    assert.equal((await all.present(await all.assertion(named), {}, { dpop: used })).status, 200)
    const replayed = await all.present(await all.assertion(named), {}, { dpop: used })
    assert.equal(replayed.json.error, 'invalid_grant', 'a proof is good once')
    const other = await proofKey()
    const wrong = await proofFor(other, { url: `${all.gateway.issuer}/token`, token: '', claims: { ath: undefined } })
    const refused = await all.assertion(named)
    assert.equal((await all.present(refused, {}, { dpop: wrong })).json.error, 'invalid_grant')
    assert.equal((await all.present(refused, {}, { dpop: await proof() })).status, 200, 'it was not used up by that')
  })

  it('ends with its principal: the next call is refused', async () => {
    const { gateway } = all
    const told = await all.present(await all.assertion({ ...person, sub: 'leaver' }))
    const token = told.json.access_token as string
    assert.equal((await all.echo(token)).status, 200)
    const { id, secret } = all.client
    const revoked = await gateway.tell('/revoke', { token, client_id: id, client_secret: secret })
    assert.equal(revoked.status, 200, revoked.text)
    assert.equal((await all.echo(token)).status, 401)
  })
})

describe('an identity assertion for somebody with an account', { timeout: 60_000 }, () => {
  it('means the account that its claim names, with the roles of that account, as long as it is enabled', async (t) => {
    const all = await startAsserting({ issuer: { account: { claim: 'login' } } })
    t.after(() => all.close())
    const alice = await all.gateway.person('alice', ['admin'])
    const told = await all.present(await all.assertion({ login: 'Alice' }))
    assert.equal(told.status, 200, told.text)
    assert.equal(claimsOf(told.json.access_token as string)['sub'], alice.id)
    assert.equal((await all.echo(told.json.access_token as string)).status, 200)
    await all.gateway.person('bob', ['admin'], 'elsewhere')
    for (const claims of [{ login: 'nobody' }, { login: 'bob' }, {}, { login: 7 }]) {
      assert.equal((await all.present(await all.assertion(claims))).json.error, 'invalid_grant', JSON.stringify(claims))
    }
    await all.gateway.accounts.disable(alice)
    assert.equal((await all.present(await all.assertion({ login: 'alice' }))).json.error, 'invalid_grant')
  })

  it('means the account to which its subject is linked, and nobody when there is no link', async (t) => {
    const all = await startAsserting({ issuer: { account: 'linked' } })
    t.after(() => all.close())
    assert.equal((await all.present(await all.assertion())).json.error, 'invalid_grant')
  })
})

describe('a client without a secret', { timeout: 60_000 }, () => {
  it('may present no assertion', async (t) => {
    const all = await startAsserting()
    t.after(() => all.close())
    await assert.rejects(all.gateway.client({ assertions: true }), /needs a secret or keys/)
    const plain = await all.gateway.client()
    const told = await all.present(await all.assertion({ client_id: plain.id }), { client_id: plain.id })
    assert.equal(told.status >= 400, true)
    assert.equal(told.json.access_token, undefined)
  })
})

/** A client that a document on the provider's host describes. */
async function withDocument(assertions: object) {
  const all = await startAsserting({
    assertions: { ...assertions },
    server: (provider, ca) => ({
      clientDocuments: { hosts: [new URL(provider.issuer).host], privateNetworks: ['127.0.0.1'], ca },
    }),
  })
  const id = `${all.provider.issuer}/client.json`
  const document = {
    ...{ client_id: id, client_name: 'Editor', redirect_uris: ['http://127.0.0.1:7777/callback'] },
    ...{ grant_types: ['authorization_code', ASSERTION_GRANT], token_endpoint_auth_method: 'none' },
  }
  all.provider.answers = {
    '/client.json': (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document)),
  }
  const told = async () => {
    const assertion = await all.assertion({ client_id: id })
    return all.gateway.tell('/token', { grant_type: ASSERTION_GRANT, assertion, client_id: id })
  }
  return { all, told }
}

describe('a client that a document describes', { timeout: 60_000 }, () => {
  it('may present assertions without a key of its own only where that is allowed', async (t) => {
    const refusing = await withDocument({})
    t.after(() => refusing.all.close())
    const refused = await refusing.told()
    assert.deepEqual([refused.status, refused.json.error], [400, 'invalid_grant'], refused.text)
    const allowing = await withDocument({ publicClients: 'allowed' })
    t.after(() => allowing.all.close())
    const told = await allowing.told()
    assert.equal(told.status, 200, told.text)
    assert.equal((await allowing.all.echo(told.json.access_token as string)).status, 200)
  })
})

describe('the rules for one issuer', { timeout: 60_000 }, () => {
  it('say who is meant, how long an assertion may live and how far clocks may differ', async (t) => {
    const all = await startAsserting({
      issuer: { everyone: ['admin'], subjectClaim: ['person', 'id'], maxSeconds: 20, clockSkewSeconds: 0 },
    })
    t.after(() => all.close())
    const person = { person: { id: 'P7' }, exp: all.now() + 15 }
    const told = await all.present(await all.assertion(person))
    assert.equal(told.status, 200, told.text)
    assert.equal(claimsOf(told.json.access_token as string)['sub'], `${all.provider.issuer}|P7`)
    for (const change of [
      { exp: all.now() + 25 },
      { iat: all.now() + 5 },
      { exp: all.now() - 1, iat: all.now() - 9 },
    ]) {
      const refused = await all.present(await all.assertion({ ...person, ...change }))
      assert.equal(refused.json.error, 'invalid_grant', JSON.stringify(change))
    }
    assert.ok(all.provider.requests.includes('/.well-known/openid-configuration'), 'the keys were discovered')
  })

  it('say whether it may hand out scopes of the administration', async (t) => {
    const all = await startAsserting({ issuer: { everyone: ['admin'], scopes: ['mcp', 'admin:read'] } })
    t.after(() => all.close())
    const { origin } = all.gateway
    const asserted = { resource: `${origin}/admin`, scope: 'mcp admin:read admin:write' }
    const told = await all.present(await all.assertion(asserted))
    assert.deepEqual([told.status, told.json.scope], [200, 'admin:read'], told.text)
    const reply = (method: string, body?: object) =>
      send(all.gateway, body, { method, token: told.json.access_token as string, url: `${origin}/admin/v1/keys` })
    assert.equal((await reply('GET')).status, 200)
    assert.equal((await reply('POST', { name: 'x', roles: ['user'] })).status, 403)
  })
})
