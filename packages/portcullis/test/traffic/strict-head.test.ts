import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { RequestHead } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import { strictHead } from '../../src/traffic/strict-head.ts'
import { codeOf, exchangeOf } from './fixtures.ts'

const code = (head: Partial<RequestHead>) => codeOf(() => strictHead.check(exchangeOf(head)))
const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`mcp-param-p${i}`, 'x']))

describe('a head is ambiguous with', () => {
  const headers: readonly (readonly [why: string, headers: RequestHead['headers']])[] = [
    ['two Authorization headers', { authorization: 'Bearer a, Bearer b' }],
    ['two Host headers', { host: 'a, b' }],
    ['two Content-Types', { 'content-type': 'application/json, text/plain' }],
    ['two lengths', { 'content-length': '1, 2' }],
    ['a length and a coding', { 'content-length': '1', 'transfer-encoding': 'chunked' }],
    ['an unknown coding', { 'transfer-encoding': 'xchunked' }],
    ['two codings', { 'transfer-encoding': 'chunked, chunked' }],
    ['a coding in capitals', { 'transfer-encoding': 'CHUNKED' }],
    ['two methods', { 'mcp-method': 'tools/list, tools/call' }],
    ['two versions', { 'mcp-protocol-version': '2026-07-28, 2025-06-18' }],
    ['two sessions', { 'mcp-session-id': 'a, b' }],
    ['two names as an array', { 'mcp-name': ['a', 'b'] }],
    ['two origins', { origin: 'https://a.example, https://b.example' }],
    ['two proofs', { dpop: 'a,b' }],
    ['a line break', { 'x-note': 'a\r\nb' }],
    ['a null byte', { authorization: 'Bearer a\0' }],
    ['an escape', { 'user-agent': '\u001b[31m' }],
    ['a delete', { 'mcp-name': 'a\u007f' }],
    ['a tab in an Mcp header', { 'mcp-name': 'a\tb' }],
    ['raw UTF-8 in an Mcp header', { 'mcp-name': 'Ã©' }],
    ['a long Mcp header', { 'mcp-param-a': 'x'.repeat(4097) }],
    ['many Mcp headers', many],
  ]
  for (const [why, given] of headers) {
    test(why, () => assert.equal(code({ headers: given }), 'transport.ambiguous_request'))
  }

  const paths = [
    '',
    '*',
    'mcp',
    'https://gate.example/mcp',
    '//mcp',
    '/mcp//files',
    '/mcp/',
    '/mcp/.',
    '/mcp/..',
    '/mcp/../admin',
    '/./mcp',
    '/mcp/%2e%2e/admin',
    '/mcp/%2E./admin',
    '/mcp%2ffiles',
    '/mcp%2Ffiles',
    '/mcp%5cfiles',
    '/mcp\\files',
    '/mcp%00',
    '/mcp%0d%0aX: y',
    '/mcp%7f',
    '/mcp%252f',
    '/mcp%',
    '/mcp%2',
    '/mcp%zz',
    '/mcp#x',
    '/mcp x',
    '/mcp\u0000',
    '/mcp/é',
    `/${'a'.repeat(2048)}`,
  ]
  for (const path of paths) {
    const expected = path === '/mcp/' ? 'passed' : 'transport.ambiguous_request'
    test(`the path ${JSON.stringify(path).slice(0, 40)}: ${expected}`, () => assert.equal(code({ path }), expected))
  }

  test('a broken query', () => assert.equal(code({ query: '%zz=1' }), 'transport.ambiguous_request'))
})

describe('a credential in the query is refused:', () => {
  const queries = [
    'access_token=x',
    'ACCESS_TOKEN=x',
    'a=b&access_token=x',
    'a=b;access_token=x',
    'access%5ftoken=x',
    '%61ccess_token=x',
    '+access_token=x',
    'access_token',
    'api_key=x',
    'apikey=x',
    'api-key=x',
    'token=x',
    'authorization=x',
  ]
  for (const query of queries) {
    test(query, () => {
      assert.throws(
        () => strictHead.check(exchangeOf({ query })),
        (thrown) => thrown instanceof Fault && thrown.code === 'identity.token_in_query' && !('x' in thrown.detail),
      )
    })
  }
})

describe('an ordinary head passes', () => {
  test('with all that clients send', () => {
    const headers = {
      host: 'localhost:8443',
      authorization: 'Bearer abc.def-ghi_jkl~+/==',
      'content-type': 'application/json; charset=utf-8',
      'content-length': '12',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'gzip, deflate, br',
      'user-agent': 'client/1.0 (a, b)',
      'mcp-method': 'tools/call',
      'mcp-name': 'file:///a, b',
      'mcp-param-city': '=?base64?WsO8cmljaA==?=',
      'mcp-protocol-version': '2026-07-28',
      cookie: 'a=b; c=d',
      'x-latin': 'caf\u00e9\t',
    }
    assert.equal(code({ headers, path: '/mcp/files-1', query: 'a=b&tokens=3' }), 'passed')
    assert.equal(code({ headers: { 'transfer-encoding': 'chunked' } }), 'passed')
    assert.equal(code({ path: '/.well-known/oauth-protected-resource/mcp/files' }), 'passed')
  })

  test('whatever segments of plain names its path has', () => {
    const segment = fc.stringMatching(/^[a-z0-9_-][a-z0-9._~-]{0,10}$/)
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), (parts) =>
        assert.equal(code({ path: `/${parts.join('/')}` }), 'passed'),
      ),
    )
  })
})
