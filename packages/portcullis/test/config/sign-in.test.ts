import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownPaths, trustedFiles } from '../../src/config/own-paths.ts'
import { MINIMAL, parse, problemsOf, workspace } from './workspace.ts'

const server = (text: string) => `${MINIMAL}identity: { server: ${text} }\n`
const provider = (more = '', secret = 'clientSecret: { env: SECRET }') =>
  `{ name: acme, title: Acme, issuer: "https://acme.example", clientId: us, ${secret}${more === '' ? '' : `, ${more}`} }`
const providers = (...all: readonly string[]) => server(`{ providers: [ ${all.join(', ')} ] }`)
const KEY = JSON.stringify({ kty: 'EC', alg: 'ES256', crv: 'P-256', x: 'x', y: 'y', d: 'd' })
const ENVIRONMENT = { SECRET: 's', KEY, PUBLIC: JSON.stringify({ kty: 'EC', alg: 'ES256' }), TEXT: 'no JSON' }

const MISTAKES: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
  ['no way to sign in', server('{ signIn: [] }'), /nobody could sign in; name a way in signIn, or add a provider/],
  ['a way that there is not', server('{ signIn: [sms] }'), /is not valid here/],
  ['a code that is demanded and not', server('{ signIn: [password, password+totp] }'), /keep one of password/],
  [
    'passkeys alone, at an address',
    server('{ signIn: [passkey] }'),
    /identity\.server\.signIn: browsers have no passkeys for an address; set listen\.publicUrl to a host name/,
  ],
  ['a provider without TLS', providers(provider().replace('https:', 'http:')), /is not valid here/],
  ['a provider without a secret', providers(provider('', 'scopes: []')), /needs exactly one of clientSecret/],
  ['a provider with two', providers(provider('clientKey: { env: KEY }')), /needs exactly one of clientSecret/],
  ['a secret from nowhere', providers(provider('', 'clientSecret: { env: ABSENT }')), /ABSENT is not set/],
  ['a key that is none', providers(provider('', 'clientKey: { env: TEXT }')), /this is not JSON/],
  ['a key that is public', providers(provider('', 'clientKey: { env: PUBLIC }')), /this is not a private key/],
  ['accounts for nobody in particular', providers(provider('create: on-first-sign-in')), /add admit/],
  ['an admission of nobody', providers(provider('admit: {}')), /needs emailDomains, groups or both/],
  ['a domain with an at', providers(provider('admit: { emailDomains: ["@acme.example"] }')), /is not valid here/],
  ['a domain in capitals', providers(provider('admit: { emailDomains: [ACME.example] }')), /is not valid here/],
  ['an authority that is not there', providers(provider('ca: none.pem')), /does not exist/],
  ['a role that nobody knows', providers(provider('everyone: [usr]')), /there is no role usr/],
  [
    'a role by a claim that nobody knows',
    providers(provider('roles: { claim: groups, map: { boss: [bss] } }')),
    /there is no role bss/,
  ],
  [
    'one name twice',
    providers(provider(), provider().replace('acme.example', 'b.example')),
    /this name is listed twice/,
  ],
  [
    'one issuer twice',
    providers(provider(), provider().replace('name: acme', 'name: b')),
    /this issuer is listed twice/,
  ],
  ['an unknown key', providers(provider('redirect: x')), /unknown key/],
]

for (const [what, text, problem] of MISTAKES) {
  test(`${what} is refused`, (context) => {
    const problems = problemsOf(workspace(context), text, ENVIRONMENT)
    assert.match(problems.join('\n'), problem)
  })
}

test('a tenant that is not there is refused', (context) => {
  const text = `${providers(provider('tenant: rival'))}tenants: { acme: { upstreams: [] } }\n`
  assert.match(problemsOf(workspace(context), text, ENVIRONMENT).join('\n'), /providers\[0\]\.tenant/)
})

test('the defaults ask for a password or a passkey, and know no provider', (context) => {
  const { identity } = parse(workspace(context), server('{}'))
  assert.deepEqual(identity.server?.signIn, ['password', 'passkey'])
  assert.deepEqual(identity.server?.providers, [])
})

test('a provider makes no accounts, lets nobody in by itself, and is not believed about strength', (context) => {
  const [settled] = parse(workspace(context), providers(provider()), ENVIRONMENT).identity.server?.providers ?? []
  assert.partialDeepStrictEqual(settled, {
    ...{ create: 'never', strength: 'ignored', nameClaim: 'email', tenant: 'default', everyone: [] },
    ...{ privateNetworks: [], scopes: ['openid', 'profile', 'email'] },
  })
  assert.equal(settled?.admit, undefined)
})

test('passkeys alone are enough under a name, and a provider alone is', (context) => {
  const folder = workspace(context)
  const named = `${server('{ signIn: [passkey] }')}listen: { publicUrl: "https://gate.example" }\n`
  assert.deepEqual(problemsOf(folder, named), [])
  assert.deepEqual(problemsOf(folder, server(`{ signIn: [], providers: [ ${provider()} ] }`), ENVIRONMENT), [])
})

test('files of a provider are absolute; its secret is kept from programs, its authority from being changed', (context) => {
  const folder = workspace(context)
  writeFileSync(join(folder, 'key.jwk'), KEY, { mode: 0o600 })
  writeFileSync(join(folder, 'ca.pem'), '')
  const text = providers(provider('ca: ca.pem', 'clientKey: { file: key.jwk }'))
  const config = parse(folder, text)
  assert.ok(ownPaths(config, join(folder, 'portcullis.yaml')).includes(join(folder, 'key.jwk')))
  assert.ok(trustedFiles(config).includes(join(folder, 'ca.pem')))
})
