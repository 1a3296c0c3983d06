/** CO-3 at a running gateway: certificates of its own authority, from `cert issue` to their end, and peers that ask about them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { LocalAuthority } from '../../src/pki/authority/local-authority.ts'
import { readList } from '../../src/pki/revocation/crl.ts'
import { recordsOf, recordsOfIncident } from '../fixtures/audit.ts'
import { callTool, modern, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { freePort } from '../fixtures/free-port.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { operator } from '../fixtures/operator.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-authority-'))
const at = (name: string) => join(folder, name)
const run = operator(folder)
let upstream: CountingUpstream
let gateway: TestGateway
let pki: string

before(async () => {
  upstream = await startCounting()
  pki = `http://127.0.0.1:${await freePort()}`
  // The file that the configuration names has to be there, as after `init`.
  await LocalAuthority.open({ folder: at('state/authority'), clock: systemClock, url: pki })
  gateway = await start()
})
after(async () => {
  await gateway?.close()
  await upstream.close()
  rmSync(folder, { recursive: true })
})

const start = (isPublished = true) =>
  startTestGateway({
    folder,
    upstreams: [{ name: 'one', url: upstream.url }],
    policy: 'permit (principal, action, resource);',
    config: {
      listen: {
        port: 0,
        tls: { authority: 'local', clientCertificates: { authorities: ['state/authority/ca.crt'] } },
        ...(isPublished && { revocation: { port: Number(new URL(pki).port), plaintext: 'loopback-only' } }),
      },
      identity: { certificates: [{ uri: 'spiffe://example.org/agents/*', roles: ['user'] }] },
    },
  })

/** Issues a certificate of a client by the command line. */
async function issue(name: string) {
  const args = ['--use', 'client', '--name', `spiffe://example.org/agents/${name}`, '--out', at(name), '--json']
  const made = await run('cert', 'issue', ...args)
  assert.equal(made.status, 0, made.err)
  const certificate = { cert: readFileSync(at(`${name}.crt`), 'utf8'), key: readFileSync(at(`${name}.key`), 'utf8') }
  return { ...(JSON.parse(made.out) as { serial: string; issuer: string }), certificate }
}

const listed = async (serial: string) =>
  (await run('cert', 'list', '--json')).out
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((one) => one['serial'] === serial)

/** A new connection: what the server shows, and the answer that came with it. */
function shake(): Promise<{ readonly shown: X509Certificate; readonly staple: Buffer | undefined }> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(gateway.origin)
    let staple: Buffer | undefined
    const ca = readFileSync(gateway.caFile)
    const socket = connect({ port: Number(port), host: '127.0.0.1', ca, requestOCSP: true })
    socket.on('OCSPResponse', (response: Buffer | null) => (staple = response ?? undefined))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const shown = new X509Certificate(socket.getPeerCertificate().raw)
      socket.destroy()
      resolve({ shown, staple })
    })
  })
}

/** Calls on one connection that stays open. */
function keptConnection(certificate?: { readonly cert: string; readonly key: string }) {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ca: readFileSync(gateway.caFile),
    servername: 'localhost',
    ...certificate,
  })
  const sockets = new Set<TLSSocket>()
  const call = (token?: string) =>
    new Promise<number>((resolve, reject) => {
      const { body, headers } = modern('tools/call', { name: 'echo', arguments: {} })
      const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const sent = request(gateway.endpoint('one'), {
        agent,
        method: 'POST',
        headers: { ...json, ...headers, ...authorization },
      })
      sent.on('socket', (socket) => sockets.add(socket as TLSSocket))
      sent.on('error', reject)
      sent.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)))
      sent.end(JSON.stringify(body))
    })
  return { call, sockets, close: () => agent.destroy() }
}

async function openssl(...args: readonly string[]): Promise<string> {
  const child = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
  const said: Buffer[] = []
  for (const readable of [child.stdout, child.stderr]) readable.on('data', (chunk: Buffer) => said.push(chunk))
  await once(child, 'close')
  return Buffer.concat(said).toString()
}

test('a client of our own authority is let in, and refused at once when its certificate is revoked', async () => {
  const { serial, issuer, certificate } = await issue('a')
  assert.equal(statSync(at('a.key')).mode & 0o777, 0o600)
  const kept = keptConnection(certificate)
  assert.equal(await kept.call(), 200)
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const open = await stream(gateway, body, { token: null, certificate, headers })
  await open.until(/subscriptions\/acknowledged/)
  const calls = upstream.count()
  const revoked = await run('cert', 'revoke', serial, '--reason', 'key-compromise')
  assert.equal(revoked.status, 0, revoked.err)
  assert.equal(await kept.call(), 401, 'on the connection that is open')
  assert.equal(await kept.call(gateway.token), 401, 'whatever stands beside it')
  assert.equal(kept.sockets.size, 1)
  kept.close()
  await open.ended
  const reply = await callTool(gateway, 'echo', {}, { token: null, certificate })
  assert.equal(reply.status, 401, 'on another one')
  const [refusal] = recordsOfIncident(gateway, reply.json.error.data.incident)
  assert.match(JSON.stringify(refusal), /certificate_refused[^]*revoked/)
  assert.equal(upstream.count(), calls)
  const list = readList(Buffer.from(await (await fetch(`${pki}/pki/${issuer}.crl`)).arrayBuffer()))
  assert.equal(list.find(Buffer.from(serial, 'hex'))?.reason, 1)
  assert.partialDeepStrictEqual(await listed(serial), { state: 'revoked', reason: 'key-compromise' })
  assert.equal((await run('cert', 'revoke', serial)).status, 1)
  const told = recordsOf(gateway).flatMap((one) =>
    one.kind === 'change' && one.detail?.['id'] === serial ? [one.what] : [],
  )
  assert.deepEqual(told, ['certificate.issued', 'certificate.revoked'])
})

test('OpenSSL, given the root alone, believes the gateway with its staple, its chain and the published lists', async () => {
  const { port } = new URL(gateway.origin)
  const reach = ['-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-verify_hostname', 'localhost']
  const said = await openssl(
    's_client',
    ...reach,
    '-CAfile',
    gateway.caFile,
    '-status',
    '-verify_return_error',
    '-showcerts',
  )
  assert.match(said, /OCSP Response Status: successful[^]*Cert Status: good/)
  assert.match(said, /Verify return code: 0 \(ok\)/)
  const certificates = said.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []
  assert.equal(certificates.length, 2, 'leaf and intermediate')
  writeFileSync(at('own.pem'), certificates.join('\n'))
  // It fetches the list by itself, from where the certificate says.
  const verified = await openssl(
    'verify',
    '-crl_download',
    '-crl_check',
    '-CAfile',
    gateway.caFile,
    '-untrusted',
    at('own.pem'),
    at('own.pem'),
  )
  assert.match(verified, /own\.pem: OK/)
})

test('our own certificate is renewed without a dropped connection, with its own staple, and again when it is revoked', async () => {
  const first = await shake()
  assert.ok(first.staple)
  const kept = keptConnection()
  assert.equal(await kept.call(gateway.token), 200)
  const renewed = await run('cert', 'renew', first.shown.serialNumber)
  assert.equal(renewed.status, 0, renewed.err)
  const second = await shake()
  assert.notEqual(second.shown.serialNumber, first.shown.serialNumber)
  assert.equal(renewed.out, second.shown.serialNumber.toLowerCase())
  assert.equal((await run('cert', 'revoke', second.shown.serialNumber, '--reason', 'superseded')).status, 0)
  const third = await shake()
  assert.ok(third.staple && !third.staple.equals(first.staple))
  assert.equal(new Set([first, second, third].map(({ shown }) => shown.serialNumber)).size, 3)
  assert.equal(await kept.call(gateway.token), 200)
  assert.equal(kept.sockets.size, 1)
  kept.close()
  const told = recordsOf(gateway).filter((one) => one.kind === 'change' && one.by === 'gateway')
  assert.equal(told.length, 2)
})

const QUESTIONS: readonly (readonly [path: string, init: RequestInit, status: number])[] = [
  ['/pki/root.crl', {}, 200],
  ['/pki/0123456789abcdef.crl', {}, 404],
  ['/pki/../state/authority/issuer/root.key', {}, 404],
  ['/pki/root.crl', { method: 'POST', body: 'x' }, 405],
  ['/pki/ocsp', {}, 405],
  ['/pki/ocsp', { method: 'POST', body: 'x' }, 415],
  [
    '/pki/ocsp',
    { method: 'POST', body: 'x'.repeat(10_000), headers: { 'content-type': 'application/ocsp-request' } },
    413,
  ],
  ['/pki/ocsp', { method: 'POST', body: 'x', headers: { 'content-type': 'application/ocsp-request' } }, 200],
  ['/pki/ocsp/%zz', {}, 200],
  ['/mcp/one', {}, 404],
]

test('the listener of revocations answers what it is for, and nothing else', async () => {
  for (const [path, init, status] of QUESTIONS) {
    const answer = await fetch(pki + path, init)
    await answer.arrayBuffer()
    assert.equal(answer.status, status, `${init.method ?? 'GET'} ${path}`)
  }
})

test('the command says what is wrong, and trust tells what there is to trust', async () => {
  const bad = async (...args: readonly string[]) => run('cert', ...args)
  assert.match((await bad('issue', '-u', 'server', '-o', at('none'))).err, /A server has no name; give a host name/)
  assert.match((await bad('issue', '-u', 'client', '-n', 'a b', '-o', at('none'))).err, /is no name of a certificate/)
  assert.match((await bad('issue', '-u', 'client', '-n', 'x.example', '-o', at('a'))).err, /a\.crt is there already/)
  assert.match((await bad('renew', 'ff00', '-o', at('none'))).err, /There is no certificate ff00 here/)
  assert.match((await bad('revoke', 'ff00', '--reason', 'lost')).err, /Allowed choices are/)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('none')),
    [],
    'no key is left behind',
  )
  const trust = await bad('trust', '--out', at('trust.pem'))
  assert.match(trust.err, /NODE_EXTRA_CA_CERTS=.*trust\.pem[^]*The key of the root is on this machine/)
  assert.equal(readFileSync(at('trust.pem'), 'utf8'), readFileSync(gateway.caFile, 'utf8'))
})

test('a list that is gone is told to the operator once, and whoever asks too often waits', async () => {
  const list = at('state/authority/issuer/root.crl')
  renameSync(list, at('root.crl'))
  const statuses = new Map<number, number>()
  for (let round = 0; round < 30 && !statuses.has(429); round++) {
    const asked = Array.from({ length: 100 }, () =>
      fetch(`${pki}/pki/root.crl`, { method: 'HEAD' }).catch(() => undefined),
    )
    for (const answer of await Promise.all(asked))
      if (answer) statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
  }
  renameSync(at('root.crl'), list)
  assert.deepEqual(new Set(statuses.keys()), new Set([500, 429]))
  assert.equal(gateway.logged.filter((line) => line.includes('what is revoked could not be told')).length, 1)
})

test('a client renews, and the gateway starts and issues without the key of the root', async () => {
  const { serial } = await issue('b')
  await gateway.close()
  renameSync(at('state/authority/issuer/root.key'), at('root.key'))
  gateway = await start(false)
  const renewed = await run('cert', 'renew', serial, '--out', at('c'), '--expires', '2d')
  assert.equal(renewed.status, 0, renewed.err)
  assert.partialDeepStrictEqual(await listed(renewed.out), {
    replaces: serial,
    names: ['uri:spiffe://example.org/agents/b'],
  })
  const certificate = { cert: readFileSync(at('c.crt'), 'utf8'), key: readFileSync(at('c.key'), 'utf8') }
  const call = async () => (await callTool(gateway, 'echo', {}, { token: null, certificate })).status
  assert.equal(await call(), 200)
  assert.equal((await run('cert', 'revoke', renewed.out)).status, 0)
  assert.equal(await call(), 401, 'where nothing is published too')
  assert.equal((await shake()).staple, undefined)
  const lost = await issue('lost')
  await gateway.close()
  // As a crash between the ledger and the news leaves it.
  const authority = await LocalAuthority.open({ folder: at('state/authority'), clock: systemClock })
  await authority.revoke(lost.serial, 'key-compromise', 'test', () => Promise.resolve())
  gateway = await start(false)
  assert.equal((await callTool(gateway, 'echo', {}, { token: null, certificate: lost.certificate })).status, 401)
  const intermediate = (await run('cert', 'list', '--json')).out
    .split('\n')
    .map((line) => JSON.parse(line))
    .find(({ use }) => use === 'authority')
  const refused = await run('cert', 'revoke', intermediate.serial)
  assert.equal(refused.status, 1)
  assert.match(refused.err, /The key of the root is not in authority\/issuer\/root\.key; .*bring it back/)
  renameSync(at('state/authority/issuer/ledger.jsonl'), at('ledger'))
  assert.match((await run('cert', 'list')).err, /lacks its ledger; restore it/)
  renameSync(at('ledger'), at('state/authority/issuer/ledger.jsonl'))
})
