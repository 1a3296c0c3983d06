import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import tls from 'node:tls'
import { authorityFile, openAuthority } from '../../src/pki/authority.ts'
import type { KeyPair } from '../../src/pki/key-pair.ts'
import { serverCertificate } from '../../src/pki/leaf.ts'
import { PkiError } from '../../src/pki/pki-error.ts'
import { listenerTls, supportedGroups } from '../../src/pki/tls-options.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-06-01T00:00:00Z')

const at = (now: number) => ({ now: () => now })
const when = (now: number) => ({ clock: at(now) })
const ROOT_KEY = (folder: string) => join(folder, 'issuer', 'root.key')

function intermediateKey(folder: string): string {
  const issuer = join(folder, 'issuer')
  const [one] = readdirSync(issuer, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return join(issuer, one?.name ?? '', 'ca.key')
}

function folderFor(context: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'portcullis-pki-'))
  context.after(() => rmSync(parent, { recursive: true }))
  return join(parent, 'authority')
}

test('a new authority signs leaves only, lives ten years, and its key is for its owner alone', async (context) => {
  const folder = folderFor(context)
  await openAuthority(folder, at(NOW))
  const leaf = new X509Certificate(readFileSync(authorityFile(folder)))
  assert.equal(leaf.ca, true)
  assert.equal(Math.round((leaf.validToDate.getTime() - NOW) / DAY_MS), 3650)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.equal(statSync(ROOT_KEY(folder)).mode & 0o777, 0o600)
  assert.match(leaf.toString(), /BEGIN CERTIFICATE/)
})

test('the certificate names this machine and the given names, serves only, and lives thirty days', async (context) => {
  const folder = folderFor(context)
  const { leaf, certificate } = await serverCertificate(folder, ['gate.example'], when(NOW))
  const authority = new X509Certificate(readFileSync(authorityFile(folder)))
  assert.equal(leaf.verify(authority.publicKey), false)
  const [, above = ''] = certificate.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []
  const intermediate = new X509Certificate(above)
  assert(leaf.verify(intermediate.publicKey) && intermediate.verify(authority.publicKey))
  assert.equal(leaf.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:gate.example')
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.equal(leaf.ca, false)
  assert(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 30 * DAY_MS + 300_000)
  assert.equal(statSync(join(folder, 'server.pem')).mode & 0o777, 0o600)
})

test('the certificate is kept while it is good, and replaced when a third is left or a name is new', async (context) => {
  const folder = folderFor(context)
  const first = await serverCertificate(folder, [], when(NOW))
  const same = await serverCertificate(folder, [], when(NOW + 19 * DAY_MS))
  assert.equal(same.certificate, first.certificate)
  const renewed = await serverCertificate(folder, [], when(NOW + 21 * DAY_MS))
  assert.notEqual(renewed.certificate, first.certificate)
  const renamed = await serverCertificate(folder, ['other.example'], when(NOW + 21 * DAY_MS))
  assert.notEqual(renamed.certificate, renewed.certificate)
  assert.deepEqual(readdirSync(folder).toSorted(), ['ca.crt', 'issuer', 'server.pem'])
})

const SPOILT: readonly (readonly [what: string, spoil: (folder: string) => void, says: RegExp])[] = [
  [
    'a key that others can read',
    (folder) => chmodSync(intermediateKey(folder), 0o644),
    /can be read by others; run: chmod 600/,
  ],
  ['a folder that is open to others', (folder) => chmodSync(folder, 0o755), /is open to others; run: chmod 700/],
  [
    'an authority without its intermediates',
    (folder) => rmSync(dirname(intermediateKey(folder)), { recursive: true }),
    /lacks every intermediate; restore it/,
  ],
  [
    'an authority without its ledger',
    (folder) => rmSync(join(folder, 'issuer', 'ledger.jsonl')),
    /lacks its ledger; restore it/,
  ],
  [
    'a trusted root without anything else',
    (folder) => rmSync(join(folder, 'issuer'), { recursive: true }),
    /lacks a file; restore it/,
  ],
  [
    'a server key that others can read',
    (folder) => chmodSync(join(folder, 'server.pem'), 0o640),
    /can be read by others/,
  ],
]

for (const [what, spoil, says] of SPOILT) {
  test(`${what} is refused, and nothing is issued in its place`, async (context) => {
    const folder = folderFor(context)
    await serverCertificate(folder, [], when(NOW))
    const before = readFileSync(join(folder, 'server.pem'), 'utf8')
    spoil(folder)
    await assert.rejects(serverCertificate(folder, ['new.example'], when(NOW)), (thrown: unknown) => {
      assert(thrown instanceof PkiError)
      assert.match(thrown.message, says)
      return true
    })
    assert.equal(readFileSync(join(folder, 'server.pem'), 'utf8'), before)
  })
}

test('an authority that has expired is told, not replaced', async (context) => {
  const folder = folderFor(context)
  await openAuthority(folder, at(NOW))
  await assert.rejects(serverCertificate(folder, [], when(NOW + 3651 * DAY_MS)), /expired on/)
})

test('a client that trusts the authority speaks TLS 1.3 with the listener, and TLS 1.2 is refused', async (context) => {
  const folder = folderFor(context)
  const pair = await serverCertificate(folder, [], when(Date.now()))
  const { port, served } = await serve(context, pair)
  const ca = readFileSync(authorityFile(folder), 'utf8')
  const facts = await handshake({ port, ca, servername: 'localhost' })
  assert.deepEqual(facts, { protocol: 'TLSv1.3', alpn: 'http/1.1', authorized: true })
  const connections = served()
  await assert.rejects(handshake({ port, ca, servername: 'localhost', maxVersion: 'TLSv1.2' }), /alert|version/i)
  await assert.rejects(handshake({ port, servername: 'localhost' }), /unable to verify|self.signed|issuer/i)
  assert.equal(served() - connections <= 1, true)
})

test('the hybrid group is offered first where OpenSSL has it', () => {
  const hasMlKem = Number(process.versions.openssl.split('.').slice(0, 2).join('.')) >= 3.5
  assert.equal(supportedGroups().startsWith('X25519MLKEM768/'), hasMlKem)
  assert.match(supportedGroups(), /X25519/)
})

async function serve(context: TestContext, pair: KeyPair): Promise<{ port: number; served: () => number }> {
  let secured = 0
  const server = https.createServer(listenerTls(pair))
  server.on('secureConnection', () => secured++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, served: () => secured }
}

function handshake(options: tls.ConnectionOptions): Promise<object> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', ALPNProtocols: ['http/1.1'], ...options }, () => {
      const facts = { protocol: socket.getProtocol(), alpn: socket.alpnProtocol, authorized: socket.authorized }
      socket.destroy()
      resolve(facts)
    })
    socket.on('error', reject)
  })
}
