/** TR-4, SB-4: a large legal message, in either direction, is passed on whole, and others are served meanwhile. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { recordsOf } from '../fixtures/audit.ts'
import { callTool, modern, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { LARGE } from '../fixtures/large-json.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
const SERVER = join(FIXTURES, 'large-stdio.ts')

let gateway: TestGateway

/** An upstream over HTTP whose one tool answers with a large value: as JSON, or as the last of two events. */
async function startHttp(): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString())
      const text = `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private",${membersOf(method, params)}}}`
      const isStream = params.arguments?.stream === true
      response.setHeader('content-type', isStream ? 'text/event-stream' : 'application/json')
      response.end(isStream ? `data: ${NOTE}\n\ndata: ${text}\n\n` : text)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

const NOTE = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"before"}}'

function membersOf(method: string, params: { arguments?: { kind?: string } }): string {
  if (method === 'server/discover') return '"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}'
  if (method === 'tools/list')
    return '"tools":[{"name":"give","inputSchema":{"type":"object","properties":{"kind":{},"stream":{}}}}]'
  return `"content":[],"structuredContent":{"value":${LARGE[params.arguments?.kind ?? '']?.() ?? 'null'}}`
}

let http: Server

before(async () => {
  http = await startHttp()
  gateway = await startTestGateway({
    upstreams: [
      { name: 'large', command: [process.execPath, SERVER], readable: [FIXTURES], era: 'modern' },
      { name: 'web', url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, era: 'modern' },
    ],
  })
})
after(async () => {
  await gateway.close()
  http.close()
})

/** Sends the arguments as they are written, because to build them would itself take long. */
function callWith(name: string, argumentsText: string) {
  const { body, headers } = modern('tools/call', { name, arguments: '@' })
  return send(
    gateway,
    JSON.stringify(body).replace('"@"', () => argumentsText),
    { headers },
  )
}

/** How often the event loop went round while `act` was under way. */
async function turnsDuring<T>(act: () => Promise<T>): Promise<{ readonly turns: number; readonly result: T }> {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const result = await act()
  isOver = true
  return { turns, result }
}

describe('a large message', () => {
  for (const [kind, make] of Object.entries(LARGE)) {
    test(`from a server is passed on whole: ${kind}`, async () => {
      const { json } = await callTool(gateway, 'give', { kind })
      assert.deepEqual(json.result.structuredContent, { value: JSON.parse(make()) })
    })

    test(`from a client is passed on whole: ${kind}`, async () => {
      const { status, json } = await callWith('take', `{"value":${make()}}`)
      assert.equal(status, 200, JSON.stringify(json).slice(0, 500))
      const { length } = JSON.stringify(JSON.parse(make()))
      assert.equal(json.result.content[0].text, `${length} characters`)
    })
  }

  for (const stream of [false, true]) {
    test(`from a server over HTTP is passed on whole: ${stream ? 'as an event' : 'as JSON'}`, async () => {
      const kind = '90,000 names (1.3 MB)'
      const { text } = await callTool(gateway, 'give', { kind, stream }, { url: gateway.endpoint('web') })
      const last = text.split('\n\n').findLast((part) => part !== '') ?? ''
      assert.deepEqual(JSON.parse(last.replace(/^data: /, '')).result.structuredContent, {
        value: JSON.parse(LARGE[kind]?.() ?? ''),
      })
    })
  }

  test('that has to be as its schema says is looked at as well', async () => {
    const { json } = await callTool(gateway, 'promised', { kind: 'rows of a table' })
    assert.equal(json.result.structuredContent.value.length, 48_000)
  })

  test('does not keep others waiting: their calls are answered while it is under way', async () => {
    const order: string[] = []
    const large = callTool(gateway, 'give', { kind: '90,000 names (1.3 MB)' }).then(() => order.push('large'))
    const others = Array.from({ length: 5 }, async () => {
      assert.equal((await callTool(gateway, 'take', { value: 1 })).status, 200)
      order.push('small')
    })
    const { turns } = await turnsDuring(() => Promise.all([large, ...others]))
    assert(turns > 20, `${turns} turns`)
  })
})

describe('what could not be handled in turns', () => {
  const names = (count: number) => `{${Array.from({ length: count }, (_, n) => `"n${n}":1`).join()}}`
  const calls = () => recordsOf(gateway).filter(({ kind }) => kind === 'call').length

  test('is refused before the server hears of it: more names in one object than can be gone over', async () => {
    const earlier = calls()
    const { status, json } = await callWith('take', `{"value":${names(100_001)}}`)
    assert.deepEqual([status, json.error.code], [413, 413])
    assert.equal(calls(), earlier)
    assert.equal((await callWith('take', `{"value":${names(99_999)}}`)).status, 200)
  })

  test('is refused before the server hears of it: thousands of parameters beside the arguments', async () => {
    const earlier = calls()
    const { body, headers } = modern('tools/call', { name: 'take', arguments: {} })
    const text = JSON.stringify(body).replace('"params":{', () => `"params":{${names(20_000).slice(1, -1)},`)
    assert.equal((await send(gateway, text, { headers })).status, 413)
    assert.equal(calls(), earlier)
  })
})
