/** ID-4: what was let in by a way that is closed now has ended: sessions, consents with their tokens, the page of the account. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as OTPAuth from 'otpauth'
import { Authenticator, passkeyOptions } from '../fixtures/authenticator.ts'
import { Browser, type Page } from '../fixtures/browser.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { namedListener } from '../fixtures/named-listener.ts'
import { CLIENT_SECRET, OpenidProvider } from '../fixtures/openid-provider.ts'
import { csrfOf } from '../fixtures/provider-gateway.ts'
import {
  authorizeUrl,
  PASSWORD,
  pkce,
  redeem,
  refresh,
  type SignInGateway,
  startSignIn,
  type Tokens,
} from '../fixtures/sign-in.ts'

const PEOPLE = { ada: { email: 'ada@acme.example', email_verified: true } }
/** A web application: it is let through without a page as long as its consent stands. */
const WEB = 'https://app.example/callback'

interface World {
  readonly gateway: SignInGateway
  readonly upstream: CountingUpstream
  readonly clientId: string
  readonly providers: Readonly<Record<string, OpenidProvider>>
  /** Ends the gateway and starts it anew, with other ways to sign in. */
  restart(server: object): Promise<SignInGateway>
  /** A browser that outlives the gateway. */
  browser(): Browser
  /** For `identity.server.providers`. */
  provider(name: string): object
}

async function world(t: TestContext, server: (of: (name: string) => object) => object): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-ways-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const listen = await namedListener()
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const providers: Record<string, OpenidProvider> = {}
  for (const name of ['acme', 'rival']) {
    providers[name] = await OpenidProvider.start({
      people: PEOPLE,
      redirectUris: [`${listen.publicUrl}/auth/callback/${name}`],
    })
    t.after(() => providers[name]?.close())
  }
  const provider = (name: string) => ({
    ...{ name, title: name, issuer: providers[name]?.issuer, ca: providers[name]?.caFile, clientId: 'portcullis' },
    ...{ clientSecret: { env: 'PROVIDER_SECRET' }, privateNetworks: ['127.0.0.0/8', '::1/128'] },
    ...{ create: 'on-first-sign-in', admit: 'everybody', everyone: ['admin'] },
  })
  const start = (settings: object) =>
    startSignIn({
      folder,
      upstreams: [{ name: 'one', url: upstream.url }],
      environment: { PROVIDER_SECRET: CLIENT_SECRET },
      config: { listen },
      server: settings,
    })
  let gateway = await start(server(provider))
  t.after(() => gateway.close())
  const { id: clientId } = await gateway.client({ redirects: [WEB] })
  return {
    ...{ gateway, upstream, clientId, providers, provider },
    async restart(settings) {
      await gateway.close()
      gateway = await start(settings)
      return gateway
    },
    browser() {
      const browser = new Browser(listen.publicUrl, gateway.caFile)
      t.after(() => browser.close())
      return browser
    },
  }
}

interface Person {
  readonly browser: Browser
  readonly tokens: Tokens
}

/** Signs in by `way`, consents, and has tokens. */
async function signedIn({ gateway, clientId, browser }: World, way: (own: Browser, page: Page) => Promise<Page>) {
  const own = browser()
  const { verifier, challenge } = pkce()
  const asked = await own.get(authorizeUrl(gateway, clientId, { redirect_uri: WEB, code_challenge: challenge }))
  const page = await way(own, asked)
  const { leadsTo } = page.leadsTo === undefined ? await own.submit(page, '/consent') : page
  const code = leadsTo?.searchParams.get('code') ?? ''
  const told = await redeem(gateway, clientId, code, verifier, { redirect_uri: WEB })
  assert.equal(told.status, 200, told.text)
  return { browser: own, tokens: told.json as Tokens }
}

const byPassword =
  (name: string, code = '') =>
  (own: Browser, page: Page) =>
    own.submit(page, '/sign-in', { name, password: PASSWORD, code })

const byProvider = (at: OpenidProvider | undefined, name: string) => async (own: Browser, page: Page) => {
  const left = await own.submit(await own.submit(page, '/provider', { provider: name }), '/approve')
  const there = new Browser(at?.issuer ?? '', at?.caFile)
  try {
    const asked = await there.get(String(left.headers['refresh']).slice('0;url='.length))
    return await own.get((await there.post(asked.url, { who: 'ada' })).leadsTo?.href ?? '')
  } finally {
    await there.close()
  }
}

async function assertStillIn({ clientId }: World, now: SignInGateway, { browser, tokens }: Person) {
  const call = await callTool(now, 'echo', { text: 'x' }, { token: tokens.access_token, url: now.endpoint('one') })
  assert.equal(call.status, 200, call.text)
  const page = await browser.get(authorizeUrl(now, clientId, { redirect_uri: WEB }))
  assert.ok(page.leadsTo?.searchParams.has('code'), 'the session stands')
  assert.equal((await refresh(now, clientId, tokens.refresh_token)).status, 200)
}

async function assertOut({ clientId, upstream }: World, now: SignInGateway, { browser, tokens }: Person) {
  const earlier = upstream.count()
  const call = await callTool(now, 'echo', { text: 'x' }, { token: tokens.access_token, url: now.endpoint('one') })
  assert.equal(call.status, 401)
  assert.equal(upstream.count(), earlier)
  const silent = await browser.get(authorizeUrl(now, clientId, { redirect_uri: WEB, prompt: 'none' }))
  assert.equal(silent.leadsTo?.searchParams.get('error'), 'login_required')
  const page = await browser.get(authorizeUrl(now, clientId, { redirect_uri: WEB }))
  assert.equal(page.leadsTo, undefined)
  assert.match(page.text, /<h1>Sign in<\/h1>/)
  const issued = now.records().filter(({ what }) => what === 'token.issued').length
  assert.equal((await refresh(now, clientId, tokens.refresh_token)).json.error, 'invalid_grant')
  assert.equal(now.records().filter(({ what }) => what === 'token.issued').length, issued)
}

test('who came in by a password alone is out when a code is demanded, and who came with one stays', async (t) => {
  const here = await world(t, () => ({ signIn: ['password'] }))
  await here.gateway.person('weak')
  const strong = await here.gateway.person('strong')
  const totp = OTPAuth.URI.parse(await here.gateway.accounts.enrolTotp(strong, 'test'))
  const weakly = await signedIn(here, byPassword('weak'))
  const strongly = await signedIn(here, byPassword('strong', totp.generate()))
  const account = await weakly.browser.submit(await weakly.browser.get('/auth/account'), '/sign-in', {
    name: 'weak',
    password: PASSWORD,
  })
  assert.match(account.text, /<h1>Your account<\/h1>/)

  const strict = await here.restart({ signIn: ['password+totp'] })
  await assertOut(here, strict, weakly)
  await assertStillIn(here, strict, strongly)
  assert.match((await weakly.browser.get('/auth/account')).text, /<h1>Sign in<\/h1>/)
  const late = await weakly.browser.post('/auth/account/end-all', { csrf: csrfOf(account) })
  assert.match(late.text, /<h1>Sign in<\/h1>/)

  const weak = await strict.accounts.find('default', 'weak')
  assert.ok(weak)
  const added = OTPAuth.URI.parse(await strict.accounts.enrolTotp(weak, 'test'))
  const anew = await weakly.browser.get(authorizeUrl(strict, here.clientId, { redirect_uri: WEB }))
  const fields = { name: 'weak', password: PASSWORD, code: added.generate() }
  const allowed = await weakly.browser.submit(await weakly.browser.submit(anew, '/sign-in', fields), '/consent')
  assert.ok(allowed.leadsTo?.searchParams.has('code'), 'who proves themselves as demanded is let in again')

  const loose = await here.restart({ signIn: ['password'] })
  const revived = await refresh(loose, here.clientId, weakly.tokens.refresh_token)
  assert.equal(revived.json.error, 'invalid_grant', 'what was refused once has ended for good')
})

test('a change that closes nothing ends nothing', async (t) => {
  const here = await world(t, () => ({ signIn: ['password'] }))
  await here.gateway.person('alice')
  const alice = await signedIn(here, byPassword('alice'))
  await assertStillIn(here, await here.restart({ signIn: ['password', 'passkey'] }), alice)
})

test('without passwords whoever came by one is out, and who came by a passkey stays; the other way round too', async (t) => {
  const here = await world(t, () => ({ signIn: ['password', 'passkey'] }))
  const { gateway } = here
  await gateway.person('words')
  const words = await signedIn(here, byPassword('words'))
  const keyed = await gateway.accounts.add({ tenant: 'default', name: 'keyed', roles: ['admin'] })
  assert.ok(keyed)
  const key = new Authenticator()
  const maker = here.browser()
  const link = `/auth${await gateway.accounts.invite(keyed)}`
  const welcome = await maker.get(link)
  const made = key.create(passkeyOptions(welcome, 'create'), gateway.origin)
  await maker.post(link, { csrf: csrfOf(welcome), response: made })
  const byKey = (own: Browser, page: Page) => {
    const response = key.get(passkeyOptions(page, 'get'), gateway.origin)
    return own.post(`${page.url}/sign-in`, { csrf: csrfOf(page), method: 'passkey', response })
  }
  const holder = await signedIn(here, byKey)

  const keysOnly = await here.restart({ signIn: ['passkey'] })
  await assertOut(here, keysOnly, words)
  await assertStillIn(here, keysOnly, holder)
  const wordsOnly = await here.restart({ signIn: ['password'] })
  const again = await refresh(wordsOnly, here.clientId, holder.tokens.refresh_token)
  assert.equal(again.json.error, 'invalid_grant')
})

test('a provider that is taken away takes its sign-ins with it, whatever other provider there is', async (t) => {
  const both = (of: (name: string) => object) => ({ signIn: ['password'], providers: [of('acme'), of('rival')] })
  const here = await world(t, both)
  await here.gateway.person('local')
  const ada = await signedIn(here, byProvider(here.providers['acme'], 'acme'))
  const local = await signedIn(here, byPassword('local'))
  const claims = JSON.parse(Buffer.from(ada.tokens.access_token.split('.')[1] ?? '', 'base64url').toString())
  assert.deepEqual([claims.amr, claims.idp], [['fed'], here.providers['acme']?.issuer])

  await assertStillIn(here, await here.restart(both(here.provider)), local)
  const rivalOnly = await here.restart({ signIn: ['password'], providers: [here.provider('rival')] })
  await assertOut(here, rivalOnly, ada)
})

test('with providers alone whoever came by a password is out', async (t) => {
  const here = await world(t, (of) => ({ signIn: ['password'], providers: [of('acme')] }))
  await here.gateway.person('local')
  const local = await signedIn(here, byPassword('local'))
  const ada = await signedIn(here, byProvider(here.providers['acme'], 'acme'))
  const elsewhere = await here.restart({ signIn: [], providers: [here.provider('acme')] })
  await assertOut(here, elsewhere, local)
  await assertStillIn(here, elsewhere, ada)
})
