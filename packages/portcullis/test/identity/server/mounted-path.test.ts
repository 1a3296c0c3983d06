import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPage, mountedPath } from '../../../src/identity/server/mounted-path.ts'

for (const path of [
  'authorize',
  'authorize/aaaaaaaaaaaa',
  'interaction/aaaaaaaaaaaa/consent',
  'account',
  'device',
  'sign-out',
  'welcome',
  'x',
]) {
  test(`/auth/${path} is a page`, () => assert.ok(isPage(`/auth/${path}`)))
}

for (const path of [
  ...['token', 'jwks', 'revoke', 'introspect', 'par', 'register', 'device/authorize'].map((one) => `/auth/${one}`),
  '/auth/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/auth',
  '/mcp/one',
  '/authorize',
]) {
  test(`${path} is for programs`, () => assert.equal(isPage(path), false))
}

test('paths are ours below the mount and at the well-known places', () => {
  assert.equal(mountedPath('/auth/token'), '/token')
  assert.equal(mountedPath('/.well-known/oauth-authorization-server/auth'), '/.well-known/oauth-authorization-server')
  assert.equal(mountedPath('/author'), undefined)
})
