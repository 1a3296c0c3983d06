/** CO-1, CO-2: a session that a client resumes carries the certificate it began with, and is judged as of now. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { connect } from 'node:tls'
import { auditText } from '../fixtures/audit.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { createPkiWorld, keyPem, makeCrl, makePair, type Pair, pemOf, type World } from '../fixtures/pki-world.ts'

const URIS = ['spiffe://example.org/agents/a']
const BODY = JSON.stringify({
  ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
  params: {
    name: 'echo',
    arguments: {},
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})

let world: World
let gateway: TestGateway
let upstream: CountingUpstream
let list: string

before(async () => {
  world = await createPkiWorld()
  upstream = await startCounting()
  const steps = join(world.folder, 'steps.pem')
  writeFileSync(steps, pemOf(world.intermediate))
  list = join(world.folder, 'clients.crl')
  writeFileSync(list, await makeCrl(world.intermediate))
  const networks = { revocationNetworks: ['127.0.0.0/8'] }
  const clientCertificates = { authorities: [world.caFile, steps], crls: [list], ...networks }
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: {
      listen: { port: 0, tls: { authority: 'local', clientCertificates } },
      identity: { certificates: [{ uri: 'spiffe://example.org/agents/*', roles: ['admin'] }] },
    },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await world.close()
})

interface Met {
  readonly status: number
  readonly isResumed: boolean
  /** Of the last ticket that came. */
  readonly session: Buffer | undefined
}

/** Calls a tool over one connection, with the session of another where one is given. */
async function call(by: Pair | undefined, session?: Buffer): Promise<Met> {
  const { hostname, port, pathname, host } = new URL(gateway.endpoint('one'))
  const shown = by && { cert: pemOf(by, world.intermediate), key: await keyPem(by) }
  const socket = connect({
    ...shown,
    host: hostname,
    port: Number(port),
    rejectUnauthorized: false,
    ...(session && { session }),
  })
  let latest: Buffer | undefined
  let isResumed = false
  socket.once('secureConnect', () => (isResumed = socket.isSessionReused()))
  socket.on('session', (one: Buffer) => (latest = one))
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: tools/call',
    'Mcp-Name: echo',
    `Content-Length: ${BODY.length}`,
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${BODY}`)
  const text = await new Promise<string>((resolve, reject) => {
    let all = ''
    socket.on('data', (bytes: Buffer) => (all += bytes.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => resolve(all))
  })
  return { status: Number(text.split(' ', 2)[1]), isResumed, session: latest }
}

const agent = (): Promise<Pair> => world.issue({ names: [], uris: URIS })

it('a client with a certificate resumes its session and is the same client', async () => {
  const one = await agent()
  const first = await call(one)
  const second = await call(one, first.session)
  assert.deepEqual([first.status, first.isResumed, second.status, second.isResumed], [200, false, 200, true])
})

it('whose certificate was revoked since its session began is refused when it resumes, and nothing is carried out', async () => {
  const one = await agent()
  const { session, status } = await call(one)
  assert.equal(status, 200)
  const earlier = upstream.seen.length
  writeFileSync(list, await makeCrl(world.intermediate, { number: 2, revoked: [one] }))
  const again = await call(one, session)
  assert.deepEqual([again.status, again.isResumed], [401, true])
  assert.equal(upstream.seen.length, earlier)
  assert.match(auditText(gateway), /"revoked"/)
})

it('a session that began without a certificate, or with one of a stranger, is nobody’s however it goes on', async () => {
  const one = await agent()
  const stranger = await makePair({ uris: URIS })
  const earlier = upstream.seen.length
  for (const by of [undefined, stranger]) {
    const first = await call(by)
    const second = await call(one, first.session)
    assert.deepEqual([first.status, second.status, second.isResumed], [401, 401, true])
  }
  assert.equal(upstream.seen.length, earlier)
})
