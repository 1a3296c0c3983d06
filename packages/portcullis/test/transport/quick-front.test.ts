import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import type { Answer, Exchange } from '../../src/core/exchange.ts'
import { Listener } from '../../src/transport/listener.ts'
import type { ListenerLimits } from '../../src/transport/listener-options.ts'
import { QuickFront } from '../../src/transport/quick-front.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'

const LIMITS: ListenerLimits = {
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  keepAliveTimeoutMs: 5_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxRequestsPerSocket: 1_000,
  maxConnections: 100,
}

type Serve = (exchange: Exchange) => Promise<Answer>

/** Tells what it has read. */
const echo: Serve = async ({ head, body }) => {
  const read = await body.read(1_000_000)
  return { status: 200, document: { method: head.method, path: head.path, body: read.toString() } }
}

async function connected(
  t: TestContext,
  serve: Serve = echo,
  limits: Partial<ListenerLimits> = {},
  tls?: { readonly key: string; readonly cert: string },
) {
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    ...(tls && { tls }),
    limits: { ...LIMITS, ...limits },
    clock: systemClock,
    keepAliveMs: 50,
    serve,
    journal: () => undefined,
  })
  const port = await listener.listen()
  const client = new Client(connect(port, '127.0.0.1'))
  t.after(async () => {
    client.socket.destroy()
    await listener.close(0)
  })
  await once(client.socket, 'connect')
  return { client, listener }
}

class Client {
  text = ''
  ended = false
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => (this.text += chunk.toString()))
    socket.on('close', () => (this.ended = true))
    socket.on('error', () => {})
  }

  async until(test: (text: string) => boolean): Promise<string> {
    while (!test(this.text)) {
      assert.ok(!this.ended || test(this.text), `the connection ended after: ${this.text}`)
      await setTimeout(2)
    }
    return this.text
  }

  bodies(): readonly string[] {
    return Array.from(this.text.matchAll(/"body":"([^"]*)"/g), ([, body]) => body as string)
  }
}

const post = (body: string, more = '') =>
  `POST /mcp HTTP/1.1\r\nHost: a\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

describe('a connection', () => {
  it('is answered request by request', async (t) => {
    const { client } = await connected(t)
    for (const body of ['one', 'two', 'three']) {
      client.socket.write(post(body))
      await client.until(() => client.bodies().at(-1) === body)
    }
    assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(client.text, /\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/)
  })

  it('is answered in order when requests do not wait for answers', async (t) => {
    let turn = 3
    const { client } = await connected(t, async (exchange) => {
      await setTimeout(10 * turn--)
      return echo(exchange)
    })
    client.socket.write(post('one') + post('two') + post('three'))
    await client.until(() => client.bodies().length === 3)
    assert.deepEqual(client.bodies(), ['one', 'two', 'three'])
  })

  it('may bring head and body apart, and both in small pieces', async (t) => {
    const { client } = await connected(t)
    const text = post('in pieces')
    client.socket.write(text.slice(0, text.indexOf('\r\n\r\n') + 4))
    await setImmediate()
    client.socket.write('in pieces')
    await client.until(() => client.bodies().length === 1)
    for (const char of post('in letters')) {
      client.socket.write(char)
      await setImmediate()
    }
    await client.until(() => client.bodies().length === 2)
    assert.deepEqual(client.bodies(), ['in pieces', 'in letters'])
  })

  it('may bring anything else in between, and nothing is lost', async (t) => {
    const { client } = await connected(t)
    const chunked = 'POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nparts\r\n0\r\n\r\n'
    client.socket.write(post('one') + chunked + post('three'))
    await client.until(() => client.bodies().length === 3)
    client.socket.write('GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until((text) => text.includes('"method":"GET"'))
    client.socket.write(post('four'))
    await client.until(() => client.bodies().length === 5)
    assert.deepEqual(client.bodies(), ['one', 'parts', 'three', '', 'four'])
  })

  it('is refused and ended with what is no HTTP', async (t) => {
    const { client } = await connected(t)
    client.socket.write(`${post('one')}NOT HTTP\r\n\r\n`)
    await client.until((text) => text.includes('400 Bad Request'))
    await client.until(() => client.ended)
    assert.deepEqual(client.bodies(), ['one'])
  })

  it('ends when nothing comes', async (t) => {
    const { client } = await connected(t, echo, { headersTimeoutMs: 30 })
    await client.until(() => client.ended)
    assert.equal(client.text, '')
  })

  it('ends when no further request comes, and not while a call takes long', async (t) => {
    const slow: Serve = async (exchange) => {
      await setTimeout(120)
      return echo(exchange)
    }
    const { client } = await connected(t, slow, { keepAliveTimeoutMs: 40 })
    client.socket.write(post('slow'))
    await client.until(() => client.ended)
    assert.deepEqual(client.bodies(), ['slow'])
  })

  it('ends after as many requests as one may bring', async (t) => {
    const { client } = await connected(t, echo, { maxRequestsPerSocket: 2 })
    client.socket.write(post('one') + post('two') + post('three'))
    await client.until(() => client.ended)
    assert.deepEqual(client.bodies(), ['one', 'two'])
    assert.match(client.text, /\r\nconnection: close\r\n/)
  })

  it('tells a call that its client has left', async (t) => {
    const reasons: string[] = []
    const begun = Promise.withResolvers<void>()
    const { client } = await connected(t, ({ departure }) => {
      departure.onCancel((reason) => reasons.push(reason))
      begun.resolve()
      return new Promise(() => {})
    })
    client.socket.write(post('one'))
    await begun.promise
    client.socket.destroy()
    while (reasons.length === 0) await setTimeout(2)
    assert.deepEqual(reasons, ['client-left'])
  })

  it('becomes a stream when a message precedes the answer, and is kept for the next request', async (t) => {
    const { client } = await connected(t, async ({ body, outlet }) => {
      if ((await body.read(100)).toString() === 'plain') return { status: 200, document: { body: 'plain' } }
      await outlet.send({ jsonrpc: '2.0', method: 'notifications/message' })
      await setTimeout(120)
      return { status: 200, message: { jsonrpc: '2.0', id: 1, result: {} } }
    })
    client.socket.write(post('stream'))
    const text = await client.until((read) => read.includes('\r\n0\r\n\r\n'))
    assert.match(text, /content-type: text\/event-stream/i)
    assert.match(text, /notifications\/message[^]*\n: *\n[^]*"result":\{\}/, 'with a beat in between')
    client.socket.write(post('plain'))
    await client.until(() => client.bodies().length === 1)
  })

  it('ends without an answer when a header of it could begin another one', async (t) => {
    const { client } = await connected(t, async () => ({
      status: 200,
      headers: { 'x-one': 'a\r\nx-two: b' },
      document: {},
    }))
    client.socket.write(post('one'))
    await client.until(() => client.ended)
    assert.equal(client.text, '')
  })

  it('becomes a stream that goes on after its client has not read for a while', async (t) => {
    const large = 'x'.repeat(500_000)
    const { client } = await connected(t, async ({ body, outlet }) => {
      await body.read(100)
      for (let count = 0; count < 20; count++)
        await outlet.send({ jsonrpc: '2.0', method: 'notifications/message', params: { large } })
      return { status: 200, message: { jsonrpc: '2.0', id: 1, result: {} } }
    })
    client.socket.pause()
    client.socket.write(post('stream'))
    await setTimeout(50)
    client.socket.resume()
    const text = await client.until((read) => read.endsWith('\r\n0\r\n\r\n'))
    assert.equal(text.split('notifications/message').length, 21)
  })

  it('ends without an answer when a header of a stream could begin another one', async (t) => {
    const { client } = await connected(t, async ({ outlet }) => {
      outlet.announce?.({ 'x-one': 'a\r\nx-two: b' })
      try {
        await outlet.send({ jsonrpc: '2.0', method: 'notifications/message' })
      } catch {
        // The pipeline makes an answer of everything that is thrown.
      }
      return { status: 200, message: { jsonrpc: '2.0', id: 1, result: {} } }
    })
    client.socket.write(post('one'))
    await client.until(() => client.ended)
    assert.equal(client.text, '')
  })

  it('carries out nothing after its last answer', async (t) => {
    const served: string[] = []
    const { client } = await connected(
      t,
      async (exchange) => {
        served.push((await exchange.body.read(100)).toString())
        return echo(exchange)
      },
      { maxRequestsPerSocket: 2 },
    )
    client.socket.allowHalfOpen = true
    client.socket.write(post('one'))
    await client.until(() => client.bodies().length === 1)
    client.socket.write(post('two'))
    await client.until(() => client.bodies().length === 2)
    client.socket.end(post('three'))
    await client.until(() => client.ended)
    assert.deepEqual(served, ['one', 'two'])
  })

  it('may bring a body byte by byte, up to as much as is allowed', async (t) => {
    const sizes: number[] = []
    const { client } = await connected(t, async ({ body }) => {
      const read = await body.read(5_000)
      sizes.push(read.length)
      return { status: 200, document: { body: read.subarray(-3).toString() } }
    })
    const chunked = (length: number) =>
      `POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(length - 1)}1\r\nb\r\n0\r\n\r\n`
    client.socket.write(chunked(5_000))
    await client.until(() => client.bodies().length === 1)
    client.socket.write(chunked(5_001))
    await client.until(() => client.ended)
    assert.deepEqual([sizes, client.bodies()], [[5_000], ['aab']])
  })

  it('has its head read once, in however many pieces the body comes in one turn', () => {
    let readings = 0
    const bodies: string[] = []
    const front = new QuickFront({
      limits: {
        ...LIMITS,
        get maxHeaders() {
          readings++
          return 100
        },
      },
      now: Date.now,
      handle: ({ body }) => {
        bodies.push(body.toString())
        return { left: () => {} }
      },
      handOver: () => assert.fail('it is plain'),
    })
    const socket = new Socket()
    front.take(socket)
    socket.emit('data', Buffer.from(post('x'.repeat(5_000)).slice(0, -5_000)))
    for (let count = 0; count < 5_000; count++) socket.emit('data', Buffer.from('x'))
    socket.destroy()
    assert.deepEqual([bodies, readings], [['x'.repeat(5_000)], 1])
  })

  it('is read no further while its client does not read', async (t) => {
    let served = 0
    const large = 'x'.repeat(1_000_000)
    const { client } = await connected(t, async ({ body }) => {
      await body.read(100)
      served++
      return { status: 200, document: { large } }
    })
    client.socket.pause()
    for (let count = 0; count < 16; count++) client.socket.write(post('more'))
    await setTimeout(200)
    assert.ok(served < 8, `${served} were served`)
    client.socket.resume()
    await client.until((text) => text.split('HTTP/1.1 200').length > 16)
  })

  it('ends at once at the end of the listener, unless a call is under way', async (t) => {
    const go = Promise.withResolvers<void>()
    const { client, listener } = await connected(t, async (exchange) => {
      if (exchange.head.path === '/mcp') await go.promise
      return echo(exchange)
    })
    client.socket.write(post('under way'))
    await setTimeout(20)
    const closed = listener.close(2_000)
    await setTimeout(20)
    assert.equal(client.ended, false)
    go.resolve()
    await closed
    await client.until(() => client.ended)
    assert.deepEqual(client.bodies(), ['under way'])
  })

  it('is not waited for, and not served, at the end of the listener while it is in its handshake', async (t) => {
    const identity = await createTestIdentity()
    t.after(() => identity.remove())
    let served = 0
    const serve: Serve = (exchange) => {
      served++
      return echo(exchange)
    }
    const { key, cert } = identity
    const { client, listener } = await connected(t, serve, {}, { key, cert })
    await setTimeout(20)
    const closed = listener.close(20)
    await setTimeout(60)
    // Had it been let in now, a first byte would keep it open for ever.
    const late = connectTls({ socket: client.socket, rejectUnauthorized: false }, () => late.write(post('late')))
    late.on('error', () => {})
    await closed
    assert.equal(served, 0)
  })

  it('is not served once the listener is closing, whenever its handshake ends', async (t) => {
    const identity = await createTestIdentity()
    t.after(() => identity.remove())
    let served = 0
    const serve: Serve = (exchange) => {
      served++
      return echo(exchange)
    }
    const { key, cert } = identity
    const { client, listener } = await connected(t, serve, {}, { key, cert })
    await setTimeout(20)
    const closed = listener.close(5_000)
    const late = connectTls({ socket: client.socket, rejectUnauthorized: false }, () => late.write(post('late')))
    late.on('error', () => {})
    await closed
    assert.equal(served, 0)
  })
})
