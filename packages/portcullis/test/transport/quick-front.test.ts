import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { systemClock } from '../../src/core/clock.ts'
import type { Answer, Exchange } from '../../src/core/exchange.ts'
import { Listener, type ListenerLimits } from '../../src/transport/listener.ts'

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

async function connected(t: TestContext, serve: Serve = echo, limits: Partial<ListenerLimits> = {}) {
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
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
})
