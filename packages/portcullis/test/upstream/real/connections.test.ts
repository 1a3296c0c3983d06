import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpPool, HttpPoolOptions } from '../../../src/upstream/http-pool.ts'
import { isFault, pool } from '../harness.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
const closers: Array<() => void> = []
after(() => closers.forEach((close) => close()))

interface Peer {
  readonly connections: HttpPool
  readonly sockets: readonly Socket[]
  readonly requests: readonly string[]
}

/** A peer that answers each request as `answer` says; what it got is in `requests`. */
async function peer(
  answer: (socket: Socket, count: number) => void,
  options: Partial<HttpPoolOptions> = {},
): Promise<Peer> {
  const sockets: Socket[] = []
  const requests: string[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      requests.push(bytes.toString('latin1'))
      answer(socket, requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connections = pool(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp?x=1`), options)
  closers.push(() => {
    void connections.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { connections, sockets, requests }
}

const post = { method: 'POST', headers: ['a', 'b'], body: '{"ä":1}' } as const

describe('the connections of an HttpPool', () => {
  it('are used again, one request after the other', async () => {
    const { connections, sockets, requests } = await peer((socket) => socket.write(OK))
    for (let round = 0; round < 3; round++) assert.equal((await connections.send(post)).status, 200)
    assert.equal(sockets.length, 1)
    assert.match(
      requests[0] ?? '',
      /^POST \/mcp\?x=1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\na: b\r\ncontent-length: 8\r\n\r\n/,
    )
  })

  it('are as many as allowed, and further requests wait', async () => {
    const { connections, sockets } = await peer((socket) => setTimeout(() => socket.write(OK), 20), {
      maxConnections: 2,
    })
    const answers = await Promise.all(Array.from({ length: 7 }, () => connections.send(post)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(7).fill(200),
    )
    assert.equal(sockets.length, 2)
  })

  it('end when the upstream says so', async () => {
    const closing = OK.replace('\r\n\r\n', '\r\nConnection: Close\r\n\r\n')
    const { connections, sockets } = await peer((socket) => socket.write(closing))
    await connections.send(post)
    await connections.send(post)
    assert.equal(sockets.length, 2)
  })

  it('are given up when an answer comes that nobody asked for, and the next caller gets its own', async () => {
    const { connections, sockets } = await peer((socket, count) => {
      socket.write(OK)
      if (count === 1) setTimeout(() => socket.write(OK.replace('{}', '[]')), 10)
    })
    await connections.send(post)
    await sleep(50)
    const answer = await connections.send(post)
    assert.equal(answer.kind === 'buffer' && answer.body.toString(), '{}')
    assert.equal(sockets.length, 2)
  })

  it('are given up when a second answer is glued to the first', async () => {
    const { connections } = await peer((socket) => socket.write(OK + OK))
    await assert.rejects(connections.send(post), isFault('upstream.malformed'))
  })

  it('fail their request when they break in the middle of a body', async () => {
    const { connections } = await peer((socket) => socket.end(OK.slice(0, -1)))
    await assert.rejects(connections.send(post), isFault('upstream.ended'))
  })

  it('take a body that ends with the connection', async () => {
    const { connections } = await peer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'))
    const answer = await connections.send(post)
    assert.equal(answer.kind === 'buffer' && answer.body.toString(), 'hello')
  })

  it('carry nothing of a request whose header would end its line', async () => {
    const { connections, requests } = await peer((socket) => socket.write(OK))
    for (const value of ['x\r\nb: c', 'x\ny', 'ä', '\0']) {
      const refused = connections.send({ ...post, headers: ['a', value] })
      await assert.rejects(refused, isFault('upstream.unavailable'))
    }
    assert.deepEqual(requests, [])
  })

  it('are all closed by close, and waiting requests end', async () => {
    const { connections, sockets } = await peer(() => {}, { maxConnections: 1 })
    const all = [connections.send(post), connections.send(post)]
    const ends = Promise.all(all.map((each) => assert.rejects(each, isFault('upstream.ended'))))
    while (sockets.length === 0) await sleep(5)
    await connections.close()
    await ends
    await assert.rejects(connections.send(post), isFault('upstream.ended'))
  })
})
