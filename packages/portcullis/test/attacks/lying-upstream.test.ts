/** An upstream that lies: wrong ids, garbage, floods and deaths end one call with a safe sentence, and nothing else. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { type CountingUpstream, type SeenRequest, respond, startCounting } from '../fixtures/counting-upstream.ts'
import { callTool, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const MAX_BODY_BYTES = 65_536
const HUGE = 'x'.repeat(2 * MAX_BODY_BYTES)
/** What an upstream says in its lies must not reach the caller. */
const MARK = 'SAID-BY-THE-UPSTREAM'

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    // So many lies in a row would have the upstream left alone.
    config: { limits: { maxBodyBytes: MAX_BODY_BYTES, callSeconds: 5, breakers: { failures: 0 } } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

type Lie = (response: ServerResponse, seen: SeenRequest) => void
const RESULT = { resultType: 'complete', content: [{ type: 'text', text: MARK }] }
const json =
  (text: string | Buffer, status = 200): Lie =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(text)
const events =
  (text: string): Lie =>
  (response) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
const message =
  (change: object): Lie =>
  (response, { message: { id } }) =>
    respond(response, { jsonrpc: '2.0', id, result: RESULT, ...change })

// biome-ignore format: one lie a row
const LIES: readonly (readonly [string, Lie])[] = [
  ['another id', message({ id: 424242 })],
  ['an id of another type', (response, { message: { id } }) => respond(response, { jsonrpc: '2.0', id: String(id), result: RESULT })],
  ['no id', message({ id: undefined })],
  ['another version', message({ jsonrpc: '1.0' })],
  ['a result and an error', message({ error: { code: 1, message: MARK } })],
  ['neither result nor error', message({ result: undefined })],
  ['a result that is a string', message({ result: MARK })],
  ['an error that is a string', message({ result: undefined, error: MARK })],
  ['an error with a code that is text', message({ result: undefined, error: { code: MARK, message: MARK } })],
  ['a request instead of an answer', message({ result: undefined, method: 'tools/call', params: { name: MARK } })],
  ['a list of answers', (response, { message: { id } }) => respond(response, [{ jsonrpc: '2.0', id, result: RESULT }])],
  ['garbage', json(`{"jsonrpc": ${MARK}`)],
  ['nothing', json('')],
  ['invalid UTF-8', json(Buffer.from([0x22, 0xff, 0x22]))],
  ['a repeated name', (response, { message: { id } }) => json(`{"jsonrpc":"2.0","id":${id},"id":${id},"result":{"a":"${MARK}"}}`)(response, {} as SeenRequest)],
  ['__proto__', (response, { message: { id } }) => json(`{"jsonrpc":"2.0","id":${id},"result":{"__proto__":{"isError":"${MARK}"}}}`)(response, {} as SeenRequest)],
  ['deep nesting', (response, { message: { id } }) => json(`{"jsonrpc":"2.0","id":${id},"result":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}}`)(response, {} as SeenRequest)],
  ['a flood', message({ result: { ...RESULT, more: HUGE } })],
  ['a flood of headers', (response) => void response.writeHead(200, { 'x-much': HUGE }).end()],
  ['an endless body', (response) => endless(response.writeHead(200, { 'content-type': 'application/json' }))],
  ['a page', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(`<script>${MARK}</script>`)],
  ['a stack trace with 500', (response) => void response.writeHead(500, { 'content-type': 'text/plain' }).end(`Error: ${MARK}\n    at /srv/app.js:1`)],
  ['its own 401', (response) => void response.writeHead(401, { 'www-authenticate': `Bearer realm="${MARK}"` }).end(MARK)],
  ['an encoding', (response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(MARK)],
  ['a body that is cut off', (response) => void response.writeHead(200, { 'content-length': '1000' }).write(MARK, () => response.destroy())],
  ['a connection that breaks', (response) => void response.destroy()],
  ['events without an answer', events(`data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}\n\n`)],
  ['events that are garbage', events(`data: ${MARK}\n\n`)],
  ['an event for another id', events(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 99, result: RESULT })}\n\n`)],
  ['an event without an end', events(`data: ${HUGE}`)],
  ['an endless stream of nothing', (response) => endless(response.writeHead(200, { 'content-type': 'text/event-stream' }))],
  ['silence', () => undefined],
]

/** Writes line after line until the other side lets go. */
function endless(response: ServerResponse): void {
  const go = (): void => {
    while (!response.destroyed && response.write(`: ${MARK.repeat(500)}\ndata: x\n`))
      if (response.writableNeedDrain) return
  }
  response.on('drain', go)
  go()
}

for (const [title, lie] of LIES) {
  test(`${title} ends the call with a safe sentence`, async () => {
    upstream.misbehave((seen, response) => {
      if (seen.message?.method !== 'tools/call') return false
      lie(response, seen)
      return true
    })
    const reply = await callTool(gateway, 'echo', { text: 'x' })
    upstream.misbehave(undefined)
    assert.match(reply.text, /"code":"(upstream|limits)\.\w+"/, reply.text)
    assert.ok(!`${reply.text}${JSON.stringify(reply.headers)}`.includes(MARK), reply.text)
    assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200, 'the next call is answered')
  })
}

test('an answer with headers of its own does not set ours', async () => {
  upstream.misbehave((seen, response) => {
    if (seen.message?.method !== 'tools/call') return false
    response.setHeader('set-cookie', 'session=1')
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('mcp-session-id', 'theirs')
    respond(response, { jsonrpc: '2.0', id: seen.message.id, result: RESULT })
    return true
  })
  const { headers } = await callTool(gateway, 'echo', { text: 'x' })
  upstream.misbehave(undefined)
  const names = ['set-cookie', 'access-control-allow-origin', 'mcp-session-id']
  assert.deepEqual(
    names.filter((name) => name in headers),
    [],
  )
})

test('an upstream that is gone is told as such, and is found again', async () => {
  upstream.misbehave((_seen, response) => {
    response.socket?.destroy()
    return true
  })
  assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 502)
  upstream.misbehave(undefined)
  assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200)
  assert.equal((await send(gateway, undefined, { method: 'GET' })).status, 405)
})
