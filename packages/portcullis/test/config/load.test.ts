import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problem.ts'
import { MINIMAL, parse, problemsOf, workspace } from './workspace.ts'

test('two lines are a whole configuration, and all of its defaults are the strict ones', (context) => {
  const folder = workspace(context)
  const config = parse(folder, MINIMAL)
  assert.equal(config.listen.host, '127.0.0.1')
  assert.deepEqual(config.listen.tls, {
    authority: 'local',
    staple: 'auto',
    minVersion: 'TLSv1.3',
    http2: 'on',
    revocationNetworks: [],
  })
  assert.equal(config.store.kind, 'sqlite')
  assert.equal(config.audit.durability, 'before-answer')
  assert.equal(config.state, join(folder, 'state'))
  assert.equal(config.audit.folder, join(folder, 'state', 'audit'))
  assert.deepEqual(config.policy.files, [join(folder, 'policies', '*.cedar')])
})

test('a file that is not there is one clear problem', (context) => {
  const file = join(workspace(context), 'absent.yaml')
  assert.throws(
    () => loadConfig(file, {}),
    (thrown: unknown) => {
      assert(thrown instanceof ConfigError)
      assert.match(thrown.message, /absent\.yaml:1:1: there is no such file; run "portcullis init" to create one/)
      return true
    },
  )
})

const UPSTREAM = `${MINIMAL}upstreams:\n  files:\n    stdio:\n      command: sh\n`

const MISTAKES: readonly (readonly [name: string, text: string, ...problems: string[]])[] = [
  ['an unknown key', `${MINIMAL}listne: {}\n`, '3:1 listne: unknown key; did you mean "listen"?'],
  [
    'an unknown nested key with dashes',
    `${MINIMAL}limits:\n  max-body-bytes: 5\n`,
    '4:3 limits.max-body-bytes: unknown key; did you mean "maxBodyBytes"?',
  ],
  [
    'a wrong type',
    `${MINIMAL}listen: { port: "x" }\n`,
    '3:17 listen.port: "x" is not valid here; expected a whole number from 0 to 65535',
  ],
  [
    'a number out of range',
    `${MINIMAL}listen: { port: 70000 }\n`,
    '3:17 listen.port: 70000 is not valid here; expected a whole number from 0 to 65535',
  ],
  ['a missing key', 'version: 1\n', '1:1 state: missing; expected a path, absolute, from ~, or relative to this file'],
  ['another version', 'version: 2\nstate: s\n', '1:10 version: 2 is not valid here; expected 1'],
  [
    'a word that is none',
    `${MINIMAL}store: { kind: redis }\n`,
    '3:16 store.kind: "redis" is not valid here; expected one of sqlite, memory, postgres',
  ],
  [
    'an upstream of no kind',
    `${MINIMAL}upstreams:\n  files: {}\n`,
    '4:10 upstreams.files: needs exactly one of stdio, http, code; expected an upstream with one of stdio, http and code',
  ],
  [
    'a name that does not fit into a path',
    `${MINIMAL}upstreams:\n  ../Files: {}\n`,
    '4:3 upstreams["../Files"]: this name is not allowed; expected a name of up to 32 lower-case letters, digits and dashes that begins with a letter',
  ],
  [
    'a secret in the file',
    `${MINIMAL}upstreams:\n  a:\n    http: { url: "https://a.example/mcp", headers: { authorization: Bearer abcdefghijklmnopqrstuvwxyz } }\n`,
    '5:69 upstreams.a.http.headers.authorization: this text of 33 characters is not valid here; expected { env: NAME } or { file: path }',
  ],
  [
    'a secret from nowhere',
    `${UPSTREAM}      env: { TOKEN: { enw: X } }\n`,
    '7:21 upstreams.files.stdio.env.TOKEN: needs exactly one of env, file; expected text, { env: NAME } or { file: path }',
    '7:23 upstreams.files.stdio.env.TOKEN.enw: unknown key; did you mean "env"?',
  ],
  [
    'plain text to others',
    `${MINIMAL}upstreams: { a: { http: { url: "http://a.example/", plaintext: loopback-only } } }\n`,
    '3:32 upstreams.a.http.url: http is possible to a loopback address only; expected an https URL of an MCP endpoint, without user or fragment',
  ],
  [
    'plain text that is not spelled',
    `${MINIMAL}upstreams: { a: { http: { url: "http://127.0.0.1/" } } }\n`,
    '3:32 upstreams.a.http.url: an http URL needs plaintext: loopback-only; expected an https URL of an MCP endpoint, without user or fragment',
  ],
  [
    'plain text for the world',
    `${MINIMAL}listen: { host: 0.0.0.0, publicUrl: "https://a.example", plaintext: loopback-only }\n`,
    '3:69 listen.plaintext: plaintext is possible on a loopback address only; expected loopback-only',
  ],
  [
    'metrics in plain text for the world',
    `${MINIMAL}listen: { metrics: { host: 0.0.0.0, token: { env: T }, plaintext: loopback-only } }\n`,
    '3:67 listen.metrics.plaintext: plaintext is possible on a loopback address only; expected loopback-only',
  ],
  [
    'metrics for whoever asks',
    `${MINIMAL}listen: { metrics: { host: 0.0.0.0 } }\n`,
    '3:11 listen.metrics.token: an address that others can reach needs a token; expected { env: NAME } or { file: path }',
  ],
  [
    'an open address without a public name',
    `${MINIMAL}listen: { host: 0.0.0.0 }\n`,
    '3:1 listen.publicUrl: an address that others can reach needs a publicUrl; expected an origin such as https://app.example.com',
  ],
  [
    'an issuer that may use symmetric keys',
    `${MINIMAL}identity: { issuers: [ { issuer: "https://i.example", algorithms: [HS256] } ] }\n`,
    '3:68 identity.issuers[0].algorithms[0]: "HS256" is not valid here; expected one of ES256, ES384, ES512, EdDSA, Ed25519, PS256, PS384, PS512, RS256, RS384, RS512',
  ],
  [
    'an issuer whose roles nobody knows',
    `${MINIMAL}identity: { issuers: [ { issuer: "https://i.example", everyone: [usr] } ] }\n`,
    '3:65 identity.issuers[0].everyone: there is no role usr; list it in policy.roles, or correct it',
  ],
  [
    'an issuer that is listed twice',
    `${MINIMAL}identity: { issuers: [ { issuer: "https://i.example" }, { issuer: "https://i.example" } ] }\n`,
    '3:67 identity.issuers[1].issuer: this issuer is listed twice; keep one of them',
  ],
  [
    'authorities that are not there',
    `${MINIMAL}identity: { issuers: [ { issuer: "https://i.example", ca: nowhere.pem } ] }\n`,
  ],
  ['policies that a server could change', `${UPSTREAM}      sandbox: { write: [policies] }\n`],
  [
    'a list where a map belongs',
    `${MINIMAL}listen: []\n`,
    '3:9 listen: a list is not valid here; expected a map with the keys host, port, tls, plaintext, publicUrl, allowedHosts, allowedOrigins, metrics, revocation',
  ],
  [
    'a document that is no map',
    'hello\n',
    '1:1 : "hello" is not valid here; expected a map with the keys version, listen, state, store, identity, policy, upstreams, outbound, definitions, tenants, administration, masking, inspection, limits, traffic, anomalies, dataProtection, backup, audit, exporters, telemetry',
  ],
  ['a key that is given twice', `${MINIMAL}state: other\n`, '3:1 : map keys must be unique; give each key once'],
  ['a tab', 'version: 1\nlisten:\n\tport: 1\n', '3:1 : tabs are not allowed as indentation; indent with spaces'],
  [
    'two documents',
    `${MINIMAL}---\n${MINIMAL}`,
    '3:1 : source contains multiple documents; please use YAML.parseAllDocuments(); put everything into one document',
  ],
  ['a prototype', `${MINIMAL}upstreams: { __proto__: {} }\n`],
  ['files that are not there', `${UPSTREAM}      sandbox: { read: [nowhere] }\n`],
]

for (const [name, text, ...expected] of MISTAKES) {
  test(`${name} is told with its place and its remedy`, (context) => {
    const problems = problemsOf(workspace(context), text)
    if (expected.length === 0) assert(problems.length > 0)
    else assert.deepEqual(problems, expected)
  })
}

test('all mistakes are told at once, in the order of the file', (context) => {
  const text = `version: 1\nstate: 5\nlisten: { host: 0.0.0.0, port: x }\nstore: { kind: no }\nsize: 1\nsize: 2\n`
  const problems = problemsOf(workspace(context), text)
  assert.deepEqual(
    problems.map((problem) => problem.split(' ')[0]),
    ['2:8', '3:1', '3:32', '4:16', '5:1', '6:1'],
  )
})

test('an alias bomb is refused without being unfolded', (context) => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let letter = 1; letter < 9; letter++) {
    const [name, before] = [String.fromCharCode(97 + letter), String.fromCharCode(96 + letter)]
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`)
  }
  const problems = problemsOf(workspace(context), bomb.join('\n'))
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /alias/i)
})

test('the token of the metrics is looked for, and is none that could be guessed', (context) => {
  const folder = workspace(context)
  const text = `${MINIMAL}listen: { metrics: { token: { env: METRICS } } }\n`
  const problems = (token?: string) => problemsOf(folder, text, token === undefined ? {} : { METRICS: token })
  assert.deepEqual(problems('0123456789abcdef'), [])
  assert.match(problems('0123456789abcde')[0] ?? '', /listen\.metrics\.token.*too short; use at least 16 random/)
  assert.match(problems()[0] ?? '', /the environment variable METRICS is not set/)
})

test('secrets are looked for before anything starts', (context) => {
  const folder = workspace(context)
  const text = `${UPSTREAM}      env: { A: { env: ABSENT }, B: { file: secret.txt }, C: { file: open.txt }, D: { env: THERE } }\n`
  writeFileSync(join(folder, 'open.txt'), 'x')
  chmodSync(join(folder, 'open.txt'), 0o644)
  const problems = problemsOf(folder, text, { THERE: 'x' })
  assert.equal(problems.length, 3)
  assert.match(problems[0] ?? '', /env\.A: the environment variable ABSENT is not set; set it, or use \{ file: path \}/)
  assert.match(problems[1] ?? '', /env\.B: .*secret\.txt does not exist; create it with mode 0600/)
  assert.match(problems[2] ?? '', /env\.C: .*open\.txt can be read or changed by others; run: chmod 600/)
})
