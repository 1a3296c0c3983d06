import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bridgedCapabilities, statusOf, toLegacy, toModern, urlElicitations } from '../../src/mcp/bridge.ts'
import { META } from '../../src/mcp/meta.ts'

const INFO = { name: 'old', version: '1' }
const ok = (result: Record<string, unknown>) => ({ jsonrpc: '2.0' as const, id: 1, result })
const failed = (code: number, data?: unknown) => ({
  jsonrpc: '2.0' as const,
  id: 1,
  error: { code, message: 'no', data },
})

describe('a legacy answer for a modern client', () => {
  it('is complete, says whose it is, and keeps every unknown member', () => {
    assert.deepEqual(toModern('tools/call', ok({ content: [], novel: 1, _meta: { own: true } }), INFO), {
      jsonrpc: '2.0',
      id: 1,
      result: { content: [], novel: 1, resultType: 'complete', _meta: { own: true, [META.serverInfo]: INFO } },
    })
  })

  it('may not be cached when it is a list or a resource', () => {
    for (const method of [
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
      'resources/read',
    ]) {
      const { result } = toModern(method, ok({}), INFO) as { result: Record<string, unknown> }
      assert.deepEqual([result['ttlMs'], result['cacheScope']], [0, 'private'], method)
    }
  })

  it('never carries an error code that the revision forbids', () => {
    const response = toModern('resources/read', failed(-32002, { uri: 'a:b' }), INFO)
    assert.deepEqual(response, failed(-32602, { uri: 'a:b' }))
  })

  it('turns a demand for URL elicitations into questions', () => {
    const data = {
      elicitations: [{ mode: 'url', elicitationId: 'x', url: 'https://a.example', message: 'Sign in' }, 7],
    }
    assert.deepEqual(urlElicitations(failed(-32042, data)), {
      'url-1': { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example', message: 'Sign in' } },
    })
    assert.equal(urlElicitations(failed(-32603)), undefined)
    assert.equal(urlElicitations(ok({})), undefined)
  })
})

describe('a modern answer for a legacy client', () => {
  it('loses what that client cannot read and keeps the rest', () => {
    const answer = ok({ resultType: 'complete', ttlMs: 5, cacheScope: 'public', tools: [], novel: 1 })
    assert.deepEqual(toLegacy(answer), ok({ tools: [], novel: 1 }))
    assert.deepEqual(toLegacy(failed(-32602)), failed(-32602))
  })
})

it('capabilities that mean nothing to the other era do not cross', () => {
  const capabilities = { tools: { listChanged: true }, tasks: {}, extensions: { a: {} }, experimental: { b: {} } }
  assert.deepEqual(bridgedCapabilities(capabilities, false), { tools: { listChanged: true } })
  assert.deepEqual(bridgedCapabilities(capabilities, true), {
    tools: { listChanged: true },
    extensions: { a: {} },
    experimental: { b: {} },
  })
})

it('the HTTP status of a modern answer follows its error code', () => {
  for (const [code, status] of [
    [-32601, 404],
    [-32020, 400],
    [-32021, 400],
    [-32022, 400],
    [-32602, 200],
    [-32603, 200],
  ] as const) {
    assert.equal(statusOf(failed(code)), status)
  }
  assert.equal(statusOf(ok({})), 200)
})
