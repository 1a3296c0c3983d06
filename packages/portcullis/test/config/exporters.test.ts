/** AU-4: what exporters refer to is found, made absolute, and kept from programs. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { ownPaths, trustedFiles } from '../../src/config/own-paths.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-exporters-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'out'))
for (const name of ['ca.pem', 'own.pem', 'own.key', 'token', 'secret', 'signing.pem'])
  writeFileSync(join(folder, name), 'x', { mode: 0o600 })

const FILE = join(folder, 'portcullis.yaml')
const RECEIVER = { url: 'https://siem.example/', ca: 'ca.pem', certificate: 'own.pem', key: 'own.key' }
const HOOK = {
  ...RECEIVER,
  headers: { 'x-token': { file: 'token' } },
  secrets: [{ file: 'secret' }],
  signingKey: { file: 'signing.pem' },
}

const parse = (exporters: object, more: object = {}) =>
  parseConfig(stringify({ version: 1, state: 'state', policy: { files: [] }, exporters, ...more }), FILE, {})

test('files of exporters are relative to the configuration', () => {
  const { hook, syslog, local } = parse({
    hook: { webhook: HOOK },
    syslog: { syslog: { host: 'siem.example', ca: 'ca.pem', certificate: 'own.pem', key: 'own.key' } },
    local: { file: { path: 'out/records' } },
  }).exporters
  const at = (name: string) => join(folder, name)
  const { ca, certificate, key, headers, secrets, signingKey } = hook?.webhook ?? {}
  assert.deepEqual([ca, certificate, key], ['ca.pem', 'own.pem', 'own.key'].map(at))
  assert.deepEqual(headers, { 'x-token': { file: at('token') } })
  assert.deepEqual([secrets, signingKey], [[{ file: at('secret') }], { file: at('signing.pem') }])
  assert.deepEqual([syslog?.syslog?.ca, syslog?.syslog?.key], [at('ca.pem'), at('own.key')])
  assert.equal(local?.file?.path, at('out/records'))
})

test('no program is given the secrets of exporters, nor the records, nor may it change whom they believe', () => {
  const config = parse({ hook: { webhook: HOOK }, local: { file: { path: 'out/records' } } })
  const own = ownPaths(config, FILE)
  for (const name of ['own.key', 'token', 'secret', 'signing.pem', 'out/records'])
    assert(own.includes(join(folder, name)), name)
  assert(trustedFiles(config).includes(join(folder, 'ca.pem')))
})

test('a tenant that nobody has is a mistake, and that of the gateway is none', () => {
  const tenants = { acme: { upstreams: [], policy: { files: [], roles: ['a'] } } }
  const exporters = (name: string) => ({ a: { stdout: {}, tenants: [name] } })
  assert.throws(() => parse(exporters('acm'), { tenants }), /there is no tenant acm/)
  assert.doesNotThrow(() => parse(exporters('acme'), { tenants }))
  assert.doesNotThrow(() => parse(exporters('@gateway'), { tenants }))
})

test('an exporter that says little is careful', () => {
  const { a } = parse({ a: { syslog: { host: 'siem.example' } } }).exporters
  assert.deepEqual([a?.format, a?.begin, a?.required, a?.attempts], ['json', 'oldest', false, 5])
  assert.deepEqual([a?.syslog?.port, a?.syslog?.facility, a?.syslog?.acknowledgement], [6514, 13, 'close'])
})
