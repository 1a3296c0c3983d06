/** CO-3 before peers of others: OpenSSL believes the chain, the lists and the responder, and two processes issue at once. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { IssuedLedger } from '../../../src/pki/authority/issued-ledger.ts'
import { LocalAuthority, type Wish } from '../../../src/pki/authority/local-authority.ts'
import { authorityPlaces } from '../../../src/pki/authority/places.ts'
import { Publisher } from '../../../src/pki/authority/publisher.ts'
import { ConnectionGate } from '../../../src/traffic/flood.ts'
import { ByteServer } from '../../../src/transport/byte-server.ts'

const parent = mkdtempSync(join(tmpdir(), 'portcullis-openssl-'))
const folder = join(parent, 'authority')
const clock = { now: () => Date.now() }
const at = (name: string) => join(parent, name)
const openssl = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', timeout: 20_000 })
  return { status, text: stdout + stderr }
}
let authority: LocalAuthority
let issuer: string

const wish = (request: string, more: Partial<Wish> = {}): Wish => ({
  ...{
    tenant: 'default',
    use: 'server',
    names: ['gate.example.org', '192.0.2.1'],
    lifeMs: 86_400_000,
    request,
    by: 'x',
  },
  ...more,
})

/** The key and its request are OpenSSL's own. */
async function issue(name: string, key: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']) {
  const made = openssl(
    'req',
    '-new',
    '-newkey',
    ...key,
    '-nodes',
    '-keyout',
    at(`${name}.key`),
    '-out',
    at(`${name}.csr`),
    '-subj',
    '/CN=x',
  )
  assert.equal(made.status, 0, made.text)
  const handed = await authority.issue(wish(readFileSync(at(`${name}.csr`), 'utf8')), () => Promise.resolve())
  writeFileSync(at(`${name}.crt`), handed.chain)
  return handed.issued
}

/** As somebody would who has the root, the lists, and what the server sends. */
function verify(name: string) {
  const publisher = new Publisher(folder, clock)
  const pem = (der: Buffer | undefined) =>
    `-----BEGIN X509 CRL-----\n${der
      ?.toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n-----END X509 CRL-----\n`
  writeFileSync(at('lists.pem'), pem(publisher.list('root')) + pem(publisher.list(issuer)))
  const trusted = [
    '-CAfile',
    authorityPlaces(folder).bundle,
    '-untrusted',
    at(`${name}.crt`),
    '-CRLfile',
    at('lists.pem'),
  ]
  return openssl(
    'verify',
    '-x509_strict',
    '-crl_check_all',
    ...trusted,
    '-verify_hostname',
    'gate.example.org',
    at(`${name}.crt`),
  )
}

before(async () => {
  authority = await LocalAuthority.open({ folder, clock, url: 'http://127.0.0.1:8480' })
  issuer = (await authority.signer()).id
  writeFileSync(at('issuer.pem'), (await authority.signer()).certificate)
})
after(() => rmSync(parent, { recursive: true }))

test('openssl verify believes chain and lists of every link, and refuses what is revoked', async () => {
  for (const [name, key] of [
    ['ec', undefined],
    ['rsa', ['rsa:2048']],
  ] as const) {
    const issued = await issue(name, key)
    const good = verify(name)
    assert.equal(good.status, 0, good.text)
    await authority.revoke(issued.serial, 'cessation-of-operation', 'x', () => Promise.resolve())
    const bad = verify(name)
    assert.notEqual(bad.status, 0)
    assert.match(bad.text, /certificate revoked/)
  }
  const list = openssl('crl', '-inform', 'PEM', '-in', at('lists.pem'), '-noout', '-text').text
  assert.match(list, /Version 2[^]*X509v3 CRL Number/)
})

test('a request with a weak key is refused', async () => {
  await assert.rejects(issue('weak', ['rsa:1024']), /has a weak key/)
})

test('openssl ocsp believes what the responder says over HTTP, by POST, with a nonce', async (t) => {
  const publisher = new Publisher(folder, clock)
  const server = new ByteServer({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 8_192, maxConnections: 10, gate: new ConnectionGate(10) },
    answer: ({ body }) => ({ status: 200, type: 'application/ocsp-response', bytes: publisher.ocsp(body) }),
    onFailure: (error) => assert.fail(String(error)),
  })
  const port = await server.listen()
  t.after(() => server.close())
  const issued = await issue('asked')
  const ask = async () => {
    const args = [
      'ocsp',
      '-issuer',
      at('issuer.pem'),
      '-cert',
      at('asked.crt'),
      '-url',
      `http://127.0.0.1:${port}/pki/ocsp`,
    ]
    const child = spawn('openssl', [...args, '-CAfile', authorityPlaces(folder).bundle, '-nonce', '-timeout', '10'])
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
    await once(child, 'close')
    return Buffer.concat(said).toString()
  }
  assert.match(await ask(), /Response verify OK[^]*: good/)
  await authority.revoke(issued.serial, 'key-compromise', 'x', () => Promise.resolve())
  assert.match(await ask(), /Response verify OK[^]*: revoked[^]*keyCompromise/)
})

test('two processes that issue at once leave one ledger with all of it', async () => {
  const module = (name: string) => JSON.stringify(join(import.meta.dirname, `../../../src/pki/authority/${name}.ts`))
  const script = `import { LocalAuthority } from ${module('local-authority')}
import { makeRequest } from ${module('request')}
const authority = await LocalAuthority.open({ folder: ${JSON.stringify(folder)}, clock: { now: () => Date.now() } })
const { request } = await makeRequest()
const wish = { tenant: 'two', use: 'client', names: ['a.example'], lifeMs: 1e8, request, by: 'x' }
for (let at = 0; at < 25; at++) await authority.issue(wish, async () => {})`
  const ended = await Promise.all(
    [1, 2].map(() =>
      once(spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }), 'close'),
    ),
  )
  assert.deepEqual(ended, [
    [0, null],
    [0, null],
  ])
  const all = new IssuedLedger(authorityPlaces(folder).ledger).all().filter(({ tenant }) => tenant === 'two')
  assert.equal(new Set(all.map(({ serial }) => serial)).size, 50)
})
