// A person at a real browser: signs in, consents, connects a device and signs out, with scripts switched off.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { authorizeUrl, PASSWORD, pkce, redeem, type SignInGateway, startSignIn } from '../fixtures/sign-in.ts'

/** Where distributions put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

let gateway: SignInGateway
let browser: Browser
let clientId: string
let redirect: string
const application = createServer((_request, response) => response.end('<title>Back</title>Back in the application'))

before(async () => {
  const executablePath = PLACES.find((place) => existsSync(place))
  assert.ok(executablePath, `install Chromium: none of ${PLACES.join(', ')} is there`)
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  gateway = await startSignIn()
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  redirect = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`
  clientId = (await gateway.client({ name: 'Trip planner', redirects: [redirect] })).id
})
after(async () => {
  await browser.close()
  application.close()
  application.closeAllConnections()
  await gateway.close()
})

async function visit(scripts: boolean): Promise<{ page: Page; context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: scripts })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`))
  return { page, context, complaints }
}

test('an invited person chooses a password, signs in, consents, and the application gets its token', async () => {
  const account = await gateway.accounts.add({ tenant: 'default', name: 'alice', roles: ['admin'] })
  assert.ok(account)
  const { page, context, complaints } = await visit(false)
  await page.goto(gateway.issuer + (await gateway.accounts.invite(account)))
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('The same again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByRole('heading', { name: 'Your password is set' }).waitFor()

  const { verifier, challenge } = pkce()
  const resource = `${gateway.origin}/mcp`
  await page.goto(authorizeUrl(gateway, clientId, { code_challenge: challenge, redirect_uri: redirect, resource }))
  await page.getByLabel('Name').fill('alice')
  await page.getByLabel('Password').fill('not this one')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  assert.equal(await page.getByLabel('Name').inputValue(), 'alice')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Allow Trip planner to act for you?' }).waitFor()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(`${redirect}?**`)
  const told = await redeem(gateway, clientId, new URL(page.url()).searchParams.get('code') ?? '', verifier, {
    redirect_uri: redirect,
  })
  assert.equal(told.status, 200, told.text)
  assert.deepEqual(
    complaints.filter((text) => !/status of 400/.test(text)),
    [],
  )
  await context.close()
})

test('a device is connected, a form goes on by a button, and signing out ends it, with scripts allowed too', async () => {
  await gateway.person('bob')
  const { page, context, complaints } = await visit(true)
  const device = await gateway.client({ device: true, redirects: [], name: 'Television' })
  const asked = (await gateway.tell('/device/authorize', { client_id: device.id })).json as Record<string, string>
  await page.goto(asked['verification_uri_complete'] ?? '')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: 'The codes match' }).click()
  await page.getByLabel('Name').fill('bob')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByRole('heading', { name: 'Your device is connected' }).waitFor()

  const resource = `${gateway.origin}/mcp`
  await page.goto(authorizeUrl(gateway, clientId, { redirect_uri: redirect, response_mode: 'form_post', resource }))
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(redirect)

  await page.goto(`${gateway.issuer}/sign-out`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await page.goto(authorizeUrl(gateway, clientId, { redirect_uri: redirect, resource }))
  assert.ok(await page.getByRole('heading', { name: 'Sign in' }).isVisible())
  assert.deepEqual(complaints, [])
  await context.close()
})
