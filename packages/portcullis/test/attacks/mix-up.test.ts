/**
 * A hostile authorization server of one upstream sends the person on to the honest one of another, so that the gateway brings
 * it that one's code (RFC 9700 §4.4). The honest server speaks no RFC 9207: nothing in its answer says whose code it is.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { auditText } from '../fixtures/audit.ts'
import { Browser } from '../fixtures/browser.ts'
import { ask } from '../fixtures/client.ts'
import { linkOf, URLS } from '../fixtures/connecting.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type OAuthUpstream, startOAuthUpstream } from '../fixtures/oauth-upstream.ts'

interface Scene {
  readonly gateway: TestGateway
  /** Names the hostile server `evil` and the honest one `mail`. */
  readonly evil: OAuthUpstream
  readonly mail: OAuthUpstream
}

async function scene(t: { after(end: () => unknown): void }): Promise<Scene> {
  const evil = await startOAuthUpstream()
  const mail = await startOAuthUpstream()
  const http = ({ issuer }: OAuthUpstream, id: string) => ({
    oauth: {
      ...{ mode: 'per-user', issuer, plaintext: 'loopback-only' },
      client: { id, secret: { env: 'CLIENT_SECRET' } },
    },
  })
  const gateway = await startTestGateway({
    upstreams: [
      { name: 'evil', url: evil.url, http: http(evil, 'at-evil') },
      { name: 'mail', url: mail.url, http: http(mail, 'at-mail') },
    ],
    policy: 'permit (principal, action, resource);\n',
    environment: { CLIENT_SECRET: 'a-secret-of-the-client' },
  })
  t.after(() => Promise.all([gateway.close(), evil.close(), mail.close()]))
  const client = { client_secret: 'a-secret-of-the-client', token_endpoint_auth_method: 'client_secret_basic' }
  evil.addClient('at-evil', { ...client, redirect_uris: [`${gateway.origin}/connect/callback/evil`] })
  mail.addClient('at-mail', { ...client, redirect_uris: [`${gateway.origin}/connect/callback/mail`] })
  return { gateway, evil, mail }
}

/** The hostile server leads people to the honest one, with the state and the challenge that it was given. */
function forward({ evil, mail, gateway }: Scene, callback: 'evil' | 'mail'): void {
  evil.interfere(({ url = '' }, response) => {
    const asked = new URL(url, evil.server)
    if (asked.pathname === '/as/auth') {
      asked.searchParams.set('client_id', 'at-mail')
      asked.searchParams.set('redirect_uri', `${gateway.origin}/connect/callback/${callback}`)
      asked.searchParams.set('resource', mail.url)
      asked.searchParams.set('scope', 'read')
      response.writeHead(303, { location: `${mail.issuer}/auth${asked.search}` }).end()
      return true
    }
    if (!asked.pathname.startsWith('/.well-known/')) return false
    const metadata = {
      ...{ issuer: evil.issuer, authorization_endpoint: `${evil.issuer}/auth`, token_endpoint: `${evil.issuer}/token` },
      ...{ response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] },
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata))
    return true
  })
}

/** Alice follows the link for `evil` through both servers; what comes back leads to the gateway, if anything does. */
async function lured({ gateway, evil, mail }: Scene, key: string) {
  const asked = await ask(
    gateway,
    'tools/call',
    { name: 'echo', arguments: { text: 'x' } },
    { token: key, capabilities: URLS, url: gateway.endpoint('evil') },
  )
  const link = linkOf(asked)
  const browser = new Browser(gateway.origin, gateway.caFile)
  const left = await browser.submit(await browser.get(link), link.slice(gateway.origin.length), { key })
  const to = /<a href="([^"]+)"/.exec(left.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const [atEvil, atMail] = [new Browser(evil.server), new Browser(mail.server)]
  mail.signInAs('alice-at-mail')
  const sent = (await atEvil.get(to)).leadsTo
  assert.equal(sent?.origin, mail.server, 'the hostile server sends her on')
  const back = await atMail.get(String(sent))
  await Promise.all([atEvil.close(), atMail.close()])
  back.leadsTo?.searchParams.delete('iss')
  return { browser, back }
}

describe('an authorization server that sends people on to that of another upstream', { timeout: 60_000 }, () => {
  it('gets no code of the other: the answer came to the address of the other upstream', async (t) => {
    const all = await scene(t)
    const key = await all.gateway.issue(['user'])
    forward(all, 'mail')
    const { browser, back } = await lured(all, key)
    assert.equal(back.leadsTo?.pathname, '/connect/callback/mail')
    assert.ok(back.leadsTo?.searchParams.get('code'))
    const page = await browser.get(back.leadsTo?.href ?? '')
    assert.equal(page.status, 400, page.text)
    assert.deepEqual([all.evil.grants.length, all.mail.grants.length], [0, 0], 'the code was shown to nobody')
    assert.match(auditText(all.gateway), /"reason":"came back for another"/)
    const moved = new URL(back.leadsTo ?? '')
    moved.pathname = '/connect/callback/evil'
    assert.equal((await browser.get(moved.href)).status, 400, 'the state was good once')
    assert.equal(all.evil.grants.length, 0)
    await browser.close()
  })

  it('cannot have the answer come to its own address, which the other server does not know', async (t) => {
    const all = await scene(t)
    const key = await all.gateway.issue(['user'])
    forward(all, 'evil')
    const { browser, back } = await lured(all, key)
    assert.equal(back.status, 400)
    assert.equal(back.leadsTo, undefined)
    await browser.close()
  })

  it('finds one address in the client document of each upstream, and no document of all', async (t) => {
    const { gateway } = await scene(t)
    const browser = new Browser(gateway.origin, gateway.caFile)
    for (const name of ['evil', 'mail']) {
      const document = JSON.parse((await browser.get(`/connect/client/${name}.json`)).text)
      assert.equal(document.client_id, `${gateway.origin}/connect/client/${name}.json`)
      assert.equal(document.client_name, `Portcullis (${name})`)
      assert.deepEqual(document.redirect_uris, [`${gateway.origin}/connect/callback/${name}`])
    }
    for (const path of ['client.json', 'client/other.json', 'callback', 'callback/other'])
      assert.equal((await browser.get(`/connect/${path}?state=x&code=y`)).status, 400)
    await browser.close()
  })
})
