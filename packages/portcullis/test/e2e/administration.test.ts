/** Administrators see how the gateway fares: its upstreams, their processes and what these have used. Nobody else does. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { callTool, modern, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')

let gateway: TestGateway
before(async () => {
  const stdio = { sandbox: { read: [SERVER], memoryMiB: 700 } }
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', command: [process.execPath, SERVER], stdio }],
    roles: ['admin', 'user'],
  })
})
after(() => gateway.close())

const path = '/admin/v1/upstreams'
const ask = (token: string | null, method = 'GET') =>
  send(gateway, undefined, { method, url: gateway.origin + path, token })

test('an administrator sees what the processes of an upstream have used', async () => {
  await callTool(gateway, 'idle', {})
  const reply = await ask(gateway.token)
  assert.equal(reply.status, 200)
  const [upstream] = reply.json.upstreams
  assert.equal(upstream.name, 'one')
  const [running] = upstream.processes
  assert.equal(running.driver, 'bubblewrap')
  assert.ok(running.pid > 0 && running.startedAt > 0)
  assert.ok(running.usage.outputBytes > 0)
  assert.ok(running.usage.memoryBytes > 0)
  assert.ok(running.usage.cpuMs >= 0)
})

test('to all others the path does not exist, and a message on it reaches nobody', async () => {
  const unknown = await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/nothing` })
  assert.equal(unknown.status, 404)
  const refused = await ask(await gateway.issue(['user']))
  assert.deepEqual([refused.status, refused.json.error.data.code], [404, unknown.json.error.data.code])
  assert.equal((await ask(null)).status, 401)
  const { body, headers } = modern('tools/call', { name: 'echo' })
  const message = await send(gateway, body, { url: gateway.origin + path, headers })
  assert.deepEqual([message.status, message.headers['allow']], [405, 'GET'])
  const stranger = await send(gateway, body, {
    url: gateway.origin + path,
    headers,
    token: await gateway.issue(['user']),
  })
  assert.equal(stranger.status, 404)
})

test('an administrator of one tenant sees no process of another', async () => {
  await callTool(gateway, 'idle', {})
  const foreign = await gateway.issue(['admin'], { tenant: 'other' })
  const reply = await ask(foreign)
  assert.equal(reply.status, 200)
  assert.deepEqual(reply.json.upstreams[0].processes, [])
})
