import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Call } from '../../src/mcp/call.ts'
import { META } from '../../src/mcp/meta.ts'
import { parseMessage, UnreadableCall } from '../../src/mcp/parse.ts'

type Headers = Record<string, string>

const MODERN = { [META.version]: '2026-07-28', [META.clientCapabilities]: {} }
const headersOf = (method: string, name?: string): Headers => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
})

function parse(message: unknown, headers: Headers = {}): Call {
  const bytes = Buffer.from(JSON.stringify(message))
  const exchange = { head: { method: 'POST', path: '/mcp', query: '', headers }, departure: new Cancellation(), bytes }
  const stage = parseMessage((text) => JSON.parse(text.toString()))
  return (stage.check(exchange as unknown as Exchange & { bytes: Buffer }) as { call: Call }).call
}

const request = (method: string, params?: unknown) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  ...(params !== undefined && { params }),
})
const modern = (method: string, params: object = {}) => request(method, { ...params, _meta: MODERN })

function refusal(message: unknown, headers?: Headers): Fault {
  try {
    parse(message, headers)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault)
    return thrown
  }
  return assert.fail('the message was accepted')
}

describe('the era of a message', () => {
  it('is modern with an envelope and legacy with initialize', () => {
    assert.equal(parse(modern('tools/list'), headersOf('tools/list')).era, 'modern')
    assert.equal(parse(request('initialize', { protocolVersion: '2025-11-25' })).era, 'legacy')
  })

  it('is legacy for a request without an envelope, of the assumed version without a header', () => {
    assert.equal(parse(request('tools/list')).version, '2025-03-26')
    assert.equal(parse(request('tools/list'), { 'mcp-protocol-version': '2025-11-25' }).version, '2025-11-25')
  })

  it('cannot be claimed by header and body differently', () => {
    const legacyHeader = { ...headersOf('tools/list'), 'mcp-protocol-version': '2025-11-25' }
    assert.equal(refusal(modern('tools/list'), legacyHeader).code, 'message.header_mismatch')
    assert.equal(refusal(modern('tools/list'), { 'mcp-method': 'tools/list' }).code, 'message.header_mismatch')
    assert.equal(refusal(request('tools/list', {}), headersOf('tools/list')).code, 'message.invalid_params')
  })

  it('names the supported versions when another one is asked for', () => {
    const unknown = { [META.version]: 'v999', [META.clientCapabilities]: {} }
    const headers = { ...headersOf('server/discover'), 'mcp-protocol-version': 'v999' }
    const fault = refusal(request('server/discover', { _meta: unknown }), headers)
    assert.equal(fault.code, 'message.unsupported_version')
    assert.deepEqual(fault.options.data?.['requested'], 'v999')
  })
})

describe('a modern request', () => {
  it('must declare its capabilities', () => {
    const fault = refusal(request('tools/list', { _meta: { [META.version]: '2026-07-28' } }), headersOf('tools/list'))
    assert.equal(fault.code, 'message.invalid_params')
  })

  it('cannot use a method that its revision removed', () => {
    for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'unknown/method']) {
      assert.equal(refusal(modern(method, { uri: 'a:b' }), headersOf(method)).code, 'message.unknown_method', method)
    }
  })

  it('must mirror its method and its name in headers', () => {
    const call = modern('tools/call', { name: 'read', arguments: {} })
    assert.deepEqual(parse(call, headersOf('tools/call', 'read')).target, { kind: 'tool', name: 'read' })
    assert.equal(refusal(call, headersOf('tools/call', 'write')).code, 'message.header_mismatch')
    assert.equal(refusal(call, headersOf('tools/list', 'read')).code, 'message.header_mismatch')
    assert.equal(refusal(call, headersOf('tools/call')).code, 'message.header_mismatch')
  })
})

describe('headers of a legacy request', () => {
  it('decide nothing, because nobody checks them there', () => {
    const lying = { 'mcp-method': 'tools/list', 'mcp-name': 'harmless', 'mcp-protocol-version': '2025-11-25' }
    assert.deepEqual(parse(request('tools/call', { name: 'read' }), lying).target, { kind: 'tool', name: 'read' })
  })

  it('must name a version that exists', () => {
    assert.equal(
      refusal(request('tools/list'), { 'mcp-protocol-version': '2020-01-01' }).code,
      'message.invalid_params',
    )
  })
})

describe('what is not one JSON-RPC message', () => {
  const cases: readonly [name: string, message: unknown, code: string][] = [
    ['a batch', [request('ping')], 'message.batch'],
    ['text', 'ping', 'message.invalid'],
    ['null', null, 'message.invalid'],
    ['no version', { id: 1, method: 'ping' }, 'message.invalid'],
    ['another version', { jsonrpc: '1.0', id: 1, method: 'ping' }, 'message.invalid'],
    ['an unknown member', { ...request('ping'), Method: 'tools/call' }, 'message.invalid'],
    ['an id of null', { ...request('ping'), id: null }, 'message.invalid'],
    ['an id with a fraction', { ...request('ping'), id: 1.5 }, 'message.invalid'],
    ['a method and a result', { ...request('ping'), result: {} }, 'message.invalid'],
    ['params as a list', request('ping', []), 'message.invalid_params'],
    ['a call without a name', request('tools/call', {}), 'message.invalid_params'],
    ['a name that is no text', request('tools/call', { name: 7 }), 'message.invalid_params'],
    ['a second name in other case', request('tools/call', { name: 'read', Name: 'write' }), 'message.forbidden_name'],
    ['arguments in other case', request('tools/call', { name: 'read', Arguments: {} }), 'message.forbidden_name'],
    [
      'a request that is a notification',
      { jsonrpc: '2.0', method: 'tools/call', params: { name: 'a' } },
      'message.unknown_method',
    ],
    ['a notification with an id', request('notifications/initialized'), 'message.unknown_method'],
    ['a response with both results', { jsonrpc: '2.0', id: 1, result: {}, error: {} }, 'message.invalid'],
    ['a response without an id', { jsonrpc: '2.0', result: {} }, 'message.invalid'],
    ['a method of the prototype', request('constructor'), 'message.unknown_method'],
  ]
  for (const [name, message, code] of cases) it(`${name} is refused`, () => assert.equal(refusal(message).code, code))

  it('carries its id into the refusal when there is one', () => {
    const fault = refusal({ jsonrpc: '2.0', id: 'seven', method: 'nope' })
    assert.ok(fault instanceof UnreadableCall)
    assert.equal(fault.id, 'seven')
  })

  it('is a response only in the legacy era', () => {
    const response = { jsonrpc: '2.0', id: 'q-1', result: {} }
    assert.equal(parse(response, { 'mcp-protocol-version': '2025-11-25' }).kind, 'response')
    assert.equal(refusal(response, { 'mcp-protocol-version': '2026-07-28' }).code, 'message.invalid')
  })
})
