/** DP-1: every way to a key management service, as it is configured: each gateway seals there, and one with another keeper opens it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { deposit } from '../fixtures/deposit.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { AWS, startAwsKms } from '../fixtures/kms-aws.ts'
import { AZURE, startAzure } from '../fixtures/kms-azure.ts'
import { GCP_KEY, startGcpKms } from '../fixtures/kms-gcp.ts'
import type { KmsStandIn } from '../fixtures/kms-server.ts'
import { startVault, VAULT } from '../fixtures/kms-vault.ts'

const MOUNTS = { transit: 'house/transit', appRole: 'house/approle', kubernetes: 'house/kubernetes' }

interface Keeper {
  readonly service: KmsStandIn
  readonly config: object
  readonly environment: Readonly<Record<string, string>>
}

const vaultKeeper = async (login: object, environment: Readonly<Record<string, string>> = {}): Promise<Keeper> => {
  const service = await startVault(MOUNTS)
  const where = { address: service.url, ca: service.caFile, namespace: VAULT.namespace, mount: MOUNTS.transit }
  const config = { driver: 'vault-transit', vault: { ...where, key: 'portcullis', ...login } }
  return { service, config, environment }
}

const KEEPERS: Readonly<Record<string, (folder: string) => Promise<Keeper>>> = {
  async 'aws-kms'() {
    const service = await startAwsKms()
    const environment = {
      AWS_ACCESS_KEY_ID: AWS.id,
      AWS_SECRET_ACCESS_KEY: AWS.secret,
      AWS_SESSION_TOKEN: AWS.session,
    }
    const aws = { key: 'alias/portcullis', region: AWS.region, endpoint: service.url, ca: service.caFile }
    return { service, config: { driver: 'aws-kms', aws }, environment }
  },
  async 'aws-kms with a web identity'(folder) {
    const service = await startAwsKms()
    writeFileSync(join(folder, 'identity'), 'web identity token\n')
    const environment = {
      AWS_ENDPOINT_URL_STS: `${service.url}/sts`,
      AWS_ROLE_ARN: 'arn:role',
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'identity'),
    }
    const where = { key: 'alias/portcullis', region: AWS.region, endpoint: service.url, ca: service.caFile }
    return { service, config: { driver: 'aws-kms', aws: { ...where, credentials: 'web-identity' } }, environment }
  },
  async 'gcp-kms'() {
    const service = await startGcpKms()
    const gcp = { key: GCP_KEY, account: { env: 'GCP_ACCOUNT' }, endpoint: service.url, ca: service.caFile }
    return { service, config: { driver: 'gcp-kms', gcp }, environment: { GCP_ACCOUNT: service.account } }
  },
  async 'azure-key-vault'() {
    const service = await startAzure()
    const { directory, client, secret, key } = AZURE
    const application = { directory, client, secret: { env: 'AZURE_SECRET' } }
    const where = { vault: service.url, authority: service.url, ca: service.caFile }
    return {
      service,
      config: { driver: 'azure-key-vault', azure: { ...where, key, application } },
      environment: { AZURE_SECRET: secret },
    }
  },
  'vault-transit by a token': () => vaultKeeper({ token: { env: 'VAULT_ROOT' } }, { VAULT_ROOT: 'hvs.root' }),
  'vault-transit by AppRole': () =>
    vaultKeeper(
      { appRole: { mount: MOUNTS.appRole, role: VAULT.role, secret: { env: 'VAULT_SECRET' } } },
      { VAULT_SECRET: VAULT.secret },
    ),
  async 'vault-transit by Kubernetes'(folder) {
    const tokenFile = join(folder, 'service-account')
    writeFileSync(tokenFile, VAULT.jwt)
    return vaultKeeper({ kubernetes: { mount: MOUNTS.kubernetes, role: VAULT.role, tokenFile } })
  },
  async file(folder) {
    const service = await startVault()
    return { service, config: { driver: 'file', file: { path: join(folder, 'own.keys') } }, environment: {} }
  },
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-keepers-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('a secret of a tenant', { timeout: 120_000 }, () => {
  for (const [name, begin] of Object.entries(KEEPERS))
    it(`is sealed under ${name}, and opens later where that is a keeper of before`, async (t) => {
      const folder = scratch(t)
      const { service, config, environment } = await begin(folder)
      t.after(() => service.close())
      const upstream = await startCounting()
      t.after(() => upstream.close())
      const http = { vault: { of: 'tenant', header: 'x-api-key', scheme: '', lister: 'default' } }
      const start = (dataProtection: object) =>
        startTestGateway({
          ...{ folder, environment, policy: 'permit (principal, action, resource);\n', config: { dataProtection } },
          upstreams: [{ name: 'mail', url: upstream.url, http }],
        })
      const call = async (gateway: Awaited<ReturnType<typeof start>>) => {
        assert.equal((await callTool(gateway, 'echo', { text: 'a' })).status, 200)
        return upstream.seen.at(-1)?.headers['x-api-key']
      }
      const first = await start({ keyEncryption: config })
      try {
        await deposit(first, 'mail', 'of-the-tenant', 'default', environment)
        assert.equal(await call(first), 'of-the-tenant')
      } finally {
        await first.close()
      }
      const asked = service.seen.length
      if (name !== 'file') assert.ok(asked > 0, 'the service was asked')
      const second = await start({ keyEncryption: otherThan(name, folder), previous: [config] })
      try {
        assert.equal(await call(second), 'of-the-tenant')
        // What is new is wrapped by the keeper of now.
        await deposit(second, 'mail', 'of-another', 'other', environment)
        const token = await second.issue(['user'], { tenant: 'other' })
        assert.equal((await callTool(second, 'echo', { text: 'a' }, { token })).status, 200)
        assert.equal(upstream.seen.at(-1)?.headers['x-api-key'], 'of-another')
      } finally {
        await second.close()
      }
    })
})

/** Of another kind than that of before. */
const otherThan = (name: string, folder: string): object =>
  name === 'file' ? { driver: 'file' } : { driver: 'file', file: { path: join(folder, 'later.keys') } }

describe('a service that is busy', { timeout: 60_000 }, () => {
  for (const [attempts, works] of [
    [1, false],
    [3, true],
  ] as const)
    it(`is asked ${attempts} times at most`, async (t) => {
      const folder = scratch(t)
      const { service, config, environment } = await (KEEPERS['gcp-kms'] as (folder: string) => Promise<Keeper>)(folder)
      t.after(() => service.close())
      service.busy = 1
      const started = startTestGateway({
        ...{ folder, environment, upstreams: [] },
        config: { dataProtection: { keyEncryption: { ...config, attempts } } },
      })
      if (works) await (await started).close()
      else await assert.rejects(started)
    })
})
