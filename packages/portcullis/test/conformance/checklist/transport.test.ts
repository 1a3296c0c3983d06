import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool } from './scripted.ts'
import { errorOf, modern, modernRequest, open, textOf } from './wire.ts'

const said = (text: string) => ({ resultType: 'complete', content: [{ type: 'text', text }] })

describe('checklist: transport', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway
  let release: () => void = () => {}

  before(async () => {
    upstream = await startModern([tool('quick'), tool('slow')], {
      'tools/call': async (turn) => {
        if (turn.params['name'] === 'quick') return turn.result(said('quick'))
        const { progressToken } = turn.params['_meta'] as { progressToken: string }
        turn.event({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return turn.result(said('slow'))
      },
    })
    const limits = { maxBodyBytes: 65_536 }
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config: { limits } })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const quick = { method: 'tools/call', params: { name: 'quick' } } as const
  const calls = () => upstream.of('tools/call').length

  it('row 1: a modern client may only POST', async () => {
    for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
      const headers = { 'mcp-protocol-version': '2026-07-28' }
      const reply = await (await open(gateway, { method, headers })).whole()
      assert.equal(reply.status, 405, method)
      assert.match(String(reply.headers['allow']), /POST/)
    }
  })

  it('row 2: a foreign Origin or Host is refused, and nothing reaches the upstream', async () => {
    const earlier = calls()
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { host: 'evil.example' }]) {
      assert.equal((await modern(gateway, { ...quick, headers })).status, 403, JSON.stringify(headers))
    }
    assert.equal(calls(), earlier)
  })

  it('row 3: the Origin of a browser and the Host of the gateway stay at the gateway', async () => {
    const reply = await modern(gateway, { ...quick, headers: { origin: gateway.origin } })
    assert.equal(textOf(reply), 'quick')
    const { headers } = upstream.of('tools/call').at(-1) ?? assert.fail('nothing arrived')
    assert.equal(headers['origin'], undefined)
    assert.equal(headers['host'], new URL(upstream.url).host)
  })

  it('row 4: one message in a POST, and no response of a modern client', async () => {
    const { message, headers } = modernRequest(quick)
    const response = { jsonrpc: '2.0', id: 1, result: {} }
    const bad: ReadonlyArray<readonly [string, string]> = [
      ['a batch', JSON.stringify([message])],
      ['an empty batch', '[]'],
      ['a response', JSON.stringify(response)],
      ['two messages', `${JSON.stringify(message)}\n${JSON.stringify(message)}`],
    ]
    const earlier = calls()
    for (const [title, raw] of bad) {
      const reply = await (await open(gateway, { raw, headers })).whole()
      assert.equal(reply.status, 400, title)
      assert.ok([-32600, -32700].includes(errorOf(reply).code ?? 0), title)
    }
    assert.equal(calls(), earlier)
  })

  it('row 14: an error carries the id of its request, and the status that its code has', async () => {
    const unknown = await modern(gateway, { id: 'mine', method: 'no/such' })
    assert.deepEqual([unknown.status, errorOf(unknown).code, unknown.body['id']], [404, -32601, 'mine'])
    const tooNew = await modern(gateway, {
      ...quick,
      id: 7,
      meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' },
      headers: { 'mcp-protocol-version': '2099-01-01' },
    })
    assert.deepEqual([tooNew.status, errorOf(tooNew).code, tooNew.body['id']], [400, -32022, 7])
    const unreadable = await (await open(gateway, { raw: '{', headers: modernRequest(quick).headers })).whole()
    assert.deepEqual([unreadable.status, unreadable.body['id']], [400, null])
  })

  it('row 21: an event arrives while the call is still running', async () => {
    const { message, headers } = modernRequest({
      method: 'tools/call',
      params: { name: 'slow' },
      meta: { progressToken: 'p' },
    })
    const answer = await open(gateway, { message, headers })
    const first = await answer.next()
    assert.equal(first['method'], 'notifications/progress')
    assert.equal((first['params'] as { progressToken: string }).progressToken, 'p')
    assert.equal(answer.headers['x-accel-buffering'], 'no')
    assert.equal(answer.headers['content-encoding'], undefined)
    release()
    assert.equal(textOf(await answer.whole()), 'slow')
  })

  it('row 45: what is too large is refused before it is read to its end', async () => {
    const earlier = calls()
    const large = await modern(gateway, { ...quick, params: { ...quick.params, arguments: { x: 'x'.repeat(70_000) } } })
    assert.equal(large.status, 413)
    const announced = await open(gateway, {
      raw: '{}',
      headers: { ...modernRequest(quick).headers, 'content-length': '10000000', expect: undefined },
    })
    assert.equal(announced.status, 413)
    announced.leave()
    const status = await modern(gateway, { ...quick, headers: { 'x-filler': 'x'.repeat(70_000) } }).then(
      (reply) => reply.status,
      () => 'closed',
    )
    assert.ok([400, 431, 'closed'].includes(status), String(status))
    assert.equal(calls(), earlier)
  })

  it('row 50: the transport of 2024-11-05 is not served', async () => {
    for (const path of ['/sse', '/mcp/one/sse', '/messages']) {
      assert.equal((await open(gateway, { method: 'GET', path }).then((answer) => answer.whole())).status, 404, path)
    }
  })
})
