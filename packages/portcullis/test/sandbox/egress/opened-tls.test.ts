import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { after, afterEach, it } from 'node:test'
import { connect as startTls, type TLSSocket } from 'node:tls'
import { Secret } from '../../../src/core/secret.ts'
import { issueAuthority, issueServer } from '../../../src/pki/issue.ts'
import type { NetworkRule, TlsAuthority } from '../../../src/sandbox/access.ts'
import { Egress } from '../../../src/sandbox/egress/egress.ts'
import {
  closed,
  eventually,
  listen,
  open,
  type SandboxSettings,
  startSandbox,
  talk,
  type TestSandbox,
  until,
} from './loopback.ts'

const now = Date.now()
const outside = await issueAuthority('the world outside', 1, now)
const inside = await issueAuthority('one sandbox', 1, now)

const seen: { readonly method: string; readonly url: string; readonly rawHeaders: readonly string[] }[] = []
let handshakes = 0
const { certificate, key } = await issueServer(outside, ['api.test'], 1, now)
const server = createServer({ cert: certificate, key }, (request, response) => {
  seen.push({ method: request.method!, url: request.url!, rawHeaders: request.rawHeaders })
  request.resume().on('end', () => response.end(`seen ${request.headers.host}`))
}).on('secureConnection', () => handshakes++)
const port = await listen(server)

let minted: string[] = []
const authority: TlsAuthority = {
  certificate: inside.certificate,
  mintLeaf: async (host) => {
    minted.push(host)
    return issueServer(inside, [host], 1, now)
  },
}

const RULE: NetworkRule = { host: 'api.test', ports: [443], privateAddresses: true, openTls: true }
const toClose: (() => void)[] = []
afterEach(() => {
  for (const close of toClose.splice(0)) close()
  seen.length = 0
  handshakes = 0
  minted = []
})
after(() => {
  server.closeAllConnections()
  server.close()
})

async function started(settings: Partial<SandboxSettings> = {}): Promise<TestSandbox> {
  const trust = [outside.certificate]
  const sandbox = await startSandbox({ allow: [RULE], dialPort: port, authority, trust, ...settings })
  toClose.push(sandbox.close)
  return sandbox
}

/** TLS as a program inside does it, which trusts the authority of its sandbox and no other. */
async function secure(sandbox: TestSandbox, servername = 'api.test'): Promise<TLSSocket> {
  const socket = await open(sandbox.proxyPort)
  socket.write('CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n')
  await until(socket, '\r\n\r\n')
  return startTls({ socket, servername, ca: [inside.certificate], ALPNProtocols: ['h2', 'http/1.1'] })
}

const get = (path: string, host = 'api.test', more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`

it('a program trusts the leaf of its own authority, and the host is asked over TLS that proves its name', async () => {
  const sandbox = await started()
  assert.equal(sandbox.egress.authority, inside.certificate)
  const tls = await secure(sandbox)
  await once(tls, 'secureConnect')
  assert.deepEqual([tls.getPeerCertificate().issuer.CN, tls.alpnProtocol], ['one sandbox', 'http/1.1'])
  assert.match(await talk(tls, get('/x')), /seen api\.test$/)
  await eventually(() => sandbox.accesses.length > 0)
  const { allowed, protocol, address, sentBytes = 0, receivedBytes = 0, reason } = sandbox.accesses[0]!
  assert.deepEqual([allowed, protocol, address, reason], [true, 'connect', '127.0.0.1', undefined])
  assert.ok(sentBytes > 200 && receivedBytes > 200)
  await eventually(() => sandbox.egress.counters().connections === 0)
})

it('requests share one connection to the host, and one leaf serves all connections', async () => {
  const sandbox = await started()
  for (let turn = 0; turn < 2; turn++) {
    const tls = await secure(sandbox)
    for (const path of ['/1', '/2']) {
      tls.write(`GET ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`)
      await until(tls, 'seen')
    }
    tls.destroy()
  }
  assert.deepEqual([handshakes, seen.length, minted, sandbox.dials.length], [2, 4, ['api.test'], 2])
})

it('the credential goes to the host, and the program cannot see or replace it', async () => {
  const inject = { name: 'authorization', value: new Secret('Bearer s3cret-value') }
  const sandbox = await started({ allow: [{ ...RULE, inject }] })
  const answer = await talk(await secure(sandbox), get('/', 'api.test', 'Authorization: Bearer forged\r\n'))
  const values = seen[0]!.rawHeaders.filter((_, at, all) => all[at - 1]?.toLowerCase() === 'authorization')
  assert.deepEqual(values, ['Bearer s3cret-value'])
  assert.ok(!answer.includes('s3cret'))
})

const REFUSED: readonly {
  readonly title: string
  readonly bytes: string
  readonly rule?: Partial<NetworkRule>
  readonly reason: string
}[] = [
  { title: 'another Host', bytes: get('/', 'evil.test'), reason: 'host-header' },
  { title: 'an absolute URL', bytes: get('http://evil.test/', 'api.test'), reason: 'protocol' },
  { title: 'a method that is not named', rule: { methods: ['HEAD'] }, bytes: get('/'), reason: 'method' },
  { title: 'TRACE', bytes: get('/').replace('GET', 'TRACE'), reason: 'method' },
  { title: 'what is not HTTP', bytes: 'SSH-2.0-x\r\n\r\n', reason: 'protocol' },
]

for (const { title, bytes, rule, reason } of REFUSED) {
  it(`inside of opened TLS ${title} is refused, and nothing is dialled`, async () => {
    const sandbox = await started({ allow: [{ ...RULE, ...rule }] })
    assert.match(await talk(await secure(sandbox), bytes), /^HTTP\/1\.1 40[03] /)
    assert.deepEqual(
      sandbox.accesses.map((access) => [access.allowed, access.reason, access.host]),
      [[false, reason, 'api.test']],
    )
    assert.deepEqual([sandbox.dials, seen], [[], []])
  })
}

it('another server name is cut off before a leaf is made for it', async () => {
  const sandbox = await started()
  const tls = await secure(sandbox, 'evil.test')
  tls.on('error', () => {})
  await closed(tls)
  assert.deepEqual([minted, sandbox.dials, sandbox.accesses[0]!.reason], [[], [], 'sni'])
})

it('a program that does not trust the leaf leaves without a request, and that is told', async () => {
  const sandbox = await started()
  const socket = await open(sandbox.proxyPort)
  socket.write('CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n')
  await until(socket, '\r\n\r\n')
  const tls = startTls({ socket, servername: 'api.test', ca: [outside.certificate] })
  tls.on('error', () => {})
  await closed(tls)
  await eventually(() => sandbox.accesses.length > 0)
  assert.deepEqual([sandbox.accesses[0]!.host, sandbox.dials], ['api.test', []])
  await eventually(() => sandbox.egress.counters().connections === 0)
})

const UNPROVEN: Readonly<Record<string, Partial<SandboxSettings>>> = {
  'by an authority that is not trusted': { trust: [inside.certificate] },
  'for another name': { allow: [{ ...RULE, host: 'other.test' }] },
}

for (const [title, settings] of Object.entries(UNPROVEN)) {
  it(`a host with a certificate ${title} gets no request`, async () => {
    const sandbox = await started(settings)
    const name = settings.allow?.[0]!.host ?? 'api.test'
    const socket = await open(sandbox.proxyPort)
    socket.write(`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}:443\r\n\r\n`)
    await until(socket, '\r\n\r\n')
    const tls = startTls({ socket, servername: name, ca: [inside.certificate] })
    assert.match(await talk(tls, get('/', name)), /^HTTP\/1\.1 502 [^]*\(certificate\)/)
    assert.deepEqual([seen, sandbox.accesses[0]!.reason], [[], 'certificate'])
  })
}

it('a leaf that cannot be made ends the connection', async () => {
  const failing = { ...authority, mintLeaf: () => Promise.reject(new Error('no key')) }
  const sandbox = await started({ authority: failing })
  const tls = await secure(sandbox)
  tls.on('error', () => {})
  await closed(tls)
  assert.deepEqual([sandbox.accesses[0]!.allowed, sandbox.accesses[0]!.reason, sandbox.dials], [false, 'internal', []])
})

it('closing cuts opened connections too', async () => {
  const sandbox = await started()
  const tls = await secure(sandbox)
  tls.on('error', () => {})
  tls.write('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n')
  await until(tls, 'seen')
  sandbox.egress.close()
  await closed(tls)
  await eventually(() => sandbox.egress.counters().connections === 0)
})

it('a rule that opens TLS needs an authority, and without such a rule there is none to trust', () => {
  const access = { mode: 'explicit', maxBytes: 1, maxConnections: 1, connectTimeoutMs: 1, idleTimeoutMs: 1 } as const
  assert.throws(() => new Egress({ ...access, allow: [RULE] }, { onAccess: () => {} }), {
    code: 'sandbox.start_failed',
  })
  const allow = [{ host: 'api.test', ports: [443] }]
  const plain = new Egress({ ...access, allow, authority }, { onAccess: () => {} })
  assert.equal(plain.authority, undefined)
})
