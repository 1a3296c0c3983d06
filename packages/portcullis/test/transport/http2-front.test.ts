import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { HTTP2_FLOOD } from '../../src/traffic/flood.ts'
import { Allowance } from '../../src/transport/allowance.ts'
import { Http2Front, type Http2Limits, type Http2Request } from '../../src/transport/http2-front.ts'
import { http2Head } from '../../src/transport/http2-head.ts'

const LIMITS: Http2Limits = {
  ...HTTP2_FLOOD,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  keepAliveTimeoutMs: 5_000,
  maxRequestsPerSocket: 1_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
}

type Handle = (request: Http2Request) => (() => void) | void

/** A front over plain sockets, and a client of it. */
async function connected(t: TestContext, handle: Handle, limits: Partial<Http2Limits> = {}, gate?: Http2Gate) {
  const front = new Http2Front({
    limits: { ...LIMITS, ...limits },
    now: Date.now,
    lookMs: 10,
    gate,
    handle: (request) => ({ left: handle(request) ?? (() => {}) }),
  })
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    front.take(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  session.on('error', () => {})
  t.after(() => {
    session.destroy()
    for (const socket of sockets) socket.destroy()
    front.close()
    server.close()
  })
  await once(session, 'remoteSettings')
  return { front, session, sockets }
}

type Http2Gate = NonNullable<ConstructorParameters<typeof Http2Front>[0]['gate']>

const answer = ({ response }: Http2Request, body = '{}'): void => {
  response.writeHead(200, { 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function ask(session: ClientHttp2Session, method = 'POST', endStream = false): ClientHttp2Stream {
  const stream = session.request({ ':method': method, ':path': '/mcp', ':scheme': 'https' }, { endStream })
  stream.on('error', () => {})
  return stream
}

/** The code with which it closed. */
async function codeOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  stream.resume()
  if (!stream.destroyed) await new Promise<void>((resolve) => stream.once('close', resolve))
  return stream.rstCode
}

const CANCEL = 8
const REFUSED = 7
const CALM = 11

describe('a stream', () => {
  it('is given up when its body does not come', async (t) => {
    let left = 0
    const { session } = await connected(
      t,
      ({ body }) => {
        Promise.resolve(body.read(100)).catch(() => {})
        return () => void left++
      },
      { requestTimeoutMs: 30 },
    )
    assert.equal(await codeOf(ask(session)), CANCEL)
    assert.equal(left, 1)
  })

  const CUTS: Readonly<Record<string, (session: ClientHttp2Session) => void>> = {
    'its session ends': (session) => session.destroy(),
    'its socket is cut': (session) => session.socket.destroy(),
    'we give it up': () => {},
  }
  for (const [title, cut] of Object.entries(CUTS)) {
    it(`that is cut off has no body, whether it is read before or after: ${title}`, async (t) => {
      const requests: Http2Request[] = []
      const gone = Promise.withResolvers<void>()
      const reads: Promise<unknown>[] = []
      const read = ({ body }: Http2Request) =>
        Promise.resolve(body.read(100)).catch((fault: { code: string }) => fault.code)
      const { session } = await connected(
        t,
        (request) => {
          requests.push(request)
          if (requests.length === 1) reads.push(read(request))
          return () => gone.resolve()
        },
        { requestTimeoutMs: title === 'we give it up' ? 60 : 5_000 },
      )
      const streams = [ask(session), ask(session)]
      for (const stream of streams) stream.resume().write('{}')
      while (requests.length < 2) await setTimeout(2)
      await setTimeout(20)
      cut(session)
      await gone.promise
      await setTimeout(20)
      reads.push(...requests.slice(1).map(read))
      assert.deepEqual(await Promise.all(reads), ['message.incomplete', 'message.incomplete'])
    })
  }

  it('that cannot be answered as it was meant ends alone', async (t) => {
    const { session } = await connected(t, ({ response }) => {
      response.writeHead(200, { connection: 'close' })
      response.end('{}')
    })
    assert.equal(await codeOf(ask(session, 'GET', true)), 2)
  })

  it('stays when its request is whole, whether somebody reads the body or not', async (t) => {
    const { session } = await connected(
      t,
      ({ response }) => {
        response.writeHead(200, {})
        response.flushHeaders()
      },
      { requestTimeoutMs: 30 },
    )
    const streams = [ask(session, 'GET', true), ask(session, 'GET')]
    streams[1]?.end('unread')
    await setTimeout(120)
    assert.deepEqual(
      streams.map(({ closed }) => closed),
      [false, false],
    )
  })

  it('is given up when its client reads nothing, and not when it reads slowly', async (t) => {
    const { session } = await connected(t, (request) => answer(request, 'x'.repeat(400_000)), {
      stallMs: 60,
      minBytesPerSecond: 10_000_000,
    })
    const stalled = ask(session, 'GET', true)
    stalled.pause()
    await once(stalled, 'close')
    assert.equal(stalled.rstCode, CANCEL)
    const slow = ask(session, 'GET', true)
    let length = 0
    slow.on('data', (chunk: Buffer) => (length += chunk.length))
    await once(slow, 'close')
    assert.deepEqual([slow.rstCode, length], [0, 400_000])
  })

  it('is not kept for a body that nobody wants any more', async (t) => {
    const { session } = await connected(t, (request) => answer(request))
    const stream = ask(session)
    stream.write('endless')
    assert.equal(await codeOf(stream), 0)
  })

  it('is refused beyond what its address may have, and one that closes makes room', async (t) => {
    let open = 0
    const released = Promise.withResolvers<void>()
    const release = (): void => {
      open--
      released.resolve()
    }
    const gate: Http2Gate = { admit: () => open < 1 && ++open > 0, release }
    const { session } = await connected(
      t,
      ({ response }) => {
        response.writeHead(200, {})
        response.flushHeaders()
      },
      {},
      gate,
    )
    const first = ask(session, 'GET', true)
    await once(first, 'response')
    assert.equal(await codeOf(ask(session, 'GET', true)), REFUSED)
    first.close(CANCEL)
    await once(first, 'close')
    await released.promise
    await once(ask(session, 'GET', true), 'response')
  })

  it('gets no answer when others wait unread already', async (t) => {
    const { session } = await connected(t, (request) => answer(request, 'x'.repeat(200_000)), {
      maxWaitingBytes: 250_000,
    })
    const unread = ask(session, 'GET', true)
    unread.pause()
    await once(unread, 'response')
    assert.equal(await codeOf(ask(session, 'GET', true)), CALM)
  })

  it('whose answer cannot be made says so, and a header that could begin another one is none', async (t) => {
    const { session } = await connected(t, ({ response }) => {
      assert.throws(() => response.writeHead(200, { 'x-one': 'a\r\nx-two: b' }), TypeError)
      response.destroy()
    })
    assert.equal(await codeOf(ask(session, 'GET', true)), 2)
  })

  it('of a HEAD has no body', async (t) => {
    const { session } = await connected(t, (request) => answer(request))
    const stream = ask(session, 'HEAD', true)
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.deepEqual([headers[':status'], headers['content-length'], await codeOf(stream)], [200, '2', 0])
  })
})

describe('a connection', () => {
  it('ends when nothing comes, and when nothing more comes', async (t) => {
    for (const limits of [{ headersTimeoutMs: 30 }, { keepAliveTimeoutMs: 30 }]) {
      const { session } = await connected(t, (request) => answer(request), limits)
      if ('keepAliveTimeoutMs' in limits) assert.equal(await codeOf(ask(session, 'GET', true)), 0)
      if (!session.closed) await once(session, 'close')
    }
  })

  it('ends after as many requests as one may bring, and they are answered', async (t) => {
    const { session } = await connected(t, (request) => answer(request), { maxRequestsPerSocket: 2 })
    const codes = [codeOf(ask(session, 'GET', true)), codeOf(ask(session, 'GET', true))]
    assert.deepEqual(await Promise.all(codes), [0, 0])
    if (!session.closed) await once(session, 'close')
  })

  it('ends when its streams are left too often, and each is told', async (t) => {
    const left: number[] = []
    const { session } = await connected(t, () => () => void left.push(1), { resetBurst: 5, resetsPerSecond: 1 })
    for (let count = 0; count < 6; count++) ask(session, 'GET', true).close(CANCEL)
    await once(session, 'close')
    while (left.length < 5) await setTimeout(2)
  })

  it('that keeps its side open is not waited for', async (t) => {
    const { sockets, session } = await connected(t, (request) => answer(request), {
      headersTimeoutMs: 30,
      keepAliveTimeoutMs: 30,
    })
    session.socket.on('error', () => {})
    await codeOf(ask(session, 'GET', true))
    if (sockets[0]?.destroyed === false) await once(sockets[0], 'close')
  })
})

describe('at the end', () => {
  it('calls under way are answered, and a new connection is not taken', async (t) => {
    const requests: Http2Request[] = []
    const { front, session } = await connected(t, (request) => void requests.push(request))
    const stream = ask(session, 'GET', true)
    while (requests.length === 0) await setTimeout(2)
    front.close()
    await once(session, 'goaway')
    const code = codeOf(stream)
    answer(requests[0] as Http2Request)
    assert.equal(await code, 0)
    if (!session.closed) await once(session, 'close')
  })
})

describe('a head', () => {
  const good = [':method', 'POST', ':scheme', 'https', ':authority', 'a.example', ':path', '/mcp?x=1']

  it('is told as over HTTP/1.1', () => {
    assert.deepEqual(
      { ...http2Head([...good, 'cookie', 'a', 'cookie', 'b', 'accept', '1'], true).headers },
      {
        ...{ cookie: 'a; b', accept: '1', host: 'a.example' },
      },
    )
    const { method, path, query, conflict, repeated } = http2Head(good, true)
    assert.deepEqual([method, path, query, conflict, repeated], ['POST', '/mcp', 'x=1', undefined, undefined])
    assert.equal(http2Head(good, false).headers['transfer-encoding'], 'chunked')
    assert.equal(http2Head([...good, 'content-length', '5'], false).headers['transfer-encoding'], undefined)
    assert.deepEqual(http2Head([...good, 'origin', 'a', 'origin', 'b'], true).repeated, ['origin'])
  })

  it('never has another host than its authority, and names whatever contradicts it', () => {
    const name = fc.constantFrom(
      ':method',
      ':scheme',
      ':authority',
      ':path',
      'host',
      'te',
      'connection',
      '__proto__',
      'x',
    )
    const value = fc.constantFrom('https', 'a.example', 'b.example', '/', 'POST', 'trailers', '')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), fc.boolean(), (list, isWhole) => {
        const { headers, conflict, repeated = [] } = http2Head(list.flat(), isWhole)
        const of = (wanted: string) => list.filter(([one]) => one === wanted).map(([, one]) => one)
        for (const one of Object.keys(headers)) assert.ok(!one.startsWith(':'))
        const authorities = of(':authority')
        if (conflict !== undefined) return
        assert.equal(authorities.length, 1)
        assert.equal(headers['host'], authorities[0])
        assert.deepEqual([of(':scheme'), of('connection')], [['https'], []])
        assert.equal(repeated.includes('host'), of('host').length > 1)
      }),
    )
  })
})

describe('an allowance', () => {
  it('is what was saved, and grows no further', () => {
    const allowance = new Allowance(2, 10, 0)
    assert.deepEqual(
      [0, 0, 0, 100, 100].map((now) => allowance.take(now)),
      [true, true, false, true, false],
    )
    assert.deepEqual(
      [10_000, 10_000, 10_000].map((now) => allowance.take(now)),
      [true, true, false],
    )
    assert.equal(allowance.take(9_000), false, 'a clock that goes back gives nothing')
  })
})

describe('a request that expects something', () => {
  const expecting = (session: ClientHttp2Session, expect: string): ClientHttp2Stream =>
    session.request({ ':method': 'POST', ':path': '/mcp', ':scheme': 'https', expect }).on('error', () => {})

  it('that nobody promises is refused before anybody has looked at it, and its place is free', async (t) => {
    let [served, open] = [0, 0]
    const gate = { admit: () => ++open > 0, release: () => void open-- }
    const serve = (request: Http2Request): void => {
      served++
      answer(request)
    }
    const { session } = await connected(t, serve, {}, gate)
    for (const expect of ['200-ok', '100-continue, more', '']) {
      const stream = expecting(session, expect)
      const [{ ':status': status }] = (await once(stream, 'response')) as [{ ':status': number }]
      assert.equal(status, 417, expect)
    }
    assert.deepEqual([served, open], [0, 0])
  })

  it('that everybody does is told to go on, in whatever case it is written', async (t) => {
    const serve = (request: Http2Request): void => {
      void Promise.resolve(request.body.read(100)).then((bytes) => answer(request, bytes.toString()))
    }
    const { session } = await connected(t, serve)
    const stream = expecting(session, '100-Continue')
    await once(stream, 'continue')
    stream.end('{"a":1}')
    const [{ ':status': status }] = (await once(stream, 'response')) as [{ ':status': number }]
    assert.equal(status, 200)
  })
})

it('what throws while it takes a request ends that request, and gives its place back', async (t) => {
  const released = Promise.withResolvers<void>()
  let asked = 0
  const gate = { admit: () => true, release: () => released.resolve() }
  const take = (request: Http2Request): void => {
    if (++asked === 1) throw new Error('broken')
    answer(request)
  }
  const { session } = await connected(t, take, {}, gate)
  const first = ask(session, 'POST', true).on('error', () => {})
  await released.promise
  await new Promise<void>((resolve) => (first.closed ? resolve() : first.once('close', resolve)))
  assert.notEqual(first.rstCode, 0)
  const [{ ':status': status }] = (await once(ask(session, 'POST', true), 'response')) as [{ ':status': number }]
  assert.equal(status, 200)
})
