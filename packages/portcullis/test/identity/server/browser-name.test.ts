import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../../src/core/exchange.ts'
import { BrowserName } from '../../../src/identity/server/browser-name.ts'

const name = new BrowserName('portcullis_browser', 'https://gateway.example/auth')
const of = (cookie: string | undefined, which = name) =>
  which.of({ head: { headers: { cookie } } } as unknown as Exchange)
const SECRET = 'a'.repeat(43)

test('a name is known again by the cookie that gave it, which belongs to this very host', () => {
  const { secret, cookie } = name.give()
  const [pair = '', ...attributes] = cookie.split('; ')
  assert.equal(of(`other=1; ${pair}; more=2`), secret)
  assert.equal(pair.slice(0, pair.indexOf('=')), '__Host-portcullis_browser')
  assert.deepEqual(attributes, ['Path=/', 'HttpOnly', 'SameSite=Lax', 'Secure', 'Max-Age=3600'])
  assert.notEqual(name.give().secret, secret)
})

test('without TLS there is no prefix, which browsers would not take', () => {
  const plain = new BrowserName('portcullis_browser', 'http://127.0.0.1:8080/auth')
  assert.match(plain.give().cookie, /^portcullis_browser=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=3600$/)
  assert.equal(of(`portcullis_browser=${SECRET}`, plain), SECRET)
})

for (const cookie of [
  undefined,
  '',
  `portcullis_browser=${SECRET}`,
  `__Host-portcullis_browser=${SECRET}; __Host-portcullis_browser=${'b'.repeat(43)}`,
  `__Host-portcullis_browser=${SECRET}; __Host-portcullis_browser=${SECRET}`,
  `__Host-portcullis_browser=${SECRET}x`,
  `__Host-portcullis_browser=`,
  `__Host-portcullis_browser="${SECRET}"`,
  `x__Host-portcullis_browser=${SECRET}`,
]) {
  test(`${JSON.stringify(cookie)} names nobody`, () => assert.equal(of(cookie), undefined))
}
