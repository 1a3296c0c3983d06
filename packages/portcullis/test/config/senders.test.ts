import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MINIMAL, parse, problemsOf, workspace } from './workspace.ts'

const identity = (text: string) => `${MINIMAL}identity: ${text}\n`
const ISSUER = 'issuer: "https://i.example"'
const ASKED = 'introspection: { clientId: a, secret: { env: SECRET } }'
const CLIENTS = 'listen: { tls: { authority: local, clientCertificates: { authorities: [ca.pem] } } }\n'

const asserting = (issuer: string) => identity(`{ server: { assertions: { issuers: [ ${issuer} ] } } }`)
const BUNDLED = 'listen: { tls: { authority: local, clientCertificates: { trustBundles: { example.org: ca.pem } } } }\n'

const MISTAKES: readonly (readonly [what: string, text: string, ...problems: string[]])[] = [
  [
    'two issuers that are asked about opaque tokens',
    identity(`{ issuers: [ { ${ISSUER}, ${ASKED} }, { issuer: "https://j.example", ${ASKED} } ] }`),
    '3:160 identity.issuers[1].introspection: two issuers are asked about opaque tokens; keep it for one issuer',
  ],
  [
    'a secret of introspection from nowhere',
    identity(`{ issuers: [ { ${ISSUER}, introspection: { clientId: a, secret: { env: ABSENT } } } ] }`),
    '3:93 identity.issuers[0].introspection.secret: the environment variable ABSENT is not set; set it, or use { file: path }',
  ],
  [
    'introspection on an open wire',
    identity(
      `{ issuers: [ { ${ISSUER}, introspection: { url: "http://i.example/", clientId: a, secret: { env: SECRET } } } ] }`,
    ),
  ],
  [
    'an issuer that is remembered for an hour',
    identity(
      `{ issuers: [ { ${ISSUER}, introspection: { clientId: a, secret: { env: SECRET }, rememberSeconds: 3600 } } ] }`,
    ),
  ],
  ['a scope with a space', identity('{ scopes: { "a b": {} } }')],
  [
    'a scope that includes one that is not there',
    identity('{ scopes: { a: { includes: [b] } } }'),
    '3:39 identity.scopes.a.includes[0]: there is no scope b; add it, or correct it',
  ],
  [
    'a scope for an upstream that is not there',
    identity('{ scopes: { a: { upstreams: [files], tools: ["mail/*"] } } }'),
    '3:40 identity.scopes.a.upstreams[0]: there is no upstream files; add it, or correct it',
    '3:56 identity.scopes.a.tools[0]: there is no upstream mail; add it, or correct it',
  ],
  ['a tool without its upstream', identity('{ scopes: { a: { tools: [write] } } }')],
  ['proofs that may be a day old', identity('{ dpop: { proofSeconds: 86400 } }')],
  ['proofs by shared keys', identity('{ dpop: { algorithms: [HS256] } }')],
  [
    'a role that nobody knows',
    identity('{ senderConstrained: { roles: [usr] } }'),
    '3:41 identity.senderConstrained.roles: there is no role usr; list it in policy.roles, or correct it',
  ],
  [
    'certificates that nobody is asked for',
    identity('{ certificates: [ { dns: a.example } ] }'),
    '3:27 identity.certificates: clients are not asked for certificates; add listen.tls.clientCertificates',
  ],
  [
    'a certificate with two names',
    `${identity('{ certificates: [ { dns: a.example, subject: "CN=a" } ] }')}${CLIENTS}`,
  ],
  ['a certificate without a name', `${identity('{ certificates: [ { roles: [user] } ] }')}${CLIENTS}`],
  ['a certificate for any host', `${identity('{ certificates: [ { dns: "*.example" } ] }')}${CLIENTS}`],
  [
    'a certificate with a role that nobody knows, for an upstream that is not there',
    `${identity('{ certificates: [ { dns: a.example, roles: [usr], upstreams: [files] } ] }')}${CLIENTS}`,
    '3:54 identity.certificates[0].roles: there is no role usr; list it in policy.roles, or correct it',
    '3:73 identity.certificates[0].upstreams[0]: there is no upstream files; add it, or correct it',
  ],
  [
    'a certificate of an authority that is not listed',
    `${identity('{ certificates: [ { dns: a.example, authority: /other.pem } ] }')}${CLIENTS}`,
    '3:58 identity.certificates[0].authority: /other.pem is not among the authorities of clients; name one of listen.tls.clientCertificates.authorities',
  ],
  [
    'audiences of an upstream that is not there',
    identity(`{ issuers: [ { ${ISSUER}, audiences: { upstreams: { files: [a] } } } ] }`),
    '3:88 identity.issuers[0].audiences.upstreams.files: there is no upstream files; add it, or correct it',
  ],
  ['audiences that are none', identity(`{ issuers: [ { ${ISSUER}, audiences: { aggregate: [] } } ] }`)],
  ['no issuer of assertions', identity('{ server: { assertions: { issuers: [] } } }')],
  ['assertions by shared keys', asserting(`{ ${ISSUER}, algorithms: [HS256] }`)],
  ['assertions that live for a day', asserting(`{ ${ISSUER}, maxSeconds: 86400 }`)],
  [
    'an issuer of assertions twice',
    asserting(`{ ${ISSUER} }, { ${ISSUER} }`),
    '3:91 identity.server.assertions.issuers[1].issuer: this issuer is listed twice; keep one of them',
  ],
  [
    'roles and scopes of assertions that nobody knows',
    asserting(`{ ${ISSUER}, everyone: [usr], roles: { claim: g, map: { a: [rol] } }, scopes: [nothing] }`),
    '3:89 identity.server.assertions.issuers[0].everyone: there is no role usr; list it in policy.roles, or correct it',
    '3:125 identity.server.assertions.issuers[0].roles.map.a: there is no role rol; list it in policy.roles, or correct it',
    '3:145 identity.server.assertions.issuers[0].scopes[0]: there is no scope nothing; known are mcp, admin:read, admin:write',
  ],
  ['roles of the issuer for somebody with an account', asserting(`{ ${ISSUER}, account: linked, everyone: [user] }`)],
  ['neither authorities nor bundles', `${MINIMAL}listen: { tls: { authority: local, clientCertificates: {} } }\n`],
  ['a bundle that is not there', `${MINIMAL}${BUNDLED.replace('ca.pem', 'nowhere.pem')}`],
  ['a trust domain in capitals', `${MINIMAL}${BUNDLED.replace('example.org', 'EXAMPLE.org')}`],
  [
    'a name for which nobody may vouch',
    `${identity('{ certificates: [ { uri: "spiffe://other.org/a" } ] }')}${BUNDLED}`,
    '3:29 identity.certificates[0]: no authority may vouch for this name; add authorities, or a trust bundle for it',
  ],
  ['authorities of clients that are not there', `${MINIMAL}${CLIENTS.replace('ca.pem', 'nowhere.pem')}`],
  ['client certificates without TLS', `${MINIMAL}listen: { tls: { clientCertificates: { authorities: [ca.pem] } } }\n`],
]

for (const [what, text, ...expected] of MISTAKES) {
  test(`${what}: told with its place and its remedy`, (context) => {
    const folder = workspace(context)
    writeFileSync(join(folder, 'ca.pem'), '')
    const problems = problemsOf(folder, text, { SECRET: 'x' })
    if (expected.length === 0) assert(problems.length > 0)
    else assert.deepEqual(problems, expected)
  })
}

test('files of authorities and secrets are relative to the configuration', (context) => {
  const folder = workspace(context)
  writeFileSync(join(folder, 'ca.pem'), '')
  writeFileSync(join(folder, 'secret'), 'x', { mode: 0o600 })
  const asked = 'introspection: { clientId: a, secret: { file: secret } }'
  const server = `server: { assertions: { issuers: [ { ${ISSUER}, ca: ca.pem } ] } }`
  const clients = CLIENTS.replace('] }', '], trustBundles: { example.org: ca.pem } }')
  const text = `${identity(`{ issuers: [ { ${ISSUER}, ${asked} } ], ${server} }`)}${clients}`
  const { listen, identity: found } = parse(folder, text)
  const file = join(folder, 'ca.pem')
  assert.deepEqual(listen.tls, {
    ...{ authority: 'local', staple: 'auto', minVersion: 'TLSv1.3', http2: 'on', revocationNetworks: [] },
    clientCertificates: {
      ...{ revocation: 'hard-fail', crls: [], revocationNetworks: [] },
      ...{ authorities: [file], trustBundles: { 'example.org': file }, bundleSeconds: 5, mode: 'optional' },
    },
  })
  assert.equal(found.server?.assertions?.issuers[0]?.ca, file)
  assert.deepEqual(found.issuers[0]?.introspection?.secret, { file: join(folder, 'secret') })
})
