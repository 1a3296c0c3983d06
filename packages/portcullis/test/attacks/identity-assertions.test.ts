/** What could be presented in place of an identity assertion. Each gets one answer, no token, and is on record. */
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { type AssertingGateway, startAsserting } from '../fixtures/asserting-gateway.ts'
import { signingKey } from '../identity/loopback-issuer.ts'

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const HEADER = { alg: 'ES256', kid: 'first', typ: 'oauth-id-jag+jwt' }

describe('forged and foreign identity assertions', { timeout: 120_000 }, () => {
  let all: AssertingGateway
  before(async () => {
    all = await startAsserting()
  })
  after(() => all.close())

  const issued = () => all.gateway.records().filter(({ what }) => what === 'token.issued').length

  async function refused(title: string, assertion: string, form: Record<string, string> = {}) {
    const earlier = issued()
    const told = await all.present(assertion, form)
    const { error, error_description: description, access_token: token } = told.json as Record<string, string>
    assert.deepEqual([told.status, error, token], [400, 'invalid_grant', undefined], `${title}: ${told.text}`)
    assert.equal(issued(), earlier, title)
    return description
  }

  const CLAIMS: readonly (readonly [string, (a: AssertingGateway) => object])[] = [
    ['of an unknown issuer', () => ({ iss: 'https://idp.example' })],
    ['of an issuer that is spelled otherwise', ({ provider }) => ({ iss: `${provider.issuer}/` })],
    ['for the issuer with a slash', ({ gateway }) => ({ aud: `${gateway.issuer}/` })],
    ['for the resource instead of us', ({ gateway }) => ({ aud: gateway.endpoint('one') })],
    ['for us and somebody else', ({ gateway }) => ({ aud: [gateway.issuer, 'https://other.example'] })],
    ['without an audience', () => ({ aud: undefined })],
    ['for another client', () => ({ client_id: 'somebody-else' })],
    ['without a client', () => ({ client_id: undefined })],
    ['for several clients', ({ client }) => ({ client_id: [client.id] })],
    ['for a foreign resource', () => ({ resource: 'https://files.example/mcp' })],
    ['for an upstream that does not exist', ({ gateway }) => ({ resource: gateway.endpoint('three') })],
    ['without a resource', () => ({ resource: undefined })],
    ['for two resources', ({ gateway }) => ({ resource: [gateway.endpoint('one'), gateway.endpoint('two')] })],
    ['that has expired', ({ now }) => ({ iat: now() - 200, exp: now() - 60 })],
    ['that is good for a day', ({ now }) => ({ exp: now() + 86_400 })],
    ['that ends in a far future', () => ({ exp: 9_999_999_999 })],
    ['that ends before it begins', ({ now }) => ({ iat: now() + 20, exp: now() + 10 })],
    ['from the future', ({ now }) => ({ iat: now() + 3_600, exp: now() + 3_700 })],
    ['that is not valid yet', ({ now }) => ({ nbf: now() + 100 })],
    ['without an end', () => ({ exp: undefined })],
    ['without a beginning', () => ({ iat: undefined })],
    ['with a text for its end', ({ now }) => ({ exp: String(now() + 60) })],
    ['without an id', () => ({ jti: undefined })],
    ['with an empty id', () => ({ jti: '' })],
    ['with a number for an id', () => ({ jti: 7 })],
    ['with a huge id', () => ({ jti: 'x'.repeat(300) })],
    ['without a subject', () => ({ sub: undefined })],
    ['with an empty subject', () => ({ sub: '' })],
    ['with a line break in its subject', () => ({ sub: 'a\nb' })],
    ['bound to something unknown', () => ({ cnf: { jwk: {} } })],
    ['bound to a certificate', () => ({ cnf: { 'x5t#S256': 'x'.repeat(43) } })],
  ]
  for (const [title, change] of CLAIMS) {
    it(`refuses one ${title}`, async () => {
      await refused(title, await all.assertion(change(all)))
    })
  }

  const TYPES: readonly unknown[] = ['JWT', 'at+jwt', 'id-jag+jwt', 'oauth-id-jag', 'jwt-bearer', '', undefined, 7]
  for (const typ of TYPES) {
    it(`refuses the type ${JSON.stringify(typ)}`, async () => {
      await refused('type', await all.assertion({}, { typ }))
    })
  }

  it('refuses what nobody has signed, and what was signed by the wrong key', async () => {
    const claims = part(all.claims())
    await refused('none', `${part({ ...HEADER, alg: 'none' })}.${claims}.`)
    await refused('None', `${part({ ...HEADER, alg: 'None' })}.${claims}.AA`)
    const published = JSON.stringify(all.key.jwk)
    const confused = `${part({ ...HEADER, alg: 'HS256' })}.${claims}`
    for (const secret of [published, all.key.jwk.x ?? '', '']) {
      const mac = createHmac('sha256', secret).update(confused).digest('base64url')
      await refused('HS256', `${confused}.${mac}`)
    }
    const other = await signingKey('first')
    const forged = new SignJWT(all.claims()).setProtectedHeader(HEADER)
    await refused('another key', await forged.sign(other.privateKey))
    const embedded = new SignJWT(all.claims()).setProtectedHeader({ ...HEADER, jwk: other.jwk })
    await refused('its own key', await embedded.sign(other.privateKey))
    await refused('a key elsewhere', await all.assertion({}, { alg: 'ES256', kid: 'second' }))
  })

  it('refuses what is changed, cut, doubled, or no assertion at all', async () => {
    const good = await all.assertion()
    const [header, , signature] = good.split('.')
    await refused('other claims', `${header}.${part(all.claims({ sub: 'root' }))}.${signature}`)
    await refused('cut', good.slice(0, -2))
    await refused('longer', `${good}AA`)
    await refused('no text', '')
    await refused('spaces', ` ${good}`)
    await refused('huge', 'a.'.repeat(20_000))
    const doubled = `{"sub":"root",${JSON.stringify(all.claims()).slice(1)}`
    await refused('repeated', `${part(HEADER)}.${Buffer.from(doubled).toString('base64url')}.${signature}`)
    await refused('critical', await all.assertion({}, { crit: ['b64'], b64: true }))
    assert.equal((await all.present(good)).status, 200, 'the good one was not used up by all that')
  })

  it('refuses a token of ours, and an assertion opens nothing as a token', async () => {
    const token = (await all.present(await all.assertion())).json.access_token as string
    await refused('a token', token)
    const seen = all.upstream.count()
    assert.equal((await all.echo(await all.assertion({ aud: all.gateway.endpoint('one') }))).status, 401)
    assert.equal(all.upstream.count(), seen)
  })

  it('says the same whatever it was, and what it was stands in the record alone', async () => {
    const told = new Set([
      await refused('type', await all.assertion({}, { typ: 'JWT' })),
      await refused('audience', await all.assertion({ aud: 'x' })),
      await refused('client', await all.assertion({ client_id: 'x' })),
      await refused('resource', await all.assertion({ resource: 'x' })),
    ])
    assert.equal(told.size, 1)
    const records = JSON.stringify(all.gateway.records())
    for (const reason of ['made for another client', 'this resource is not served here', 'unknown issuer'])
      assert.ok(records.includes(reason), reason)
  })

  it('refuses one with the secret of another client, and with none', async () => {
    const wrong = await all.present(await all.assertion(), { client_secret: 'wrong' })
    assert.deepEqual([wrong.status, wrong.json.error], [401, 'invalid_client'])
    const other = await all.gateway.client({ redirects: [], roles: ['admin'], proof: { kind: 'secret' } })
    const stolen = await all.present(await all.assertion(), { client_id: other.id, client_secret: other.secret ?? '' })
    assert.ok(stolen.status >= 400)
    assert.equal(stolen.json.access_token, undefined)
    const foreign = await all.gateway.client({
      ...{ redirects: [], assertions: true, tenant: 'elsewhere', proof: { kind: 'secret' } },
    })
    await refused('a client of another tenant', await all.assertion({ client_id: foreign.id }), {
      ...{ client_id: foreign.id, client_secret: foreign.secret ?? '' },
    })
  })

  it('refuses all when the keys of the issuer cannot be had, and counts no id as used then', async (t) => {
    const own = await startAsserting()
    t.after(() => own.close())
    const assertion = await own.assertion({ jti: randomUUID() })
    own.provider.answers = { '/jwks': (_request, response) => void response.writeHead(500).end() }
    assert.equal((await own.present(assertion)).json.error, 'invalid_grant')
  })
})
