/** SB-6: with processes kept ready, somebody new does not wait for a start, and never meets what somebody else has left. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/restless-stdio.ts')
const LEGACY = join(import.meta.dirname, '../fixtures/initialized-stdio.ts')

let gateway: TestGateway

before(async () => {
  const server = (name: string, file: string, era: 'modern' | 'legacy', warm: number) => ({
    name,
    era,
    command: [process.execPath, file] as const,
    readable: [file],
    stdio: { warm },
  })
  gateway = await startTestGateway({
    upstreams: [
      server('warm', SERVER, 'modern', 2),
      server('cold', SERVER, 'modern', 0),
      server('legacy', LEGACY, 'legacy', 1),
    ],
  })
})
after(() => gateway.close())

/** Processes that were started for one upstream, with the scopes that they had at their start. */
const starts = (upstream: string): readonly string[] =>
  gateway.logged
    .map((line) => JSON.parse(line) as { message: string; upstream: string; scope: string })
    .filter((line) => line.message === 'upstream process started' && line.upstream === upstream)
    .map((line) => line.scope)

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 200, 'it never happened')
    await sleep(50)
  }
}

const call = async (upstream: string, name: string, token: string): Promise<string> => {
  const reply = await callTool(gateway, name, {}, { token, url: gateway.endpoint(upstream) })
  return reply.json.result?.content[0].text ?? reply.text
}
/** For the gateway itself, which asks for the tools, and those that wait. */
const settled = (upstream: string, warm: number): Promise<void> => until(() => starts(upstream).length === 1 + warm)

test('they are started before anybody asks, and bounded', async () => {
  await settled('warm', 2)
  await sleep(500)
  assert.deepEqual([starts('warm').length, starts('cold').length], [3, 1])
})

test('somebody new gets one that waits, and another takes its place', async (t) => {
  await settled('warm', 2)
  await sleep(300)
  const token = await gateway.issue(['admin'])
  const earlier = starts('warm').length
  const startedAt = performance.now()
  assert.equal(await call('warm', 'calls', token), '1')
  const warmMs = performance.now() - startedAt
  assert.ok(
    starts('warm')
      .slice(earlier)
      .every((scope) => scope === 'warm'),
    'none was started for the caller',
  )
  await until(() => starts('warm').length === earlier + 1)
  const again = performance.now()
  assert.equal(await call('warm', 'calls', token), '2', 'it is the same process')
  const runningMs = performance.now() - again
  const cold = performance.now()
  await call('cold', 'calls', token)
  const coldMs = performance.now() - cold
  const [warm, running, started] = [warmMs, runningMs, coldMs].map((ms) => ms.toFixed(1))
  t.diagnostic(`first call warm ${warm} ms, cold ${started} ms, of a running process ${running} ms`)
})

test('no two principals ever share one, and none comes back to the pool', async () => {
  const tokens = await Promise.all([1, 2, 3, 4, 5, 6].map(() => gateway.issue(['admin'])))
  const calls = await Promise.all(tokens.map((token) => call('warm', 'calls', token)))
  assert.deepEqual(calls, ['1', '1', '1', '1', '1', '1'], 'each found a process that had served nobody')
  const pids = await Promise.all(tokens.map((token) => call('warm', 'calls', token)))
  assert.deepEqual(pids, ['2', '2', '2', '2', '2', '2'])
})

test('one that crashes under its caller is replaced by one that waits', async () => {
  const token = await gateway.issue(['admin'])
  assert.match(await call('warm', 'crash', token), /The upstream ended before it answered/)
  assert.equal(await call('warm', 'calls', token), '1')
})

test('a legacy server is ready for clients without capabilities, and started for the others, who are never mixed', async () => {
  const token = await gateway.issue(['admin'])
  const url = gateway.endpoint('legacy')
  await settled('legacy', 1)
  assert.equal(JSON.parse(await call('legacy', 'client', token)).name, 'portcullis')
  const capabilities = { roots: {}, sampling: {} }
  for (let round = 0; round < 2; round++) {
    const earlier = starts('legacy').length
    const headers = await openSession(gateway, { token, url }, capabilities)
    const params = { name: 'client', arguments: {} }
    const { json } = await send(
      gateway,
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
      { token, url, headers },
    )
    const client = JSON.parse(json.result.content[0].text)
    assert.deepEqual([client.name, client.capabilities], ['test', capabilities])
    await until(() => starts('legacy').slice(earlier).includes('warm'))
    await sleep(300)
    if (round === 1)
      assert.ok(
        starts('legacy')
          .slice(earlier)
          .every((scope) => scope === 'warm'),
        'it waited, started',
      )
  }
})
