/** What the configuration says of keys: files made absolute, kept from programs, and what is missing told at once. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { ownPaths, trustedFiles } from '../../src/config/own-paths.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-key-config-'))
const FILE = join(folder, 'portcullis.yaml')
after(() => rmSync(folder, { recursive: true }))
for (const name of ['role', 'account', 'application', 'token', 'ca.pem'])
  writeFileSync(join(folder, name), 'x', { mode: 0o600 })

const parse = (dataProtection: object) =>
  parseConfig(stringify({ version: 1, state: 'state', policy: { files: [] }, dataProtection }), FILE, {})

const GCP_KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k'
const FULL = {
  keyEncryption: {
    driver: 'vault-transit',
    vault: { address: 'https://v', key: 'k', appRole: { role: 'r', secret: { file: 'role' } }, ca: 'ca.pem' },
  },
  previous: [
    { driver: 'file', file: { path: 'old.keys' } },
    { driver: 'gcp-kms', gcp: { key: GCP_KEY, account: { file: 'account' } } },
    {
      driver: 'azure-key-vault',
      azure: {
        ...{ vault: 'https://n.vault.azure.net', key: 'k' },
        application: { directory: 'd', client: 'c', secret: { file: 'application' } },
      },
    },
    {
      driver: 'vault-transit',
      vault: { address: 'https://w', key: 'k', kubernetes: { role: 'r', tokenFile: 'token' } },
    },
  ],
  tenantKeys: { copy: 'copy.keys' },
}

test('no program is given the secrets and files of keys, nor may it change whom they believe', () => {
  const config = parse(FULL)
  const own = ownPaths(config, FILE)
  for (const name of ['role', 'account', 'application', 'token', 'old.keys', 'copy.keys'])
    assert.ok(own.includes(join(folder, name)), name)
  assert.ok(trustedFiles(config).includes(join(folder, 'ca.pem')))
})

test('whoever says nothing has a file, and an hour without its keeper', () => {
  assert.deepEqual(parse({}).dataProtection, {
    keyEncryption: { driver: 'file', deadlineSeconds: 5, attempts: 3 },
    ...{ previous: [], refreshSeconds: 300, outageSeconds: 3600, tenantKeys: {} },
  })
})

test('a copy of the tenant keys of one gateway is none of those that several share', () => {
  const text = (store: object) =>
    stringify({
      ...{ version: 1, state: 'state', policy: { files: [] }, store },
      dataProtection: { tenantKeys: { copy: 'copy.keys' } },
    })
  const shared = { kind: 'postgres', url: 'postgresql://db.example.com/portcullis', username: 'portcullis' }
  assert.throws(() => parseConfig(text(shared), FILE, {}), /tenantKeys\.copy[\s\S]*portcullis_keys/)
  assert.ok(parseConfig(text({ kind: 'sqlite' }), FILE, {}))
})

test('what is not there is told with its place', () => {
  const missing = structuredClone(FULL)
  missing.keyEncryption.vault.appRole.secret.file = 'nowhere'
  missing.tenantKeys.copy = 'nowhere/copy'
  assert.throws(() => parse(missing), /keyEncryption\.vault\.appRole\.secret[\s\S]*tenantKeys\.copy/)
})
