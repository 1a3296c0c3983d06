import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Caller, errorOf, modern, modernRequest, open, start, textOf } from './wire.ts'

const REPOSITORY = fileURLToPath(new URL('../../../../..', import.meta.url))
const FIXTURE = fileURLToPath(new URL('../../fixtures/everything/everything-stdio.ts', import.meta.url))
const CANARY = 'CHECKLIST_CANARY'
/** A modern server that prints banners, complains on stderr, and tells its environment. */
const NOISY = `
process.stderr.write('ERROR: everything is fine\\n')
console.log('Welcome to the noisy server')
const reply = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } }))
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (method === 'server/discover') reply(id, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })
  if (method === 'tools/list') reply(id, { tools: [{ name: 'env', inputSchema: { type: 'object' } }] })
  if (method === 'tools/call') reply(id, { content: [{ type: 'text', text: JSON.stringify(Object.keys(process.env).sort()) }] })
})`

describe('checklist: stdio upstreams', { timeout: 90_000 }, () => {
  let gateway: TestGateway

  before(async () => {
    process.env[CANARY] = 'a secret of the gateway'
    gateway = await startTestGateway({
      upstreams: [
        { name: 'one', command: [process.execPath, FIXTURE], readable: [REPOSITORY] },
        { name: 'noisy', command: [process.execPath, '-e', NOISY], readable: [process.execPath] },
      ],
    })
  })
  after(async () => {
    delete process.env[CANARY]
    await gateway?.close()
  })

  const call = (caller: Caller, name: string) => modern(caller, { method: 'tools/call', params: { name } })

  it('row 41: prints and complaints of a server are no messages, and it sees no environment of ours', async () => {
    const noisy = { ...gateway, url: gateway.endpoint('noisy') }
    const reply = await call(noisy, 'env')
    const names = JSON.parse(textOf(reply)) as readonly string[]
    for (const name of [CANARY, 'NODE_TEST_CONTEXT']) assert.ok(!names.includes(name) && name in process.env, name)
    assert.equal(errorOf(reply).code, undefined)
  })

  it('row 22: a modern client that leaves has its call cancelled at a stdio upstream', async () => {
    const earlier = Number(textOf(await call(gateway, 'count_cancelled')))
    const { message, headers } = modernRequest({ method: 'tools/call', params: { name: 'wait_until_cancelled' } })
    const waiting = start(gateway, { message, headers })
    await new Promise((resolve) => setTimeout(resolve, 200))
    waiting.leave()
    let count = earlier
    for (let tries = 0; tries < 20 && count === earlier; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      count = Number(textOf(await call(gateway, 'count_cancelled')))
    }
    assert.equal(count, earlier + 1)
  })

  it('row 42: two principals never meet in one process', async () => {
    const first = { ...gateway, token: await gateway.issue(['admin']) }
    const second = { ...gateway, token: await gateway.issue(['admin']) }
    const { message, headers } = modernRequest({
      id: 'same',
      method: 'tools/call',
      params: { name: 'wait_until_cancelled' },
    })
    // Both processes run by then, so that the call below is in its own before the client leaves.
    for (const each of [first, second]) assert.equal(textOf(await call(each, 'count_cancelled')), '0')
    const waiting = start(first, { message, headers })
    await new Promise((resolve) => setTimeout(resolve, 500))
    waiting.leave()
    const counts = async () => [await call(first, 'count_cancelled'), await call(second, 'count_cancelled')].map(textOf)
    let seen: readonly string[] = []
    for (let tries = 0; tries < 40 && seen[0] !== '1'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      seen = await counts()
    }
    assert.deepEqual(seen, ['1', '0'])
  })

  it('row 42: calls with the same id, progress token and method keep apart', async () => {
    const request = {
      id: 'same',
      method: 'tools/call',
      params: { name: 'test_tool_with_progress' },
      meta: { progressToken: 'same' },
    } as const
    const other = { ...gateway, token: await gateway.issue(['admin']) }
    const streams = [gateway, gateway, other].map(async (caller) => {
      const reply = await (await open(caller, modernRequest(request))).whole()
      return reply.events.filter((event) => event['method'] === 'notifications/progress').length
    })
    assert.deepEqual(await Promise.all(streams), [3, 3, 3])
  })
})
