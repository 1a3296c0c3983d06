/** CO-2: a session to an upstream that is resumed is held against pins and lists as of now; and no connection lasts for ever. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { createPkiWorld, keyPem, makeCrl, type Pair, pemOf, type World } from '../fixtures/pki-world.ts'

const HOUR_MS = 3_600_000

let world: World
let gateway: TestGateway
let upstream: CountingUpstream
let server: Server
let leaf: Pair
let list: string
/** Of each connection in order: whether it resumed a session. */
const resumed: boolean[] = []
let open: TLSSocket[] = []

const shown = async (pair: Pair) => ({ key: await keyPem(pair), cert: pemOf(pair, world.intermediate) })
const pinOf = (pair: Pair): string =>
  `sha256/${createHash('sha256').update(Buffer.from(pair.certificate.publicKey.rawData)).digest('base64')}`

/** What measures how long something lasts, which nobody sets back. */
const performanceNow = performance.now
let later = 0

before(async () => {
  performance.now = () => performanceNow.call(performance) + later
  world = await createPkiWorld()
  leaf = await world.issue({})
  list = join(world.folder, 'upstream.crl')
  writeFileSync(list, await makeCrl(world.intermediate))
  upstream = await startCounting(undefined, await shown(leaf), (its) => {
    server = its as unknown as Server
    server.on('secureConnection', (socket: TLSSocket) => {
      resumed.push(socket.isSessionReused())
      open.push(socket)
    })
  })
  const tls = { ca: world.caFile, crls: [list], pins: [pinOf(leaf)], revocationNetworks: ['127.0.0.0/8'] }
  gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url, http: { tls } }] })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await world.close()
  performance.now = performanceNow
})

/** An hour without a turn looks like a machine that is too busy, which sheds load until it has looked again. */
async function call() {
  for (;;) {
    const reply = await callTool(gateway, 'echo', {}, { url: gateway.endpoint('one') })
    if (reply.json?.error?.data?.code !== 'traffic.shed') return reply
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The upstream ends what is open, so that the next call needs another connection. */
async function cut(): Promise<void> {
  const closing = open
    .filter(({ destroyed }) => !destroyed)
    .map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  for (const socket of open) socket.destroy()
  open = []
  await Promise.all(closing)
}

it('a connection serves many calls, and none that begins an hour after it', async () => {
  assert.equal((await call()).status, 200)
  const early = [...open]
  const bytes = () => early.reduce((sum, { bytesRead }) => sum + bytesRead, 0)
  const earlier = bytes()
  assert.equal((await call()).status, 200)
  assert.ok(bytes() > earlier, 'over the connection that was there')
  later = HOUR_MS + 1_000
  // One more may still be the last of the old connection.
  assert.equal((await call()).status, 200)
  const last = bytes()
  for (let calls = 0; calls < 2; calls++) assert.equal((await call()).status, 200)
  assert.equal(bytes(), last)
})

it('a pinned upstream is called over a session that is resumed', async () => {
  await cut()
  assert.equal((await call()).status, 200)
  assert.equal(resumed.at(-1), true)
})

it('whoever stands in its place with another key is not, though the authority is the same and a session was offered', async () => {
  const other = await world.issue({})
  server.setSecureContext(await shown(other))
  server.setTicketKeys(randomBytes(48))
  await cut()
  const [calls, connections] = [upstream.count(), resumed.length]
  const reply = await call()
  assert.deepEqual([reply.status, reply.json.error.data.code], [502, 'upstream.certificate_refused'])
  assert.deepEqual([upstream.count(), resumed.slice(connections).includes(true)], [calls, false])
  assert.ok(gateway.logged.some((line) => line.includes('"pin"')))
  server.setSecureContext(await shown(leaf))
})

it('one that was revoked since the session began is refused when it is resumed, and hears nothing', async () => {
  await cut()
  assert.equal((await call()).status, 200)
  writeFileSync(list, await makeCrl(world.intermediate, { number: 2, revoked: [leaf] }))
  await cut()
  const [calls, connections] = [upstream.count(), resumed.length]
  const reply = await call()
  assert.deepEqual([reply.status, reply.json.error.data.code], [502, 'upstream.certificate_refused'])
  assert.deepEqual([upstream.count(), resumed.slice(connections).includes(false)], [calls, false])
  assert.ok(gateway.logged.some((line) => line.includes('"revoked"')))
})
