// People at a real browser with an authenticator: they make passkeys, sign in with them, and sign in at another provider.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { type ProviderGateway, startProviderGateway } from '../fixtures/provider-gateway.ts'
import { authorizeUrl, PASSWORD, pkce, redeem, type SignInGateway } from '../fixtures/sign-in.ts'

/** Where distributions put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

let started: ProviderGateway
let gateway: SignInGateway
let browser: Browser
let clientId: string
let redirect: string
const application = createServer((_request, response) => response.end('<title>Back</title>Back in the application'))

before(async () => {
  const executablePath = PLACES.find((place) => existsSync(place))
  assert.ok(executablePath, `install Chromium: none of ${PLACES.join(', ')} is there`)
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const people = { ada: { email: 'ada@acme.example', email_verified: true } }
  const config = { title: 'Acme', create: 'on-first-sign-in', admit: 'everybody', everyone: ['user'] }
  started = await startProviderGateway({ acme: { people, config } })
  gateway = started.gateway
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  redirect = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`
  clientId = (await gateway.client({ name: 'Trip planner', redirects: [redirect] })).id
})
after(async () => {
  await browser.close()
  application.close()
  application.closeAllConnections()
  await started.close()
})

interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  readonly complaints: string[]
  readonly device: Device
}

/** A person's own device, which knows its holder by a touch. */
interface Device {
  readonly cdp: CDPSession
  readonly authenticatorId: string
}

async function visit(scripts = true): Promise<Visit> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: scripts })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { page, context, complaints, device: await plugIn(page) }
}

async function plugIn(page: Page): Promise<Device> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true },
      ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
  return { cdp, authenticatorId }
}

const credentials = async ({ cdp, authenticatorId }: Device) =>
  (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials

const resource = () => `${gateway.origin}/mcp`
const authorize = (challenge = pkce().challenge) =>
  authorizeUrl(gateway, clientId, { code_challenge: challenge, redirect_uri: redirect, resource: resource() })

async function tokenClaims(page: Page, verifier: string): Promise<Record<string, unknown>> {
  await page.getByRole('button', { name: 'Allow' }).click()
  return claimsAt(page, verifier)
}

/** Of the token for the code with which a browser comes back to the application. */
async function claimsAt(page: Page, verifier: string): Promise<Record<string, unknown>> {
  await page.waitForURL(`${redirect}?**`)
  const code = new URL(page.url()).searchParams.get('code') ?? ''
  const told = await redeem(gateway, clientId, code, verifier, { redirect_uri: redirect })
  assert.equal(told.status, 200, told.text)
  return JSON.parse(Buffer.from(String(told.json.access_token).split('.')[1] ?? '', 'base64url').toString())
}

test('an invited person makes a passkey instead of a password, and signs in with it', async () => {
  const account = await gateway.accounts.add({ tenant: 'default', name: 'alice', roles: ['admin'] })
  assert.ok(account)
  const { page, context, complaints, device } = await visit()
  const link = gateway.issuer + (await gateway.accounts.invite(account))
  await page.goto(link)
  await page.getByLabel('Name of the new passkey').fill('My laptop')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('heading', { name: 'Your passkey is set' }).waitFor()
  const [made] = await credentials(device)
  assert.equal(made?.isResidentCredential, true)
  assert.equal(made?.rpId, 'localhost')
  await page.goto(link)
  await page.getByRole('heading', { name: 'This link does not work' }).waitFor()

  const { verifier, challenge } = pkce()
  await page.goto(authorize(challenge))
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('heading', { name: 'Allow Trip planner to act for you?' }).waitFor()
  const claims = await tokenClaims(page, verifier)
  assert.deepEqual(claims['amr'], ['pop', 'user', 'mfa'])
  assert.equal(claims['acr'], 'phr')
  const [passkey] = await gateway.accounts.passkeysOf(account)
  assert.partialDeepStrictEqual(passkey, { label: 'My laptop', transports: ['internal'] })
  assert.ok(Number(passkey?.counter) > 0)
  assert.deepEqual(
    complaints.filter((text) => !/status of 400/.test(text)),
    [],
  )
  await context.close()
})

test('on the page of the account passkeys are added and removed, and applications and browsers ended', async () => {
  const account = await gateway.person('bob')
  const { page, context, complaints } = await visit()
  const { verifier, challenge } = pkce()
  await page.goto(authorize(challenge))
  await page.getByLabel('Name').fill('bob')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await tokenClaims(page, verifier)

  await page.goto(`${gateway.issuer}/account`)
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByLabel('Name').fill('bob')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  await page.getByLabel('Name of the new passkey').fill('Phone')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('button', { name: 'Remove the passkey Phone' }).waitFor()
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByText('This device has a passkey for you already.').waitFor()

  await page.getByRole('button', { name: 'End the access of Trip planner' }).click()
  await page.getByRole('button', { name: 'End the access of Trip planner' }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: /^Sign out the browser/ }).click()
  await page.getByRole('button', { name: /^Sign out the browser/ }).waitFor({ state: 'detached' })
  await page.goto(authorize())
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()

  await page.goto(`${gateway.issuer}/account`)
  await page.getByRole('button', { name: 'Remove the passkey Phone' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(await gateway.accounts.passkeysOf(account), [])
  assert.deepEqual(complaints, [])
  await context.close()
})

test('an authenticator that does not know its holder is not enough, and the page says so', async () => {
  await gateway.person('carol')
  const { page, context, device } = await visit()
  await page.goto(`${gateway.issuer}/account`)
  await page.getByLabel('Name').fill('carol')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('button', { name: 'Remove the passkey Passkey' }).waitFor()
  const { cdp, authenticatorId } = device
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await page.goto(authorize())
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByText('No passkey was used. Try again, or sign in another way.').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Sign in with a passkey' }).isEnabled())
  await context.close()
})

test('a copy of an authenticator is noticed by its counter', async () => {
  const account = await gateway.person('dave')
  const { page, context, device } = await visit()
  await page.goto(`${gateway.issuer}/account`)
  await page.getByLabel('Name').fill('dave')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('button', { name: 'Remove the passkey Passkey' }).waitFor()
  const [copy] = await credentials(device)
  assert.ok(copy)
  await page.goto(authorize())
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('button', { name: 'Allow' }).waitFor()

  const thief = await visit()
  await thief.device.cdp.send('WebAuthn.addCredential', {
    authenticatorId: thief.device.authenticatorId,
    credential: { ...copy, isResidentCredential: true, signCount: 0 },
  })
  await thief.page.goto(authorize())
  await thief.page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await thief.page.getByRole('alert').waitFor()
  const suspected = gateway.records().filter(({ what }) => what === 'user.passkey-suspected')
  assert.deepEqual(
    suspected.map(({ by }) => by),
    [`user:${account.id}`],
  )
  await thief.context.close()
  await context.close()
})

test('without scripts the password works, and nothing is shown that would not', async () => {
  await gateway.person('erin')
  const { page, context, complaints } = await visit(false)
  await page.goto(authorize())
  assert.equal(await page.getByRole('button', { name: 'Sign in with a passkey' }).count(), 0)
  await page.getByLabel('Name').fill('erin')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  await page.goto(`${gateway.issuer}/account`)
  await page.getByLabel('Name').fill('erin')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByText('Passkeys need JavaScript').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Add a passkey' }).count(), 0)
  await page.getByRole('button', { name: 'Leave this page' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(complaints, [])
  await context.close()
})

for (const scripts of [true, false]) {
  test(`somebody ${scripts ? 'with' : 'without'} scripts sees the application before another provider signs them in`, async () => {
    const { page, context, complaints } = await visit(scripts)
    const { verifier, challenge } = pkce()
    await page.goto(authorize(challenge))
    await page.getByRole('button', { name: 'Continue with Acme' }).click()
    await page.getByRole('heading', { name: 'Allow Trip planner to act for you?' }).waitFor()
    for (const text of ['Next you sign in at', `known here as ${clientId}`, new URL(redirect).host, resource()])
      assert.ok(await page.getByText(text).first().isVisible(), text)
    await page.getByRole('button', { name: 'Allow, and go to Acme' }).click()
    await page.getByRole('heading', { name: 'Sign in at the provider' }).waitFor()
    await page.getByLabel('Who are you?').fill('ada')
    await page.getByRole('button', { name: 'Go on' }).click()
    assert.deepEqual((await claimsAt(page, verifier))['amr'], ['fed'])

    // Signed in there by now, in this very browser: still nobody is let through without a look.
    await context.clearCookies({ name: /portcullis/ })
    await page.goto(authorize())
    await page.getByRole('button', { name: 'Continue with Acme' }).click()
    await page.getByRole('heading', { name: 'Allow Trip planner to act for you?' }).waitFor()
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(`${redirect}?**`)
    assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied')
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

test('a page of a stranger shows none of our pages in a frame, and no form of it reaches the provider', async (t) => {
  const { page, context } = await visit()
  const framing = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<title>Win</title><iframe name="inside" src="${authorize()}"></iframe>`)
  })
  await new Promise<void>((resolve) => framing.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    framing.close()
    framing.closeAllConnections()
  })
  await page.goto(authorize())
  const uid = page.url()
  await page.goto(`http://127.0.0.1:${(framing.address() as AddressInfo).port}/`)
  // By its element: while the page inside is refused, the frame has no name for a moment.
  const inside = await (await page.waitForSelector('iframe')).contentFrame()
  assert.ok(inside)
  assert.equal(await inside.getByRole('button').count(), 0)
  const earlier = started.providers['acme']?.asked.length
  await page.setContent(`<form method="post" action="${uid}/provider"><input name="provider" value="acme"></form>`)
  const [answer] = await Promise.all([
    page.waitForResponse(`${uid}/provider`),
    page.evaluate('document.forms[0].submit()'),
  ])
  assert.equal(answer.status(), 403)
  assert.equal(started.providers['acme']?.asked.length, earlier)
  await context.close()
})
