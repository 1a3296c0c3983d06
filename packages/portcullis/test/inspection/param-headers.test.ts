import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Pipeline } from '../../src/core/pipeline.ts'
import {
  checkParamHeaders,
  checkParamHeadersStage,
  paramHeaderProblems,
  paramHeadersFor,
} from '../../src/inspection/param-headers.ts'
import type { Params } from '../../src/mcp/message.ts'
import { callOf, toolWith } from './fixtures.ts'

const header = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name })
const withProperty = (property: Params) => toolWith({ type: 'object', properties: { a: property } })

const tool = toolWith({
  type: 'object',
  properties: {
    region: header('Region'),
    priority: header('Priority', 'integer'),
    verbose: header('Verbose', 'boolean'),
    place: { type: 'object', properties: { city: header('City') } },
    query: { type: 'string' },
  },
})

describe('x-mcp-header is a problem', () => {
  const problems: readonly (readonly [why: string, inputSchema: Params])[] = [
    ['when it is no string', withProperty(header(1)).inputSchema],
    ['when it is empty', withProperty(header('')).inputSchema],
    ['with a space', withProperty(header('a b')).inputSchema],
    ['with a colon', withProperty(header('a:b')).inputSchema],
    ['with a line break', withProperty(header('a\r\nSet-Cookie: x')).inputSchema],
    ['when it is not ASCII', withProperty(header('é')).inputSchema],
    ['on a number', withProperty(header('A', 'number')).inputSchema],
    ['on an object', withProperty(header('A', 'object')).inputSchema],
    ['on several types', withProperty(header('A', ['string', 'null'])).inputSchema],
    ['without a type', withProperty({ 'x-mcp-header': 'A' }).inputSchema],
    ['twice in different case', { properties: { a: header('A'), b: header('a') } }],
    ['on the root', { type: 'object', 'x-mcp-header': 'A' }],
    ['below items', withProperty({ type: 'array', items: header('A') }).inputSchema],
    ['below anyOf', { anyOf: [{ properties: { a: header('A') } }] }],
    ['below allOf', { allOf: [{ properties: { a: header('A') } }] }],
    ['in a definition', { $defs: { A: { properties: { a: header('A') } } } }],
    ['below additionalProperties', { additionalProperties: header('A') }],
    ['below a condition', { not: { properties: { a: header('A') } } }],
  ]
  for (const [why, inputSchema] of problems) {
    test(why, () => assert.equal(paramHeaderProblems(toolWith(inputSchema)).length, 1))
  }
  test('nowhere else', () => {
    assert.deepEqual(paramHeaderProblems(tool), [])
    assert.deepEqual(paramHeaderProblems(withProperty({ enum: [{ 'x-mcp-header': 1 }] })), [])
  })
})

describe('headers and arguments', () => {
  const args = { region: 'eu', priority: 42, verbose: false, place: { city: 'Zürich' } }
  const encoded = `=?base64?${Buffer.from('Zürich').toString('base64')}?=`
  const headers = {
    'mcp-param-region': 'eu',
    'mcp-param-priority': '42',
    'mcp-param-verbose': 'false',
    'mcp-param-city': encoded,
  }

  const agreeing: readonly (readonly [why: string, headers: Readonly<Record<string, string>>, args: unknown])[] = [
    ['when they are equal', headers, args],
    ['when both are absent', {}, { query: 'x' }],
    ['when the arguments are absent', {}, undefined],
    ['when an argument is null and has no header', {}, { region: null }],
    ['when an integer is spelled otherwise', { ...headers, 'mcp-param-priority': '42.0' }, args],
    ['when a plain value is encoded', { 'mcp-param-region': '=?base64?ZXU=?=' }, { region: 'eu' }],
    ['when a header is undeclared', { 'mcp-param-other': 'x' }, {}],
    ['when a member is inherited', {}, { place: Object.create({ city: 'x' }) }],
  ]
  for (const [why, sent, given] of agreeing) test(`agree ${why}`, () => checkParamHeaders(tool, sent, given))

  const differing: readonly (readonly [
    why: string,
    headers: Readonly<Record<string, string | string[]>>,
    args: unknown,
  ])[] = [
    ['when a value differs', { 'mcp-param-region': 'us' }, { region: 'eu' }],
    ['when its case differs', { 'mcp-param-region': 'EU' }, { region: 'eu' }],
    ['when the header is missing', {}, { region: 'eu' }],
    ['when the argument is missing', { 'mcp-param-region': 'eu' }, {}],
    ['when the argument is null', { 'mcp-param-region': 'null' }, { region: null }],
    ['when the encoding is broken', { 'mcp-param-region': '=?base64?ZXU?=' }, { region: 'eu' }],
    ['when the encoding is not UTF-8', { 'mcp-param-region': '=?base64?/w==?=' }, { region: '\ufffd' }],
    ['when an integer differs', { 'mcp-param-priority': '43' }, { priority: 42 }],
    ['when an integer is hexadecimal', { 'mcp-param-priority': '0x2a' }, { priority: 42 }],
    ['when an integer is empty', { 'mcp-param-priority': '' }, { priority: 0 }],
    ['when a string looks like the integer', { 'mcp-param-region': '42.0' }, { region: '42' }],
    ['when a boolean is spelled otherwise', { 'mcp-param-verbose': 'False' }, { verbose: false }],
    ['when the header came twice', { 'mcp-param-region': ['eu', 'eu'] }, { region: 'eu' }],
    ['when the argument is an object', { 'mcp-param-region': '[object Object]' }, { region: {} }],
  ]
  for (const [why, sent, given] of differing) {
    test(`differ ${why}`, () => {
      assert.throws(() => checkParamHeaders(tool, sent, given), { code: 'message.header_mismatch' })
    })
  }

  test('that we build agree', () => {
    assert.deepEqual(paramHeadersFor(tool, args), headers)
    const values = fc.record({
      region: fc.string({ unit: 'grapheme' }),
      priority: fc.maxSafeInteger(),
      verbose: fc.boolean(),
    })
    fc.assert(fc.property(values, (given) => checkParamHeaders(tool, paramHeadersFor(tool, given), given)))
  })
})

test('a lying header of a modern call does not reach the upstream; in the older revisions it means nothing', async () => {
  const reached: string[] = []
  const gate = Pipeline.from<ReturnType<typeof callOf>>()
    .check(checkParamHeadersStage)
    .to(async ({ call }) => ({ status: 200 + reached.push(call.era) }))
  const modern = callOf(tool, { name: 'tool', arguments: { region: 'eu' } })
  const lying = { ...modern, head: { ...modern.head, headers: { 'mcp-param-region': 'us' } } }
  await assert.rejects(gate({ ...lying }), { code: 'message.header_mismatch' })
  assert.deepEqual(reached, [])
  await gate({ ...lying, call: { ...lying.call, era: 'legacy' } })
  assert.deepEqual(reached, ['legacy'])
})
