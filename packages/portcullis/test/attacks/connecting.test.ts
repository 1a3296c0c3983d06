/** Who may connect an upstream is asked again when it happens: the link was made minutes ago. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditText } from '../fixtures/audit.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { call, connect, end, goThrough, linkOf, scene } from '../fixtures/connecting.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { startOAuthUpstream } from '../fixtures/oauth-upstream.ts'
import { LoopbackIssuer, signingKey } from '../identity/loopback-issuer.ts'

/** A shared upstream that members of the group `staff` may connect, and a person whose tokens say whether she is one. */
async function sharedScene(t: { after(end: () => unknown): void }) {
  const tls = await createTestIdentity()
  const issuer = await LoopbackIssuer.start(t, tls)
  const key = await signingKey('first')
  issuer.keys = [key.jwk]
  const upstream = await startOAuthUpstream()
  const gateway = await startTestGateway({
    upstreams: [
      {
        name: 'mail',
        url: upstream.url,
        http: {
          oauth: {
            ...{ mode: 'shared', connectors: ['admin'], issuer: upstream.issuer, plaintext: 'loopback-only' },
            client: { id: 'portcullis', secret: { env: 'CLIENT_SECRET' } },
          },
        },
      },
    ],
    policy: 'permit (principal, action, resource);\n',
    environment: { CLIENT_SECRET: 'a-secret-of-the-client' },
    config: {
      identity: {
        issuers: [
          {
            ...{ issuer: issuer.issuer, ca: tls.caFile, algorithms: ['ES256'] },
            roles: { claim: 'groups', map: { staff: ['admin'] } },
          },
        ],
      },
    },
  })
  t.after(async () => {
    await end({ gateway, upstream })
    tls.remove()
  })
  upstream.addClient('portcullis', {
    ...{ client_secret: 'a-secret-of-the-client', token_endpoint_auth_method: 'client_secret_basic' },
    redirect_uris: [`${gateway.origin}/connect/callback/mail`],
  })
  const tokenOf = (groups: readonly string[]) => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'alice', aud: gateway.endpoint('mail'), iat: now, exp: now + 300, jti: groups.join() }
    return issuer.token(key, { ...claims, groups })
  }
  return { gateway, upstream, tokenOf }
}

describe('somebody who connects an upstream', { timeout: 60_000 }, () => {
  it('has to have the role of a connector then, and not only when the link was made', async (t) => {
    const all = await sharedScene(t)
    const link = linkOf(await call(all.gateway, await all.tokenOf(['staff'])))
    const { left, callback } = await goThrough(all, link, await all.tokenOf([]), 'alice')
    assert.equal(left.status, 400, left.text)
    assert.match(left.text, /may not connect this upstream for everybody any more/)
    assert.equal(callback, '', 'nobody was sent to the authorization server')
    assert.match(auditText(all.gateway), /"reason":"no connector"/)
    const page = await connect(all, link, await all.tokenOf(['staff']), 'alice')
    assert.equal(page.status, 200, 'the link was not used up by that')
    assert.equal((await call(all.gateway, await all.tokenOf(['staff']))).status, 200)
  })

  it('connects nothing when revoked on the way: no code is redeemed and nothing is kept', async (t) => {
    const all = await scene()
    t.after(() => end(all))
    const key = await all.gateway.issue(['user'])
    const { browser, callback } = await goThrough(all, linkOf(await call(all.gateway, key)), key, 'alice')
    assert.notEqual(callback, '')
    await all.gateway.revoke(key)
    await sleep(1_000)
    const page = await browser.get(callback)
    assert.equal(page.status, 400)
    await browser.close()
    const codes = all.upstream.grants.filter((one) => one.get('grant_type') === 'authorization_code')
    assert.deepEqual(codes, [])
    assert.match(auditText(all.gateway), /"reason":"revoked"/)
  })
})
