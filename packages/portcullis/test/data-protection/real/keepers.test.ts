/** The keepers of a key-encryption key, one contract for all; services are stand-ins that speak the real protocols over TLS. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import { randomKey, SealBroken } from '../../../src/data-protection/envelope.ts'
import { KeyServiceError } from '../../../src/data-protection/key-encryption.ts'
import { keychain, type RunProgram } from '../../../src/data-protection/keychain.ts'
import { type Ask, asker } from '../../../src/data-protection/kms/ask.ts'
import { type AwsCredentialKind, awsCredentials } from '../../../src/data-protection/kms/aws-credentials.ts'
import { awsKms } from '../../../src/data-protection/kms/aws-kms.ts'
import { azureKeyVault, azureTokens } from '../../../src/data-protection/kms/azure-key-vault.ts'
import { crc32c } from '../../../src/data-protection/kms/crc32c.ts'
import { gcpKms } from '../../../src/data-protection/kms/gcp-kms.ts'
import { gcpTokens } from '../../../src/data-protection/kms/gcp-token.ts'
import { serviceKeys } from '../../../src/data-protection/kms/service-keys.ts'
import { type VaultLogin, vaultTokens, vaultTransit } from '../../../src/data-protection/kms/vault-transit.ts'
import { LocalKeys, type PrivateText } from '../../../src/data-protection/local-keys.ts'
import { privateText } from '../../../src/gateway/open-keeper.ts'
import { feedTool } from '../../../src/sandbox/child.ts'
import { keyEncryptionContract } from '../../contracts/key-encryption.contract.ts'
import { AWS, AWS_KEY, startAwsKms } from '../../fixtures/kms-aws.ts'
import { AZURE, AZURE_TOKEN, startAzure } from '../../fixtures/kms-azure.ts'
import { GCP_KEY, GCP_TOKEN, startGcpKms } from '../../fixtures/kms-gcp.ts'
import { type KmsStandIn, startMetadata } from '../../fixtures/kms-server.ts'
import { startVault, VAULT, type VaultStandIn } from '../../fixtures/kms-vault.ts'

const clock = { now: () => Date.now() }
const PLACE = { tenant: 'one', id: 'a1' }
const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: AWS.id,
  AWS_SECRET_ACCESS_KEY: AWS.secret,
  AWS_SESSION_TOKEN: AWS.session,
}

const askOf = ({ ca }: Pick<KmsStandIn, 'ca'>) => asker({ ca, timeoutMs: 2_000, attempts: 3, pauseMs: 5 })

async function started<S extends KmsStandIn>(t: TestContext, starting: Promise<S>): Promise<S> {
  const service = await starting
  t.after(() => service.close())
  return service
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-keeper-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function aws(
  service: KmsStandIn,
  environment: Record<string, string> = ENVIRONMENT,
  kind: AwsCredentialKind = 'environment',
) {
  const ask = askOf(service)
  const readFile = () => 'web identity token\n'
  const credentials = awsCredentials({ kind, region: AWS.region, environment, readFile, ask, clock })
  const options = { key: 'alias/portcullis', region: AWS.region, endpoint: service.url }
  return serviceKeys(awsKms({ ...options, credentials, ask, clock }))
}

function vault(service: VaultStandIn, login: VaultLogin = { kind: 'token', token: () => new Secret(service.root) }) {
  const at = { address: service.url, namespace: VAULT.namespace, ask: askOf(service) }
  const tokens = vaultTokens({ ...at, login, clock })
  return serviceKeys(vaultTransit({ ...at, mount: 'transit', key: 'portcullis', tokens }))
}

keyEncryptionContract('file', async (t) => {
  const keeper = new LocalKeys('file', privateText(join(scratch(t), 'vault.keys')))
  return { keeper, rotate: () => keeper.renew() }
})

for (const platform of ['linux', 'darwin']) {
  keyEncryptionContract(`keychain of ${platform}, by a stand-in of its program`, async (t) => {
    const keeper = new LocalKeys('keychain', standInKeychain(t, platform))
    return { keeper, rotate: () => keeper.renew() }
  })
}

keyEncryptionContract('aws-kms', async (t) => {
  const service = await started(t, startAwsKms())
  return { keeper: aws(service), service }
})

keyEncryptionContract('gcp-kms', async (t) => {
  const service = await started(t, startGcpKms())
  const ask = askOf(service)
  const tokens = gcpTokens({ account: new Secret(service.account), ask, clock })
  const keeper = serviceKeys(gcpKms({ key: GCP_KEY, endpoint: service.url, tokens, ask }))
  return { keeper, service, rotate: () => service.rotate() }
})

keyEncryptionContract('azure-key-vault', async (t) => {
  const service = await started(t, startAzure())
  const ask = askOf(service)
  const { directory, client, secret, key } = AZURE
  const application = { directory, client, secret: new Secret(secret) }
  const tokens = azureTokens({ application, authority: service.url, ask, clock })
  const keeper = serviceKeys(azureKeyVault({ vault: service.url, key, tokens, ask }))
  return { keeper, service, rotate: () => service.rotate() }
})

keyEncryptionContract('vault-transit', async (t) => {
  const service = await started(t, startVault())
  return { keeper: vault(service), service, rotate: () => service.rotate() }
})

test('a version that is disabled at Google is refused, and not taken for a key that was changed', async (t) => {
  const service = await started(t, startGcpKms())
  const ask = askOf(service)
  const tokens = gcpTokens({ account: new Secret(service.account), ask, clock })
  const keeper = serviceKeys(gcpKms({ key: GCP_KEY, endpoint: service.url, tokens, ask }))
  const wrapped = await keeper.wrap(randomKey(), PLACE)
  service.disable()
  const isRefused = (thrown: unknown) =>
    thrown instanceof KeyServiceError && thrown.kind === 'refused' && thrown.message.endsWith('400 FAILED_PRECONDITION')
  await assert.rejects(keeper.unwrap(wrapped, PLACE), isRefused)
})

test('a newest version that is disabled at Azure wraps nothing, because it would not unwrap it', async (t) => {
  const service = await started(t, startAzure())
  const ask = askOf(service)
  const { directory, client, secret, key } = AZURE
  const application = { directory, client, secret: new Secret(secret) }
  const tokens = azureTokens({ application, authority: service.url, ask, clock })
  const keeper = serviceKeys(azureKeyVault({ vault: service.url, key, tokens, ask }))
  const wrapped = await keeper.wrap(randomKey(), PLACE)
  service.disable()
  const isRefused = (thrown: unknown) => thrown instanceof KeyServiceError && thrown.kind === 'refused'
  await assert.rejects(keeper.wrap(randomKey(), PLACE), isRefused)
  assert.equal(service.seen.filter(({ path }) => path.includes('/wrapkey')).length, 1)
  await assert.rejects(keeper.unwrap(wrapped, PLACE), isRefused)
})

test('what does not open at a Vault that says so with 500 is broken, and is asked for once', async (t) => {
  const service = await started(t, startVault())
  const keeper = vault(service)
  const wrapped = await keeper.wrap(randomKey(), PLACE)
  service.failsAsOld = true
  const before = service.seen.length
  await assert.rejects(keeper.unwrap(wrapped, { ...PLACE, tenant: 'two' }), SealBroken)
  assert.equal(service.seen.length, before + 1)
  service.busy = 3
  await assert.rejects(keeper.unwrap(wrapped, PLACE), KeyServiceError)
})

test('AWS is asked where the partition of its region is', async () => {
  const credentials = async () => ({ id: AWS.id, secret: new Secret(AWS.secret) })
  for (const [region, host] of [
    ['eu-central-1', 'kms.eu-central-1.amazonaws.com'],
    ['us-gov-west-1', 'kms.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'kms.cn-north-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'kms.eusc-de-east-1.amazonaws.eu'],
  ] as const) {
    let asked = ''
    const ask: Ask = async (question) => {
      asked = new URL((await question()).url).host
      return { status: 400, text: '{"__type":"DisabledException"}' }
    }
    const service = awsKms({ key: 'alias/portcullis', region, credentials, ask, clock })
    await assert.rejects(service.encrypt(Buffer.alloc(32), PLACE), /DisabledException/)
    assert.equal(asked, host)
  }
})

test('a key of AWS that was not named is not believed', () => {
  const owner = (key: string, id: string) =>
    awsKms({ key, region: AWS.region, credentials: () => assert.fail(), ask: () => assert.fail(), clock }).owns(id)
  const [arn, id] = [AWS_KEY, AWS_KEY.split('/')[1] as string]
  const alias = 'arn:aws:kms:eu-central-1:111122223333:alias/portcullis'
  for (const key of [arn, id, alias, 'alias/portcullis']) assert.ok(owner(key, arn), key)
  const other = arn.replace('1234abcd', '9999abcd')
  const foreign = arn.replace('111122223333', '999999999999')
  const elsewhere = arn.replace('eu-central-1', 'us-east-1')
  const table: readonly (readonly [key: string, refused: readonly string[]])[] = [
    [arn, [other, foreign, elsewhere, alias, id, '']],
    [id, [other, elsewhere, alias, id]],
    [alias, [foreign, elsewhere, alias]],
    ['alias/portcullis', [elsewhere, alias, `${arn}:x`]],
  ]
  for (const [key, refused] of table) for (const found of refused) assert.ok(!owner(key, found), `${key} ${found}`)
})

test('a file that others can read is refused', async (t) => {
  const file = join(scratch(t), 'vault.keys')
  const keeper = new LocalKeys('file', privateText(file))
  const wrapped = await keeper.wrap(randomKey(), PLACE)
  chmodSync(file, 0o640)
  await assert.rejects(keeper.unwrap(wrapped, PLACE), /can be read by others/)
  await assert.rejects(keeper.wrap(randomKey(), PLACE), /can be read by others/)
})

for (const damaged of ['', 'x', `${'0'.repeat(16)} short\n`, `${'0'.repeat(16)} ${'A'.repeat(43)}\n`.repeat(2)])
  test(`a file that holds ${JSON.stringify(damaged.slice(0, 24))}… is refused`, async () => {
    const keeper = new LocalKeys('file', { read: () => damaged, write: () => assert.fail('it was written over') })
    await assert.rejects(keeper.wrap(randomKey(), PLACE), KeyServiceError)
  })

test('a program of the keychain that cannot be run is no empty keychain', async () => {
  const run: RunProgram = async () => {
    throw new Error('ENOENT')
  }
  for (const platform of ['linux', 'darwin'])
    await assert.rejects(keychain({ platform, account: 'x', run }).read() as Promise<unknown>, KeyServiceError)
  assert.throws(() => keychain({ platform: 'win32', account: 'x', run }), KeyServiceError)
  // Without a session there is nothing to be found, and nothing must be made.
  const locked: RunProgram = async () => ({ status: 1, out: '', err: 'secret-tool: Cannot autolaunch D-Bus' })
  await assert.rejects(
    keychain({ platform: 'linux', account: 'x', run: locked }).read() as Promise<unknown>,
    KeyServiceError,
  )
})

test('a service whose certificate is of nobody whom we trust is told nothing', async (t) => {
  const service = await started(t, startAwsKms())
  const other = await started(t, startAwsKms())
  await assert.rejects(aws({ ...service, ca: other.ca }).wrap(randomKey(), PLACE), KeyServiceError)
  assert.equal(service.seen.length, 0)
})

test('credentials for AWS come from the machine, the container or a web identity too', async (t) => {
  const service = await started(t, startAwsKms())
  const given = {
    ...{ AccessKeyId: AWS.id, SecretAccessKey: AWS.secret, Token: AWS.session },
    Expiration: new Date(Date.now() + 3_600_000).toISOString(),
  }
  const metadata = await startMetadata(({ method, path, headers }) => {
    if (path === '/latest/api/token') {
      assert.deepEqual([method, headers['x-aws-ec2-metadata-token-ttl-seconds']], ['PUT', '300'])
      return { status: 200, body: 'token of the machine' }
    }
    if (path === '/container') {
      assert.equal(headers.authorization, 'token of the container')
      return { status: 200, body: given }
    }
    assert.equal(headers['x-aws-ec2-metadata-token'], 'token of the machine')
    if (path === '/latest/meta-data/iam/security-credentials/') return { status: 200, body: 'gateway-role' }
    assert.equal(path, '/latest/meta-data/iam/security-credentials/gateway-role')
    return { status: 200, body: given }
  })
  t.after(() => metadata.close())
  const ways = {
    instance: { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url },
    container: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${metadata.url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token of the container',
    },
  } as const
  for (const [kind, environment] of Object.entries(ways)) {
    const keeper = aws(service, environment, kind as AwsCredentialKind)
    const wrapped = await keeper.wrap(randomKey(), PLACE)
    assert.match(wrapped.wrappedBy, new RegExp(`^aws-kms:${AWS_KEY}$`))
    const asked = metadata.seen.length
    await keeper.unwrap(wrapped, PLACE)
    assert.equal(metadata.seen.length, asked, 'credentials are kept until shortly before their end')
  }
  const elsewhere = aws(service, { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://192.0.2.1/steal' }, 'container')
  await assert.rejects(elsewhere.wrap(randomKey(), PLACE), KeyServiceError)
  await assert.rejects(aws(service, {}).wrap(randomKey(), PLACE), /AWS_ACCESS_KEY_ID/)
})

test('a web identity is exchanged at STS', async (t) => {
  const service = await started(t, startAwsKms())
  const environment = {
    AWS_ENDPOINT_URL_STS: `${service.url}/sts`,
    AWS_ROLE_ARN: 'arn:role',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/token',
  }
  const keeper = aws(service, environment, 'web-identity')
  await keeper.unwrap(await keeper.wrap(randomKey(), PLACE), PLACE)
})

test('tokens for Google and Azure come from the metadata service of the machine too', async (t) => {
  const google = await started(t, startGcpKms())
  const azure = await started(t, startAzure())
  const metadata = await startMetadata(({ path, headers }) => {
    if (path === '/computeMetadata/v1/instance/service-accounts/default/token') {
      assert.equal(headers['metadata-flavor'], 'Google')
      return { status: 200, body: { access_token: GCP_TOKEN, expires_in: 3599 } }
    }
    assert.equal(headers['metadata'], 'true')
    const query = 'api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net'
    assert.equal(path, `/metadata/identity/oauth2/token?${query}`)
    return { status: 200, body: { access_token: AZURE_TOKEN, expires_in: '3599' } }
  })
  t.after(() => metadata.close())
  const metadataHost = new URL(metadata.url).host
  const [askGoogle, askAzure] = [askOf(google), askOf(azure)]
  const ofGoogle = gcpTokens({ metadataHost, ask: askGoogle, clock })
  const ofAzure = azureTokens({ metadata: metadata.url, ask: askAzure, clock })
  for (const keeper of [
    serviceKeys(gcpKms({ key: GCP_KEY, endpoint: google.url, tokens: ofGoogle, ask: askGoogle })),
    serviceKeys(azureKeyVault({ vault: azure.url, key: AZURE.key, tokens: ofAzure, ask: askAzure })),
  ])
    await keeper.unwrap(await keeper.wrap(randomKey(), PLACE), PLACE)
  assert.equal(metadata.seen.length, 2)
})

test('a token of Vault that has ended is replaced by signing in again', async (t) => {
  const service = await started(t, startVault())
  const ways: readonly VaultLogin[] = [
    { kind: 'app-role', mount: 'approle', role: VAULT.role, secret: () => new Secret(VAULT.secret) },
    { kind: 'kubernetes', mount: 'kubernetes', role: VAULT.role, token: () => new Secret(VAULT.jwt) },
  ]
  for (const login of ways) {
    const keeper = vault(service, login)
    const wrapped = await keeper.wrap(randomKey(), PLACE)
    service.endTokens()
    await keeper.unwrap(wrapped, PLACE)
  }
})

test('the checksum is CRC-32C', () => {
  // The check value of the catalogue of CRC algorithms, and the zeros of RFC 3720 B.4.
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
})

/** A program that keeps what it is given in a file, called as the real one is. */
function standInKeychain(t: TestContext, platform: string): PrivateText {
  const folder = scratch(t)
  const name = platform === 'linux' ? 'secret-tool' : 'security'
  const program = join(folder, name)
  writeFileSync(program, `#!/bin/sh\n${STAND_INS[platform] ?? ''}`, { mode: 0o700 })
  const run: RunProgram = (asked, args, input) => {
    assert.equal(asked, name)
    return feedTool(program, args, input, { STORE: join(folder, 'store'), PATH: '/usr/bin:/bin' })
  }
  return keychain({ platform, account: 'test', run })
}

const STAND_INS: Readonly<Record<string, string>> = {
  linux: `
attributes="service portcullis-key-encryption account test"
case "$1" in
  lookup) shift; [ "$*" = "$attributes" ] || exit 9; [ -f "$STORE" ] || exit 1; cat "$STORE" ;;
  store) shift 2; [ "$*" = "$attributes" ] || exit 9; cat > "$STORE" ;;
  *) exit 9 ;;
esac
`,
  darwin: `
case "$1" in
  find-generic-password) [ "$*" = "find-generic-password -a test -s portcullis-key-encryption -w" ] || exit 9
    [ -f "$STORE" ] || exit 44; cat "$STORE" ;;
  -i) read -r command update a account s service w secret
    [ "$command $update $a $account $s $service $w" = "add-generic-password -U -a test -s portcullis-key-encryption -w" ] || exit 0
    printf '%s\\n' "$secret" > "$STORE" ;;
  *) exit 9 ;;
esac
`,
}
