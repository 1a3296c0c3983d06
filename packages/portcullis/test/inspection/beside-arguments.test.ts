import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { roleInspectors } from '../../src/inspection/all-detectors.ts'
import { ArgumentPlans } from '../../src/inspection/argument-plan.ts'
import { ArgumentWalk, pointerTo } from '../../src/inspection/argument-walk.ts'
import { besideArguments } from '../../src/inspection/beside-arguments.ts'
import type { VerdictRules } from '../../src/inspection/verdict.ts'
import type { Params } from '../../src/mcp/message.ts'
import { META } from '../../src/mcp/meta.ts'
import { callOf, toolWith } from './fixtures.ts'

const envelope = {
  [META.version]: '2026-07-28',
  [META.clientInfo]: { name: 'test' },
  [META.clientCapabilities]: {},
  [META.logLevel]: 'debug',
}
const TOOL = toolWith({
  type: 'object',
  properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
})

function besideOf(params: Params, method = 'tools/call', headers: Readonly<Record<string, string>> = {}): unknown {
  const exchange = callOf(TOOL, params)
  const call = { ...exchange.call, method, message: { ...exchange.call.message, method } }
  const found = besideArguments({ ...exchange, call, head: { ...exchange.head, headers } })
  return found === undefined ? undefined : JSON.parse(JSON.stringify(found))
}

describe('beside the arguments there is', () => {
  test('nothing in most messages', () => {
    assert.equal(besideOf({ name: 'tool', arguments: { region: 'x' }, _meta: envelope }), undefined)
    assert.equal(besideOf({ uri: 'a:b', _meta: envelope }, 'resources/read'), undefined)
    assert.equal(besideOf({ taskId: 'a', _meta: envelope }, 'tasks/get'), undefined)
    assert.equal(
      besideOf({ name: 'tool', requestState: 'sealed' }, 'tools/call', { 'mcp-param-region': 'x' }),
      undefined,
    )
  })

  const SOMETHING: readonly (readonly [method: string, params: Params, found: unknown])[] = [
    ['tools/call', { name: 'tool', inputResponses: { a: 1 } }, { inputResponses: { a: 1 } }],
    ['tasks/update', { taskId: 'a', inputResponses: { a: 1 } }, { inputResponses: { a: 1 } }],
    ['tools/call', { name: 'tool', _meta: { ...envelope, trace: 'x' } }, { _meta: { trace: 'x' } }],
    ['tools/call', { name: 'tool', uri: 'x' }, { uri: 'x' }],
    ['notifications/roots/list_changed', { arguments: ['x'] }, { arguments: ['x'] }],
  ]
  for (const [method, params, found] of SOMETHING)
    test(`${method}: ${JSON.stringify(found)}`, () => assert.deepEqual(besideOf(params, method), found))

  test('an undeclared header, decoded', () => {
    const sent = {
      'mcp-param-region': 'x',
      'mcp-param-other': '=?base64?YWJj?=',
      'x-other': 'y',
      'mcp-param-odd': '=?base64?_?=',
    }
    const headers = { 'mcp-param-other': 'abc', 'mcp-param-odd': '=?base64?_?=' }
    assert.deepEqual(besideOf({ name: 'tool' }, 'tools/call', sent), { headers })
    assert.deepEqual(besideOf({ name: 'p' }, 'prompts/get', { 'mcp-param-a': 'b' }), {
      headers: { 'mcp-param-a': 'b' },
    })
  })

  test('what a member is called decides nothing', () => {
    const params = JSON.parse('{"__proto__": {"a": "x"}, "name": "tool"}') as Params
    assert.deepEqual(Object.keys(besideArguments(callOf(TOOL, params)) ?? {}), ['__proto__'])
  })
})

const CRAWL = '../../../../etc/passwd'

function judged(what: 'uri' | 'beside', value: object, rules: VerdictRules = {}): readonly string[] {
  const plan = new ArgumentPlans({ ...rules, upstreams: {} }, roleInspectors()).plain('u', 'resource')
  assert.ok(plan.usable)
  const walk = new ArgumentWalk(plan, value, what === 'uri' ? plan.root : plan.beside)
  return walk.judged.map(({ leaf, verdict }) => `${pointerTo(leaf)} ${verdict}`)
}

describe('a strong finding in a header', () => {
  test('is refused, where one in an answer is only noted', () => {
    assert.deepEqual(judged('beside', { headers: { h: CRAWL }, inputResponses: { a: CRAWL } }).toSorted(), [
      '/headers/h refuse',
      '/inputResponses/a annotate',
    ])
  })
  test('is not let through by what is said of text', () => {
    const rules: VerdictRules = { roles: { text: { strong: 'allow' } } }
    assert.deepEqual(judged('beside', { headers: { h: CRAWL } }, rules), ['/headers/h refuse'])
  })
  test('is let through by what is said of its family', () => {
    assert.deepEqual(judged('beside', { headers: { h: CRAWL } }, { on: { path: { strong: 'allow' } } }), [])
  })
})

describe('the URI of a resource', () => {
  for (const uri of [
    'test://a/../../etc/passwd',
    'test://a/%2e%2e/%2e%2e/etc/passwd',
    'test://a/..%2f..%2fetc/passwd',
    'test://a/%252e%252e%252f%252e%252e%252fetc/passwd',
    'file:///srv/docs/../../etc/passwd',
    'file:../../etc/passwd',
    'docs:../../secret',
    'docs://a/..;x=1/secret',
    'docs://a/..',
    'https://a.example/read?file=../secret',
    'docs://a/%25252525252e',
    'docs://a/..\\..\\secret',
    'docs://a/b%00.txt',
  ])
    test(`${uri} is refused`, () => assert.ok(judged('uri', { uri }).includes('/uri refuse'), uri))

  for (const uri of [
    'test://a/b',
    'file:///home/ann/notes/today.txt',
    'file:///etc/hosts',
    'https://example.com/a/b?c=d..e',
    'docs://a/v1...v2',
    'docs://a/..hidden/.config?range=1..2',
    'docs://a/100%25%20sure',
    'repo://owner/name/contents/src/index.ts?ref=main%2Fnext',
    'note:///caf%C3%A9%20menu',
    'urn:isbn:9780141036144',
  ])
    test(`${uri} is not`, () => assert.ok(!judged('uri', { uri }).includes('/uri refuse'), uri))

  test('is let through by a word about paths', () => {
    assert.deepEqual(judged('uri', { uri: 'test://a/../../b' }, { on: { path: { strong: 'annotate' } } }), [
      '/uri annotate',
    ])
  })
})
