import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'
import type { Config } from '../../src/config/schema.ts'
import { configJsonSchema } from '../../src/config/schema-node.ts'
import type { SchemaNode } from '../../src/config/schema-node.ts'
import { weaknesses } from '../../src/config/weaknesses.ts'

function config(extra: object): Config {
  return configSchema.parse({ version: 1, state: 'state', ...extra }) as Config
}

test('the defaults have no weakness', () => {
  const upstreams = { a: { stdio: { command: 'x', env: { PLAIN: 'y' } } }, b: { http: { url: 'https://b.example/' } } }
  assert.deepEqual(weaknesses(config({ upstreams })), [])
})

const withOAuth = (oauth: object) => ({
  upstreams: { a: { http: { url: 'https://a.example/', oauth: { mode: 'per-user', ...oauth } } } },
})
const EXCHANGE = {
  issuer: 'https://i.example',
  tokenEndpoint: 'https://i.example/token',
  client: { id: 'c', secret: { env: 'S' } },
  audience: 'a',
}

/** What `inspection` can be told to let through, at each place where it can be told so. */
function weakInspection(): readonly (readonly [path: string, word: string, extra: object])[] {
  const upstream = (inspection: object) => ({ upstreams: { a: { http: { url: 'https://a.example/' }, inspection } } })
  const tool = (own: object) => upstream({ tools: { T: own } })
  const FAMILIES = ['sql', 'command', 'markup', 'path', 'url', 'expression', 'secret', 'characters', 'prompt']
  const PLACES = [
    ...['identifier', 'text', 'path', 'url', 'host', 'sql', 'shell', 'html', 'code', 'number', 'expression', 'secret'],
    'result',
  ]
  const rules: readonly (readonly [path: string, word: string, rule: object])[] = [
    ['sql.readOnly', 'false', { sql: { readOnly: false } }],
    ['sql.functions.allow', 'pg_sleep', { sql: { functions: { allow: ['pg_sleep', 'count', 'pg_*'] } } }],
    ['path.form', 'either', { path: { form: 'either' } }],
    ['shell.allow', 'pipes', { shell: { allow: ['pipes'] } }],
    ['shell.programs.P.runsOthers', 'allowed', { shell: { programs: { P: { runsOthers: 'allowed' } } } }],
    ['path.parents', 'within-roots', { path: { parents: 'within-roots' } }],
    ['url.insideHosts', 'allowed', { url: { insideHosts: 'allowed' } }],
    ['url.credentials', 'allowed', { url: { credentials: 'allowed' } }],
    ['host.insideHosts', 'allowed', { host: { insideHosts: 'allowed' } }],
  ]
  const levels: readonly (readonly [at: string, within: (own: object) => object])[] = [
    ['inspection', (own) => ({ inspection: own })],
    ['upstreams.a.inspection', upstream],
    ['upstreams.a.inspection.tools.T', tool],
  ]
  return [
    ...levels.flatMap(([at, within]) => [
      [`${at}.mode`, 'shadow', within({ mode: 'shadow' })] as const,
      ...FAMILIES.map(
        (name) => [`${at}.on.${name}.breach`, 'allow', within({ on: { [name]: { breach: 'allow' } } })] as const,
      ),
      ...PLACES.map(
        (name) =>
          [`${at}.roles.${name}.breach`, 'annotate', within({ roles: { [name]: { breach: 'annotate' } } })] as const,
      ),
    ]),
    ...rules.map(
      ([path, word, rule]) =>
        [`upstreams.a.inspection.tools.T.arguments.X.${path}`, word, tool({ arguments: { X: rule } })] as const,
    ),
  ]
}

const WEAK: readonly (readonly [path: string, word: string, extra: object])[] = [
  ...weakInspection(),
  ['listen.plaintext', 'loopback-only', { listen: { plaintext: 'loopback-only' } }],
  ['listen.tls.minVersion', 'TLSv1.2', { listen: { tls: { authority: 'local', minVersion: 'TLSv1.2' } } }],
  ['listen.revocation.plaintext', 'loopback-only', { listen: { revocation: { plaintext: 'loopback-only' } } }],
  ['listen.metrics.plaintext', 'loopback-only', { listen: { metrics: { plaintext: 'loopback-only' } } }],
  [
    'upstreams.a.http.tls.profile',
    'private',
    { upstreams: { a: { http: { url: 'https://a.example/', tls: { profile: 'private' } } } } },
  ],
  ['anomalies.answers.medium', 'note', { anomalies: { answers: { medium: 'note' } } }],
  [
    'inspection.results.classifier.verdict',
    'annotate',
    { inspection: { results: { classifier: { url: 'https://c.example/', verdict: 'annotate' } } } },
  ],
  ['outbound.revocation', 'soft-fail', { outbound: { revocation: 'soft-fail' } }],
  [
    'listen.tls.clientCertificates.revocation',
    'off',
    { listen: { tls: { authority: 'local', clientCertificates: { authorities: ['x'], revocation: 'off' } } } },
  ],
  [
    'upstreams.a.http.tls.revocation',
    'soft-fail',
    { upstreams: { a: { http: { url: 'https://a.example/', tls: { revocation: 'soft-fail' } } } } },
  ],
  [
    'traffic.redis.plaintext',
    'loopback-only',
    { traffic: { redis: { url: 'redis://127.0.0.1', plaintext: 'loopback-only' } } },
  ],
  ['traffic.redis.onLoss', 'local', { traffic: { redis: { url: 'rediss://redis.example.com', onLoss: 'local' } } }],
  ['store.kind', 'memory', { store: { kind: 'memory' } }],
  [
    'store.plaintext',
    'loopback-only',
    {
      store: { kind: 'postgres', url: 'postgresql://localhost/portcullis', username: 'x', plaintext: 'loopback-only' },
    },
  ],
  ['anomalies.watch', 'off', { anomalies: { watch: 'off' } }],
  ['anomalies.exempt.roles', 'robot', { anomalies: { exempt: { roles: ['admin', 'robot'] } } }],
  ['anomalies.exempt.principals', 'key:x', { anomalies: { exempt: { principals: ['key:x'] } } }],
  ['definitions.rollback', 'accepted', { definitions: { rollback: 'accepted' } }],
  ['audit.durability', 'eventual', { audit: { durability: 'eventual' } }],
  [
    'identity.issuers[0].tokenType',
    'any',
    { identity: { issuers: [{ issuer: 'https://i.example', tokenType: 'any' }] } },
  ],
  [
    'identity.server.assertions.publicClients',
    'allowed',
    {
      identity: {
        server: { assertions: { issuers: [{ issuer: 'https://i.example' }], publicClients: 'allowed' } },
      },
    },
  ],
  ['identity.dpop.nonce', 'off', { identity: { dpop: { nonce: 'off' } } }],
  [
    'identity.server.providers[0].admit',
    'everybody',
    {
      identity: {
        server: {
          providers: [
            {
              ...{ name: 'a', title: 'A', issuer: 'https://a.example', clientId: 'c', clientSecret: { env: 'S' } },
              ...{ create: 'on-first-sign-in', admit: 'everybody' },
            },
          ],
        },
      },
    },
  ],
  [
    'upstreams.a.stdio.sandbox.driver',
    'none',
    { upstreams: { a: { stdio: { command: 'x', sandbox: { driver: 'none' } } } } },
  ],
  ['upstreams.a.code.sandbox.driver', 'seatbelt', { upstreams: { a: { code: { sandbox: { driver: 'seatbelt' } } } } }],
  ...(['stdio', 'code'] as const).flatMap((kind) => [
    weakRule(kind, 'private', 'allowed'),
    weakRule(kind, 'tls', 'opened'),
  ]),
  [
    'inspection.results.classifier.onError',
    'annotate',
    { inspection: { results: { classifier: { url: 'https://a.example/', onError: 'annotate' } } } },
  ],
  ['upstreams.a.trust', 'trusted', { upstreams: { a: { trust: 'trusted', stdio: { command: 'x' } } } }],
  ['upstreams.a.stdio.process', 'shared', { upstreams: { a: { stdio: { command: 'x', process: 'shared' } } } }],
  ['upstreams.a.stdio.env.T', 'env', { upstreams: { a: { stdio: { command: 'x', env: { T: { env: 'T' } } } } } }],
  [
    'upstreams.a.http.plaintext',
    'loopback-only',
    { upstreams: { a: { http: { url: 'http://[::1]/', plaintext: 'loopback-only' } } } },
  ],
  ['upstreams.a.http.oauth.plaintext', 'loopback-only', withOAuth({ plaintext: 'loopback-only' })],
  [
    'exporters.a.otlp.plaintext',
    'loopback-only',
    { exporters: { a: { otlp: { url: 'http://127.0.0.1/', plaintext: 'loopback-only' } } } },
  ],
  [
    'exporters.a.webhook.plaintext',
    'loopback-only',
    { exporters: { a: { webhook: { url: 'http://[::1]/', plaintext: 'loopback-only', secrets: [{ env: 'S' }] } } } },
  ],
  [
    'exporters.a.syslog.acknowledgement',
    'written',
    { exporters: { a: { syslog: { host: 'siem.example', acknowledgement: 'written' } } } },
  ],
  ['audit.witness.a.file.sameDevice', 'allowed', witness({ file: { path: 'w', sameDevice: 'allowed' } })],
  ['audit.witness.a.git.sameDevice', 'allowed', witness({ git: { repository: '.', sameDevice: 'allowed' } })],
  [
    'audit.witness.a.timestamp.sameDevice',
    'allowed',
    witness({ timestamp: { url: 'http://t.example', authorities: 'a', path: 'w', sameDevice: 'allowed' } }),
  ],
  [
    'audit.witness.a.https.plaintext',
    'loopback-only',
    witness({ https: { url: 'http://127.0.0.1/', plaintext: 'loopback-only' } }),
  ],
  ['backup.privateKeys', 'included', { backup: { privateKeys: 'included' } }],
  ['telemetry.plaintext', 'loopback-only', { telemetry: { endpoint: 'http://127.0.0.1', plaintext: 'loopback-only' } }],
  ['telemetry.principals', 'named', { telemetry: { principals: 'named' } }],
  ['telemetry.tenants', 'named', { telemetry: { tenants: 'named' } }],
  ['telemetry.traces.sampling.callers', 'trusted', { telemetry: { traces: { sampling: { callers: 'trusted' } } } }],
  ['telemetry.traces.content.arguments', 'a/read', { telemetry: { traces: { content: { arguments: ['a/read'] } } } }],
  ['telemetry.traces.content.results', 'a/*', { telemetry: { traces: { content: { results: ['a/*'] } } } }],
  ['upstreams.a.http.oauth.visitor', 'anyone-with-the-link', withOAuth({ visitor: 'anyone-with-the-link' })],
  [
    'upstreams.a.http.exchange.plaintext',
    'loopback-only',
    {
      upstreams: { a: { http: { url: 'https://a.example/', exchange: { ...EXCHANGE, plaintext: 'loopback-only' } } } },
    },
  ],
]

for (const word of ['ask', 'mask'])
  test(`${word} about a breach is listed, and about anything else is not`, () => {
    const inspection = { on: { sql: { breach: word, strong: word } }, roles: { path: { strong: word } } }
    assert.deepEqual(
      weaknesses(config({ inspection })).map((weakness) => [weakness.path, weakness.word]),
      [['inspection.on.sql.breach', word]],
    )
  })

for (const [form, roots, count] of [
  ['absolute', undefined, 1],
  ['absolute', ['/srv'], 0],
  ['either', [], 1],
  ['relative', undefined, 0],
] as const)
  test(`paths of the form ${form} with ${JSON.stringify(roots)} for roots are ${count === 0 ? 'no' : 'a'} weakness`, () => {
    const rule = { path: { form, roots } }
    const upstream = {
      http: { url: 'https://a.example/' },
      inspection: { tools: { T: { arguments: { X: rule } } } },
    }
    assert.equal(weaknesses(config({ upstreams: { a: upstream } })).length, count)
  })

for (const [path, word, extra] of WEAK) {
  test(`${path}: ${word} is listed`, () => {
    const found = weaknesses(config(extra))
    assert.deepEqual(
      found.map((weakness) => [weakness.path, weakness.word]),
      [[path, word]],
    )
    assert.match(found[0]?.meaning ?? '', /\.$/)
  })
}

test('answers that only note are listed level by level', () => {
  const answers = { medium: 'note', high: 'note', critical: 'note' }
  assert.deepEqual(
    weaknesses(config({ anomalies: { answers } })).map(({ path }) => path),
    ['anomalies.answers.medium', 'anomalies.answers.high', 'anomalies.answers.critical'],
  )
})

test('a list of functions that means all of them is listed as one too', () => {
  const inspection = { tools: { T: { arguments: { X: { sql: { functions: { allow: ['*', 'count'] } } } } } } }
  assert.deepEqual(
    weaknesses(config({ upstreams: { a: { http: { url: 'https://a.example/' }, inspection } } })).map(
      ({ word }) => word,
    ),
    ['*'],
  )
})

test('every key that the schema calls a weakness is one that the list knows', () => {
  const called = weakPaths('', configJsonSchema())
  const levels = ['anomalies.answers.high', 'anomalies.answers.critical']
  const known = [...WEAK.map(([path]) => path), ...levels].map((path) =>
    path
      .replace('upstreams.a.', 'upstreams.NAME.')
      .replace('exporters.a.', 'exporters.NAME.')
      .replace('witness.a.', 'witness.NAME.')
      .replace('[0]', '[]')
      .replace('env.T', 'env')
      .replace(/\b[TXP]\b/g, 'NAME'),
  )
  assert(called.length > 5)
  assert.deepEqual(called.toSorted(), known.toSorted())
})

function witness(one: object): object {
  return { audit: { witness: { a: one } } }
}

function weakRule(kind: 'stdio' | 'code', key: string, word: string): (typeof WEAK)[number] {
  const sandbox = { network: { allow: [{ host: 'api.example', [key]: word }] } }
  const upstream = kind === 'stdio' ? { stdio: { command: 'x', sandbox } } : { code: { sandbox } }
  return [`upstreams.a.${kind}.sandbox.network.allow[0].${key}`, word, { upstreams: { a: upstream } }]
}

function weakPaths(path: string, node: SchemaNode): readonly string[] {
  const own = node.description?.includes('Weakness') === true ? [path.slice(1)] : []
  const children = Object.entries(node.properties ?? {}).flatMap(([key, child]) => weakPaths(`${path}.${key}`, child))
  const items = node.items === undefined ? [] : weakPaths(`${path}[]`, node.items)
  const named =
    typeof node.additionalProperties === 'object' ? weakPaths(`${path}.NAME`, node.additionalProperties) : []
  return [...own, ...children, ...items, ...named]
}
