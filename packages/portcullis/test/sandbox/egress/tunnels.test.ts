import assert from 'node:assert/strict'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, afterEach, describe, it } from 'node:test'
import { connect as startTls, createServer as createTlsServer } from 'node:tls'
import type { EgressAccess, NetworkRule } from '../../../src/sandbox/access.ts'
import { createTestIdentity } from '../../fixtures/certificate.ts'
import { clientHello } from './hello.ts'
import {
  exchange,
  eventually,
  listen,
  open,
  type SandboxSettings,
  socksRequest,
  startHost,
  startSandbox,
  talk,
  type TestSandbox,
  until,
} from './loopback.ts'

const PRIVATE = { privateAddresses: true } as const
const API: NetworkRule = { host: 'api.example.test', ports: [443], ...PRIVATE }
const HELLO = clientHello({ serverName: 'api.example.test' })

const host = await startHost((socket) => socket.on('data', () => socket.write('welcome')).on('end', () => socket.end()))
const toClose: (() => void)[] = []
afterEach(() => {
  for (const close of toClose.splice(0)) close()
})
after(() => host.close())

async function started(settings: Partial<SandboxSettings> = {}): Promise<TestSandbox> {
  const sandbox = await startSandbox({ allow: [API], dialPort: host.port, ...settings })
  toClose.push(sandbox.close)
  return sandbox
}

const connectTo = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`

/** A tunnel that the proxy has granted by name; what goes through it is still to be seen. */
async function tunnel(sandbox: TestSandbox, target = 'api.example.test:443') {
  const socket = await open(sandbox.proxyPort)
  socket.write(connectTo(target))
  assert.match(await until(socket, '\r\n\r\n'), /^HTTP\/1\.1 200 /)
  return socket
}

function query(name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)])
  return Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, 0, 1, 0, 1])])
}

/** As a program does it that knows no proxy: look up the name, connect to what it is told. */
async function transparently(sandbox: TestSandbox, name: string, port = 443) {
  return sandbox.toStandIn(sandbox.egress.answerDns(query(name))!.subarray(-4).join('.'), port)
}

describe('what is allowed', () => {
  it('CONNECT carries TLS to the host that was asked for, and is reported with what it carried', async () => {
    const sandbox = await started()
    const socket = await tunnel(sandbox)
    socket.write(HELLO)
    assert.equal(await until(socket, 'welcome'), 'welcome')
    assert.equal(sandbox.accesses.length, 0)
    socket.destroy()
    await eventually(() => sandbox.accesses.length > 0)
    const { durationMs, ...access } = sandbox.accesses[0] as EgressAccess
    assert.deepEqual(access, {
      ...{ kind: 'egress', allowed: true, host: 'api.example.test', port: 443, protocol: 'connect' },
      ...{ address: '127.0.0.1', sentBytes: HELLO.length, receivedBytes: 7 },
    })
    assert.ok(durationMs !== undefined && durationMs >= 0)
    assert.deepEqual([sandbox.dials, sandbox.resolved], [['127.0.0.1:443'], ['api.example.test']])
    assert.deepEqual(sandbox.egress.counters(), { sentBytes: HELLO.length, receivedBytes: 7, connections: 0 })
  })

  it('SOCKS does the same', async () => {
    const sandbox = await started()
    const socket = await open(sandbox.proxyPort)
    socket.write(socksRequest('api.example.test'))
    socket.write(HELLO)
    assert.equal(await until(socket, 'welcome'), '\x05\0\x05\0\0\x01\0\0\0\0\0\0welcome')
    socket.destroy()
    await eventually(() => sandbox.accesses.length > 0)
    assert.deepEqual([sandbox.accesses[0]!.protocol, sandbox.accesses[0]!.allowed], ['socks', true])
  })

  it('so does a connection to the address that stands for the name', async () => {
    const sandbox = await started()
    const socket = await transparently(sandbox, 'api.example.test')
    socket.write(HELLO)
    assert.equal(await until(socket, 'welcome'), 'welcome')
    socket.destroy()
    await eventually(() => sandbox.accesses.length > 0)
    assert.deepEqual([sandbox.accesses[0]!.protocol, sandbox.accesses[0]!.host], ['transparent', 'api.example.test'])
  })

  it('a program that looks up names itself may ask the proxy for a stand-in', async () => {
    const sandbox = await started()
    const address = sandbox.egress.answerDns(query('api.example.test'))!.subarray(-4)
    const bytes = Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 1]), address, Buffer.from([1, 187]), HELLO])
    const socket = await open(sandbox.proxyPort)
    socket.write(bytes)
    await until(socket, 'welcome')
    socket.destroy()
    await eventually(() => sandbox.accesses.length > 0)
    assert.equal(sandbox.accesses[0]!.host, 'api.example.test')
  })

  it('a hello in many small pieces arrives whole', async () => {
    const sandbox = await started()
    const socket = await tunnel(sandbox)
    const before = host.received().length
    const pieces = clientHello({ serverName: 'api.example.test', recordBytes: 20 })
    for (const byte of pieces) socket.write(Buffer.from([byte]))
    await until(socket, 'welcome')
    assert.equal(host.received().slice(before), pieces.toString('latin1'))
    socket.destroy()
  })

  it('real TLS with its certificate passes from end to end, and so does a megabyte each way', async () => {
    const identity = await createTestIdentity()
    const server = createTlsServer({ key: identity.key, cert: identity.cert }, (socket) => socket.pipe(socket))
    const port = await listen(server)
    const sandbox = await started({ allow: [{ host: 'localhost', ports: [443], ...PRIVATE }], dialPort: port })
    const socket = await tunnel(sandbox, 'localhost:443')
    const { readFileSync } = await import('node:fs')
    const tls = startTls({ socket, servername: 'localhost', ca: readFileSync(identity.caFile) })
    await once(tls, 'secureConnect')
    const payload = Buffer.alloc(1 << 20, 'x')
    let length = 0
    tls.on('data', (chunk: Buffer) => {
      length += chunk.length
    })
    tls.end(payload)
    await once(tls, 'end')
    assert.equal(length, payload.length)
    await eventually(() => sandbox.accesses.length > 0)
    const { sentBytes = 0, receivedBytes = 0, reason } = sandbox.accesses[0]!
    assert.ok(sentBytes > payload.length && receivedBytes > payload.length && reason === undefined)
    server.close()
    identity.remove()
  })

  it('a program that has sent everything still gets the answer', async () => {
    const late = await startHost((socket) => socket.on('end', () => socket.end('late answer')).resume())
    toClose.push(late.close)
    const sandbox = await started({ dialPort: late.port })
    const socket = await tunnel(sandbox)
    socket.end(HELLO)
    assert.equal(await until(socket, 'late answer'), 'late answer')
  })

  it('a slow reader gets everything from a host that has left', async () => {
    const big = Buffer.alloc(3_000_000, 'y')
    const quick = await startHost((socket) => socket.end(big))
    toClose.push(quick.close)
    const sandbox = await started({ dialPort: quick.port })
    const socket = await tunnel(sandbox)
    socket.write(HELLO)
    let length = 0
    for await (const chunk of socket) {
      length += (chunk as Buffer).length
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    assert.equal(length, big.length)
  })
})

interface Refusal {
  readonly title: string
  readonly reason: string
  readonly rule?: Partial<NetworkRule>
  readonly target?: string
  readonly bytes?: Buffer | string
  readonly resolve?: () => readonly string[]
}

const REFUSED_BY_NAME: readonly Refusal[] = [
  { title: 'another host', target: 'evil.test:443', reason: 'not-allowed' },
  { title: 'another port of an allowed host', target: 'api.example.test:22', reason: 'not-allowed' },
  { title: 'port 80 of a host allowed on 443', target: 'api.example.test:80', reason: 'not-allowed' },
  { title: 'an address', target: '127.0.0.1:443', reason: 'host' },
  { title: 'an IPv6 address', target: '[::1]:443', reason: 'host' },
  { title: 'no port', target: 'api.example.test', reason: 'protocol' },
  { title: 'port 0', target: 'api.example.test:0', reason: 'protocol' },
  { title: 'a port that wraps around', target: 'api.example.test:65979', reason: 'protocol' },
  { title: 'a name without an address', resolve: () => [], reason: 'unresolved' },
  { title: 'a name that leads to loopback', rule: { privateAddresses: false }, reason: 'address' },
  { title: 'a name that leads to metadata', resolve: () => ['169.254.169.254', 'fd00:ec2::254'], reason: 'address' },
  { title: 'a name that leads to mapped loopback', resolve: () => ['::ffff:127.0.0.1'], reason: 'address' },
  { title: 'a name that leads to 0.0.0.0', resolve: () => ['0.0.0.0'], reason: 'address' },
  { title: 'a name whose resolver answers with a name', resolve: () => ['localhost'], reason: 'address' },
]

for (const { title, reason, rule, target = 'api.example.test:443', resolve } of REFUSED_BY_NAME) {
  it(`CONNECT to ${title} is refused before anything is dialled`, async () => {
    const before = host.connections()
    const sandbox = await started({ allow: [{ ...API, ...rule }], ...(resolve && { resolve }) })
    const answer = await exchange(sandbox.proxyPort, connectTo(target) + HELLO.toString('latin1'))
    assert.match(answer, /^HTTP\/1\.1 (?:400|403|502) /)
    assert.match(answer, new RegExp(`\\(${reason}\\)\\n$`))
    assert.deepEqual(
      sandbox.accesses.map((access) => [access.allowed, access.reason]),
      [[false, reason]],
    )
    assert.deepEqual([sandbox.dials, host.connections()], [[], before])
  })
}

it('a target of sixty thousand digits does not hold up the gateway', async () => {
  const sandbox = await started()
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const answer = await exchange(sandbox.proxyPort, `CONNECT ${'1'.repeat(60_000)}x HTTP/1.1\r\nHost: x\r\n\r\n`)
  delay.disable()
  assert.match(answer, /\(protocol\)\n$/)
  // A search that starts anew at each digit takes seconds.
  assert.ok(delay.max < 1e9, `${delay.max / 1e6} ms`)
})

const REFUSED_BY_BYTES: readonly Refusal[] = [
  { title: 'the server name of another host', bytes: clientHello({ serverName: 'evil.test' }), reason: 'sni' },
  { title: 'a server name below the host', bytes: clientHello({ serverName: 'a.api.example.test' }), reason: 'sni' },
  {
    title: 'a server name with a dot at its end',
    bytes: clientHello({ serverName: 'api.example.test.' }),
    reason: 'sni',
  },
  { title: 'a server name with a NUL', bytes: clientHello({ serverName: 'api.example.test\0' }), reason: 'sni' },
  { title: 'TLS without a server name', bytes: clientHello({}), reason: 'no-sni' },
  { title: 'an address for a server name', bytes: clientHello({ serverName: '127.0.0.1' }), reason: 'sni' },
  {
    title: 'an encrypted hello under the right name',
    bytes: clientHello({ serverName: 'api.example.test', extensions: [[0xfe0d, Buffer.alloc(60)]] }),
    reason: 'ech',
  },
  { title: 'plain HTTP', bytes: 'GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n', reason: 'not-tls' },
  { title: 'SSH', bytes: 'SSH-2.0-OpenSSH_9.9\r\n', reason: 'not-tls' },
  { title: 'a tunnel, where a rule names methods', rule: { methods: ['GET'] }, bytes: HELLO, reason: 'method' },
]

const WAYS: Readonly<Record<string, (sandbox: TestSandbox) => Promise<Awaited<ReturnType<typeof open>>>>> = {
  CONNECT: (sandbox) => tunnel(sandbox),
  SOCKS: async (sandbox) => {
    const socket = await open(sandbox.proxyPort)
    socket.write(socksRequest('api.example.test'))
    await until(socket, '\0\0\0\0\0\0')
    return socket
  },
  'a stand-in': (sandbox) => transparently(sandbox, 'api.example.test'),
}

for (const [way, begin] of Object.entries(WAYS)) {
  for (const { title, bytes = '', reason, rule } of REFUSED_BY_BYTES) {
    it(`${title} is cut off by ${way}, and nothing is dialled`, async () => {
      const before = host.connections()
      const sandbox = await started({ allow: [{ ...API, ...rule }] })
      assert.equal(await talk(await begin(sandbox), bytes), '')
      assert.deepEqual(
        sandbox.accesses.map((access) => [access.allowed, access.reason]),
        [[false, reason]],
      )
      assert.deepEqual([sandbox.dials, host.connections()], [[], before])
    })
  }
}

describe('addresses', () => {
  it('a name that changes its address after the check is dialled where it was checked', async () => {
    const answers = [['203.0.113.7'], ['127.0.0.1'], ['127.0.0.1']]
    const sandbox = await started({ allow: [{ ...API, privateAddresses: false }], resolve: () => answers.shift()! })
    const socket = await tunnel(sandbox)
    socket.write(HELLO)
    await until(socket, 'welcome')
    assert.deepEqual([sandbox.dials, sandbox.resolved], [['203.0.113.7:443'], ['api.example.test']])
    socket.destroy()
  })

  it('of several addresses only those are dialled that may be', async () => {
    const resolve = () => ['10.0.0.1', '::1', '169.254.169.254', '203.0.113.7', '64:ff9b::7f00:1']
    const sandbox = await started({ allow: [{ ...API, privateAddresses: false }], resolve })
    const socket = await tunnel(sandbox)
    socket.write(HELLO)
    await until(socket, 'welcome')
    assert.deepEqual(sandbox.dials, ['203.0.113.7:443'])
    socket.destroy()
  })

  it('metadata stays closed where private addresses are open', async () => {
    const sandbox = await started({ resolve: () => ['169.254.169.254', 'fe80::1', '100.100.100.200'] })
    assert.match(await exchange(sandbox.proxyPort, connectTo('api.example.test:443')), /\(address\)/)
    assert.deepEqual(sandbox.dials, [])
  })

  it('a host that does not answer is reported as such, and its tunnel closed', async () => {
    const closed = await startHost()
    closed.close()
    const sandbox = await started({ dialPort: closed.port })
    assert.equal(await talk(await tunnel(sandbox), HELLO), '')
    assert.deepEqual(
      sandbox.accesses.map((access) => [access.allowed, access.reason]),
      [[true, 'unreachable']],
    )
  })
})

describe('SOCKS', () => {
  const BAD: Readonly<Record<string, readonly [bytes: Buffer, answer: string]>> = {
    BIND: [socksRequest('api.example.test', 443, 2), '\x05\0\x05\x07'],
    'UDP ASSOCIATE': [socksRequest('api.example.test', 443, 3), '\x05\0\x05\x07'],
    'an unknown kind of address': [Buffer.from([5, 1, 0, 5, 1, 0, 9, 1, 1, 1]), '\x05\0\x05\x07'],
    'a reserved byte that is not zero': [Buffer.from([5, 1, 0, 5, 1, 1, 3]), '\x05\0\x05\x07'],
    'another version in the request': [Buffer.from([5, 1, 0, 4, 1, 0, 3]), '\x05\0\x05\x07'],
    'a password only': [Buffer.from([5, 1, 2]), '\x05\xff'],
    'no method': [Buffer.from([5, 0]), '\x05\xff'],
    'an IPv4 address': [Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 1, 187]), '\x05\0\x05\x02'],
    'an IPv6 address': [Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 4]), Buffer.alloc(18, 1)]), '\x05\0\x05\x02'],
    'another port': [socksRequest('api.example.test', 22), '\x05\0\x05\x02'],
    'SOCKS 4': [Buffer.from([4, 1, 1, 187, 127, 0, 0, 1, 0]), 'HTTP/1.1 400'],
  }
  for (const [title, [bytes, answer]] of Object.entries(BAD)) {
    it(`${title} is refused, reported and goes nowhere`, async () => {
      const sandbox = await started()
      assert.ok((await exchange(sandbox.proxyPort, bytes)).startsWith(answer))
      assert.deepEqual(
        [sandbox.dials, sandbox.resolved, sandbox.accesses.map(({ allowed }) => allowed)],
        [[], [], [false]],
      )
    })
  }
})

it('a connection to an address that stands for no name is refused', async () => {
  const sandbox = await started()
  assert.equal(await talk(await sandbox.toStandIn('198.18.77.7', 443), HELLO), '')
  assert.deepEqual(
    sandbox.accesses.map((access) => [access.host, access.protocol, access.reason]),
    [['198.18.77.7', 'transparent', 'host']],
  )
  assert.deepEqual(sandbox.dials, [])
})

it('a stand-in opens no port that the rule does not', async () => {
  const sandbox = await started()
  assert.equal(await talk(await transparently(sandbox, 'api.example.test', 22), HELLO), '')
  assert.deepEqual([sandbox.accesses[0]!.reason, sandbox.dials], ['not-allowed', []])
})
