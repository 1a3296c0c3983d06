import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MetadataError, soundMetadata, strangerMetadata } from '../../../src/identity/server/client-metadata.ts'
import { destinationOf, isNative, redirectProblem } from '../../../src/identity/server/redirects.ts'

const GOOD = [
  'https://app.example/callback',
  'https://app.example:8443/callback?x=1',
  'http://127.0.0.1:7777/callback',
  'http://[::1]/callback',
  'http://localhost:1/callback',
  'com.example.app:/callback',
  'cursor://anysphere.cursor/callback',
]
const BAD = [
  '',
  '/callback',
  'app.example/callback',
  'http://app.example/callback',
  'http://127.0.0.2/callback',
  'http://localhost.evil.example/callback',
  'https://app.example/callback#x',
  'https://user@app.example/callback',
  'https://user:pass@app.example/callback',
  'https://app.example/call back',
  'https://app.example\\callback',
  'javascript:alert(1)',
  'JAVASCRIPT:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'vbscript:x',
  'about:blank',
  'blob:https://app.example/x',
  `https://app.example/${'x'.repeat(2048)}`,
]

for (const uri of GOOD) test(`a code may be sent to ${uri}`, () => assert.equal(redirectProblem(uri), undefined))
for (const uri of BAD)
  test(`no code is sent to ${uri.slice(0, 40) || 'nothing'}`, () => assert.ok(redirectProblem(uri)))

test('whatever text it is, it is judged without a throw, and http never leaves the machine', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl({ validSchemes: ['http', 'https', 'ftp'] })), (uri) => {
      const allowed = redirectProblem(uri) === undefined
      if (allowed && uri.toLowerCase().startsWith('http:')) assert.ok(isNative(uri))
      if (uri.startsWith('ftp:')) assert.ok(!allowed)
    }),
  )
})

const metadata = { client_name: 'Client', redirect_uris: ['https://app.example/callback'] }

for (const [what, change] of [
  ['without a name', { client_name: undefined }],
  ['with a name of blanks', { client_name: '  ' }],
  ['with a name that is no text', { client_name: {} }],
  ['with an endless name', { client_name: 'x'.repeat(101) }],
  ['without redirects', { redirect_uris: undefined }],
  ['with an empty list of redirects', { redirect_uris: [] }],
  ['with a redirect that is no text', { redirect_uris: [1] }],
  ['with one bad redirect of two', { redirect_uris: ['https://app.example/', 'data:x'] }],
  ['with very many redirects', { redirect_uris: Array.from({ length: 21 }, (_, at) => `https://app.example/${at}`) }],
] as const) {
  test(`metadata ${what} are refused`, () => {
    assert.throws(() => soundMetadata({ ...metadata, ...change }), MetadataError)
    assert.throws(() => strangerMetadata({ ...metadata, ...change }), MetadataError)
  })
}

test('a client on the device of a person is a native one, unless it says what it is', () => {
  assert.equal(soundMetadata(metadata)['application_type'], 'web')
  const redirects = ['https://app.example/', 'http://127.0.0.1:1/']
  assert.equal(soundMetadata({ ...metadata, redirect_uris: redirects })['application_type'], 'native')
  assert.equal(soundMetadata({ ...metadata, application_type: 'native' })['application_type'], 'native')
})

test('a client that introduces itself gets no grants of its own', () => {
  const asked = {
    ...metadata,
    grant_types: ['client_credentials', 'refresh_token', 'implicit', 7],
    response_types: ['token'],
    scope: 'admin',
  }
  const { grant_types: grants, response_types: responses, scope } = strangerMetadata(asked)
  assert.deepEqual([grants, responses, scope], [['refresh_token'], ['code'], undefined])
})

test('a consent is for a host, for a program of the device at any port, or for a device', () => {
  for (const [redirect, destination] of [
    ['https://app.example/callback?x=1', 'https://app.example'],
    ['https://app.example:8443/other', 'https://app.example:8443'],
    ['http://127.0.0.1:7777/callback', 'http://127.0.0.1'],
    ['http://[::1]:1/', 'http://[::1]'],
    ['com.example.app:/callback', 'com.example.app://'],
    [undefined, 'a device'],
  ] as const)
    assert.equal(destinationOf(redirect), destination)
})
