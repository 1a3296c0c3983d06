import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MINIMAL, parse, problemsOf, workspace } from './workspace.ts'

const signatures = (text: string) => `${MINIMAL}identity: { signatures: ${text} }\n`
const KEY = 'id: a, algorithm: ed25519, publicKey: a.pem, principal: p'
const upstream = (text: string) =>
  `${MINIMAL}upstreams: { one: { http: { url: "https://u.example/" }, signatures: ${text} } }\n`

const MISTAKES: readonly (readonly [what: string, text: string, expected: RegExp])[] = [
  [
    'a key of nobody',
    signatures('{ keys: [ { id: a, algorithm: ed25519, publicKey: a.pem } ] }'),
    /principal, client, credential/,
  ],
  ['a key of two', signatures(`{ keys: [ { ${KEY}, client: c } ] }`), /principal, client, credential/],
  [
    'a key from nowhere',
    signatures('{ keys: [ { id: a, algorithm: ed25519, principal: p } ] }'),
    /publicKey, jwks, secret/,
  ],
  [
    'a key that is not there',
    signatures(`{ keys: [ { ${KEY.replace('a.pem', 'none.pem')} } ] }`),
    /none\.pem does not exist/,
  ],
  [
    'a public key as a shared secret',
    signatures(`{ keys: [ { ${KEY.replace('ed25519', 'hmac-sha256')} } ] }`),
    /goes with secret/,
  ],
  [
    'a shared secret for another algorithm',
    signatures('{ keys: [ { id: a, algorithm: ed25519, secret: { env: SECRET }, principal: p } ] }'),
    /goes with secret/,
  ],
  ['an unknown algorithm', signatures(`{ keys: [ { ${KEY.replace('ed25519', 'rsa-v1_5-sha256')} } ] }`), /algorithm/],
  ['two keys of one name', signatures(`{ keys: [ { ${KEY} }, { ${KEY} } ] }`), /another key of that name/],
  ['a demand that nobody can meet', signatures('{ required: { roles: [user] } }'), /nobody has a key/],
  ['an unknown role', signatures(`{ keys: [ { ${KEY} } ], required: { roles: [usr] } }`), /there is no role usr/],
  ['a signature that is good for a day', signatures('{ maxAgeSeconds: 86400 }'), /maxAgeSeconds/],
  ['a clock that may be an hour ahead', signatures('{ clockSkewSeconds: 3600 }'), /clockSkewSeconds/],
  ['a tag with a quote', signatures(`{ tag: 'a"b' }`), /tag/],
  ['an unknown word', signatures('{ demand: all }'), /demand/],
  [
    'a secret from nowhere',
    signatures('{ answers: { id: g, algorithm: ed25519, key: { env: ABSENT } } }'),
    /ABSENT is not set/,
  ],
  ['an upstream that demands what nobody can do', upstream('{ callers: required }'), /nobody has a key/],
  ['answers that nobody can sign', upstream('{ answers: always }'), /no key for answers/],
  [
    'answers that are bound to nothing',
    upstream('{ expect: { id: s, algorithm: ed25519, publicKey: a.pem } }'),
    /bound to the signature of its request/,
  ],
]

for (const [what, text, expected] of MISTAKES) {
  test(`is refused: ${what}`, (t) => {
    const folder = workspace(t)
    writeFileSync(join(folder, 'a.pem'), '')
    assert.match(problemsOf(folder, text, { SECRET: 's' }).join('\n'), expected)
  })
}

test('paths are anchored, and defaults are those of the guide', (t) => {
  const folder = workspace(t)
  writeFileSync(join(folder, 'a.pem'), '')
  const { identity } = parse(folder, signatures(`{ keys: [ { ${KEY} } ] }`))
  const { keys, ...rest } = identity.signatures ?? {}
  assert.equal(keys?.[0]?.publicKey, join(folder, 'a.pem'))
  assert.deepEqual(rest, { tag: 'mcp', maxAgeSeconds: 60, clockSkewSeconds: 5, required: { roles: [], routes: [] } })
})
