import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, afterEach, describe, it } from 'node:test'
import type { NetworkRule } from '../../../src/sandbox/access.ts'
import { clientHello } from './hello.ts'
import {
  closed,
  eventually,
  exchange,
  listen,
  open,
  type SandboxSettings,
  startHost,
  startSandbox,
  talk,
  type TestSandbox,
  until,
} from './loopback.ts'

const RULE: NetworkRule = { host: 'api.test', ports: [80, 443], privateAddresses: true }
const HELLO = clientHello({ serverName: 'api.test' })

const host = await startHost((socket) => socket.pipe(socket))
const toClose: (() => void)[] = []
afterEach(() => {
  for (const close of toClose.splice(0)) close()
})
after(() => host.close())

async function started(settings: Partial<SandboxSettings> = {}): Promise<TestSandbox> {
  const sandbox = await startSandbox({ allow: [RULE], dialPort: host.port, ...settings })
  toClose.push(sandbox.close)
  return sandbox
}

async function tunnel(sandbox: TestSandbox) {
  const socket = await open(sandbox.proxyPort)
  socket.write('CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n')
  await until(socket, '\r\n\r\n')
  return socket
}

/** A tunnel that has carried its first bytes both ways. */
async function used(sandbox: TestSandbox) {
  const socket = await tunnel(sandbox)
  socket.write(HELLO)
  let length = 0
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length
    if (length === HELLO.length) return socket
  }
  throw new Error('closed')
}

describe('bytes', () => {
  it('are counted both ways over all connections, and the piece that exceeds them does not pass', async () => {
    const maxBytes = 5 * HELLO.length
    const sandbox = await started({ maxBytes })
    const before = host.received().length
    const first = await used(sandbox)
    const second = await used(sandbox)
    // One hello is left, and this is more.
    assert.equal(await talk(first, Buffer.concat([HELLO, HELLO.subarray(0, 2)])), '')
    assert.equal(host.received().length - before, 2 * HELLO.length)
    assert.equal(sandbox.egress.counters().sentBytes, 2 * HELLO.length)
    // And the other connection is over with its next byte.
    assert.equal(await talk(second, 'x'), '')
    assert.deepEqual(
      sandbox.accesses.map((access) => [access.allowed, access.reason, access.sentBytes]),
      [
        [true, 'quota', HELLO.length],
        [true, 'quota', HELLO.length],
      ],
    )
  })

  it('that are used up refuse whatever comes next, without a look-up', async () => {
    const sandbox = await started({ maxBytes: 2 * HELLO.length })
    const socket = await used(sandbox)
    const get = 'GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n'
    assert.match(await exchange(sandbox.proxyPort, get), /\(quota\)/)
    assert.match(await exchange(sandbox.proxyPort, 'CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\n\r\n'), /\(quota\)/)
    assert.deepEqual([sandbox.resolved.length, sandbox.dials.length], [1, 1])
    socket.destroy()
  })

  it('end an answer of HTTP in the middle as well', async () => {
    const server = createServer((_request, response) => response.end(Buffer.alloc(1_000_000)))
    const sandbox = await started({ maxBytes: 200_000, dialPort: await listen(server) })
    const answer = await exchange(
      sandbox.proxyPort,
      'GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n',
    )
    assert.ok(answer.length < 201_000 && answer.includes('1000000'))
    const { sentBytes, receivedBytes } = sandbox.egress.counters()
    assert.ok(sentBytes + receivedBytes <= 200_000)
    await eventually(() => sandbox.accesses.length > 0)
    assert.deepEqual([sandbox.accesses[0]!.allowed, sandbox.accesses[0]!.reason], [true, 'quota'])
    server.closeAllConnections()
    server.close()
  })
})

describe('connections', () => {
  it('above the limit are closed, reported once, and do not disturb the others', async () => {
    const sandbox = await started({ maxConnections: 3 })
    const sockets = [await used(sandbox), await used(sandbox), await used(sandbox)]
    assert.equal(sandbox.egress.counters().connections, 3)
    for (let turn = 0; turn < 50; turn++) {
      const socket = await open(sandbox.proxyPort)
      await closed(socket.resume())
    }
    assert.deepEqual(
      sandbox.accesses.map(({ reason }) => reason),
      ['connections'],
    )
    sockets[0]!.write('y')
    await until(sockets[0]!, 'y')
    sockets[1]!.destroy()
    await eventually(() => sandbox.egress.counters().connections === 2)
    const next = await used(sandbox)
    for (const socket of [...sockets, next]) socket.destroy()
  })

  it('that ask for nothing allowed take their turn when they come too fast, and are reported at once', async () => {
    const sandbox = await started({ clock: { now: () => 0 } })
    const asking = 'CONNECT evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n'
    const answered = Array.from({ length: 30 }, () => exchange(sandbox.proxyPort, asking))
    await eventually(() => sandbox.accesses.length === 30)
    assert.ok(sandbox.egress.counters().connections >= 10, 'those that came too fast keep their places')
    assert.ok((await Promise.all(answered)).every((answer) => answer.endsWith('(not-allowed)\n')))
    assert.equal(sandbox.accesses.length, 30)
  })

  it('that a slow resolver refuses are reported with the time that it took', async () => {
    const clock = { at: 1_000, now: () => clock.at }
    const slow = Promise.withResolvers<readonly string[]>()
    const sandbox = await started({ clock, resolve: () => slow.promise })
    const answer = exchange(sandbox.proxyPort, 'CONNECT api.test:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    await eventually(() => sandbox.resolved.length === 1)
    clock.at += 700
    slow.resolve([])
    assert.match(await answer, /\(unresolved\)/)
    assert.deepEqual(
      sandbox.accesses.map(({ reason, durationMs }) => [reason, durationMs]),
      [['unresolved', 700]],
    )
  })
})

describe('time', () => {
  it('without a byte ends a tunnel', async () => {
    const sandbox = await started({ idleTimeoutMs: 50 })
    const socket = await used(sandbox)
    await closed(socket.resume())
    assert.deepEqual(
      sandbox.accesses.map(({ allowed, reason }) => [allowed, reason]),
      [[true, 'idle']],
    )
  })

  it('without a first byte ends a connection to the proxy', async () => {
    const sandbox = await started({ idleTimeoutMs: 50 })
    await closed((await open(sandbox.proxyPort)).resume())
    assert.deepEqual([sandbox.accesses, sandbox.dials], [[], []])
  })

  for (const [title, bytes] of [
    ['half a request', 'GET http://api.test/ HTTP/1.1\r\nHost: api'],
    ['half a greeting of SOCKS', '\x05\x02\0'],
  ] as const) {
    it(`${title} is not waited for`, async () => {
      const sandbox = await started({ idleTimeoutMs: 50, connectTimeoutMs: 50 })
      const socket = await open(sandbox.proxyPort)
      socket.write(bytes)
      await closed(socket.resume())
      assert.deepEqual(sandbox.dials, [])
    })
  }

  it('half a hello is not waited for, and nothing is dialled', async () => {
    const sandbox = await started({ connectTimeoutMs: 50 })
    assert.equal(await talk(await tunnel(sandbox), HELLO.subarray(0, 50)), '')
    assert.deepEqual([sandbox.accesses[0]!.reason, sandbox.dials], ['timeout', []])
  })

  it('a resolver that never answers is not waited for, and cannot be asked without end', async () => {
    const sandbox = await started({
      allow: [{ ...RULE, host: '*.api.test' }],
      connectTimeoutMs: 50,
      resolve: () => new Promise(() => {}),
      clock: { now: () => (time += 1_000) },
    })
    let time = 0
    const asked = Array.from({ length: 80 }, (_, at) =>
      exchange(sandbox.proxyPort, `CONNECT n${at % 60}.api.test:443 HTTP/1.1\r\nHost: x\r\n\r\n`),
    )
    const answers = await Promise.all(asked)
    assert.ok(answers.slice(0, 60).every((answer) => /timeout|^$/.test(answer)))
    // One look-up at a time: the threads that do them belong to everyone.
    assert.equal(sandbox.resolved.length, 1)
    assert.deepEqual(sandbox.dials, [])
  })
})

it('a host that is not read from by the program is not read from by the egress', async () => {
  let written = 0
  const flood = await startHost((socket) => {
    const write = () => {
      do written += 65_536
      while (socket.write(Buffer.alloc(65_536)))
    }
    socket.on('drain', write)
    write()
  })
  toClose.push(flood.close)
  const sandbox = await started({ dialPort: flood.port })
  const socket = await tunnel(sandbox)
  socket.pause()
  socket.write(HELLO)
  let before = -1
  while (before !== written) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  // Buffers of the kernel, on both sides, and 64 KiB here and there.
  assert.ok(sandbox.egress.counters().receivedBytes < 16_000_000)
  socket.destroy()
})

it('closing cuts every connection, answers no name and takes no one new; twice is the same', async () => {
  const sandbox = await started()
  const socket = await used(sandbox)
  sandbox.egress.close()
  sandbox.egress.close()
  await closed(socket.resume())
  await assert.rejects(open(sandbox.proxyPort))
  assert.equal(sandbox.egress.answerDns(Buffer.alloc(12)), undefined)
  assert.equal(sandbox.egress.counters().connections, 0)
  await eventually(() => sandbox.accesses.length === 1)
})
