/** TR-4: slow heads and bodies, big heads and bodies, and sockets without end are let go of, and others are served. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { FLOOD } from '../../src/traffic/flood.ts'
import { callTool, sendRaw, statusesIn } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { limits: { maxBodyBytes: 65_536 } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const head = (more: readonly string[] = []): string =>
  [
    'POST /mcp/one HTTP/1.1',
    `Host: ${new URL(gateway.origin).host}`,
    `Authorization: Bearer ${gateway.token}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...more,
    '',
  ].join('\r\n')

/** Opens a socket, sends the beginning at once and then one byte every second; resolves with what came when it was closed. */
async function trickle(beginning: string, byte: string): Promise<string> {
  const socket = await open()
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  const timer = setInterval(() => socket.write(byte), 1_000)
  socket.write(beginning)
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(timer)
  return text
}

function open(): Promise<TLSSocket> {
  const port = Number(new URL(gateway.origin).port)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(gateway.caFile) }, () => resolve(socket))
    socket.on('error', reject)
  })
}

describe('the gateway lets go of', { concurrency: true }, () => {
  test('a head that never ends', async () => {
    const text = await trickle(`${head()}X-Slow: `, 'a')
    assert.ok(!statusesIn(text).includes(200), text)
  })

  test('a body that never ends', async () => {
    const text = await trickle(`${head(['Content-Length: 60000'])}\r\n`, ' ')
    assert.ok(!statusesIn(text).includes(200), text)
  })

  test('a body in chunks that never ends', async () => {
    const text = await trickle(`${head(['Transfer-Encoding: chunked'])}\r\n`, '1\r\n \r\n')
    assert.ok(!statusesIn(text).includes(200), text)
  })

  test('a handshake that never ends', async () => {
    const { connect: connectPlain } = await import('node:net')
    const socket = connectPlain(Number(new URL(gateway.origin).port), '127.0.0.1')
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('close', resolve))
  })

  test('nobody else meanwhile', async () => {
    for (let call = 0; call < 20; call++) assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200)
  })
})

test('a head that is too big, or has too many headers, is refused', async () => {
  const earlier = upstream.seen.length
  const big = `X-Big: ${'x'.repeat(FLOOD.maxHeaderBytes)}`
  const many = Array.from({ length: FLOOD.maxHeaders + 50 }, (_, at) => `X-${at}: x`)
  const mcp = Array.from({ length: 80 }, (_, at) => `Mcp-Param-${at}: x`)
  for (const more of [[big], many, mcp, [`Mcp-Param-A: ${'x'.repeat(5_000)}`]]) {
    const text = await sendRaw(gateway, `${head([...more, 'Content-Length: 2', 'Connection: close'])}\r\n{}`)
    for (const status of statusesIn(text)) assert.ok(status >= 400 && status < 500, text)
  }
  assert.equal(upstream.seen.length, earlier)
})

test('a path that is too long is refused', async () => {
  const reply = await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/${'x'.repeat(5_000)}` })
  assert.equal(reply.status, 400)
})

test('a body is read up to the limit and no further, and only after sign-in', async () => {
  const earlier = upstream.seen.length
  const announced = await sendRaw(gateway, `${head(['Content-Length: 999999999', 'Connection: close'])}\r\n`)
  assert.deepEqual(statusesIn(announced), [413])
  const anonymous = head(['Content-Length: 60000', 'Connection: close']).replace(/Authorization: .*\r\n/, '')
  assert.deepEqual(statusesIn(await sendRaw(gateway, `${anonymous}\r\n`)), [401], 'answered before the body has come')
  assert.equal(upstream.seen.length, earlier)
})

test('one address gets only so many sockets, and its others are served on', async () => {
  const kept = await open()
  const sockets: TLSSocket[] = [kept]
  const refused: unknown[] = []
  while (refused.length === 0 && sockets.length <= FLOOD.maxConnectionsPerAddress + 1) {
    await open().then(
      (socket) => sockets.push(socket),
      (error: unknown) => refused.push(error),
    )
  }
  assert.equal(refused.length, 1)
  assert.ok(sockets.length <= FLOOD.maxConnectionsPerAddress)
  assert.ok(!kept.destroyed)
  for (const socket of sockets) socket.destroy()
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  let served = false
  while (!served) {
    served = await callTool(gateway, 'echo', {}).then(
      () => true,
      () => false,
    )
  }
})
