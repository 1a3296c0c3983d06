import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../src/core/fault.ts'
import { checkStandardHeaders, decodeHeaderValue, encodeHeaderValue, standardHeaders } from '../../src/mcp/headers.ts'

const VERSION = '2026-07-28'
const refused = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === 'message.header_mismatch'

describe('header values', () => {
  const cases = [
    ['plain', 'plain'],
    ['with space', 'with space'],
    [' lead', '=?base64?IGxlYWQ=?='],
    ['trail ', '=?base64?dHJhaWwg?='],
    ['', '=?base64??='],
    ['日', '=?base64?5pel?='],
    ['a\nb', '=?base64?YQpi?='],
    ['=?base64?YQ==?=', '=?base64?PT9iYXNlNjQ/WVE9PT89?='],
    ['=?BASE64?YQ==?=', '=?BASE64?YQ==?='],
  ] as const
  for (const [value, encoded] of cases) {
    it(`writes ${JSON.stringify(value)} as ${encoded}`, () => {
      assert.equal(encodeHeaderValue(value), encoded)
      assert.equal(decodeHeaderValue(encoded), value)
    })
  }

  it('refuses an encoding that is not canonical or not UTF-8', () => {
    for (const bad of ['=?base64?YQ=?=', '=?base64?Y?=', '=?base64?YQ-_?=', '=?base64?YQ ==?=', '=?base64?/w==?=']) {
      assert.equal(decodeHeaderValue(bad), undefined, bad)
    }
  })

  it('round-trips every string as one visible ASCII line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const encoded = encodeHeaderValue(value)
        assert.match(encoded, /^[\x20-\x7e]+$/)
        assert.equal(decodeHeaderValue(encoded), value)
      }),
    )
  })
})

describe('standardHeaders', () => {
  it('names what the message names', () => {
    const rows = [
      ['tools/call', { name: 'echo' }, 'echo'],
      ['prompts/get', { name: 'é' }, '=?base64?w6k=?='],
      ['resources/read', { uri: 'file:///a' }, 'file:///a'],
      ['tasks/get', { taskId: 't1' }, 't1'],
      ['tasks/update', { taskId: 't1' }, 't1'],
      ['tasks/cancel', { taskId: 't1' }, 't1'],
      ['tools/list', { name: 'echo' }, undefined],
    ] as const
    for (const [method, params, name] of rows) {
      const headers = standardHeaders(method, params, VERSION)
      assert.deepEqual(
        [headers['mcp-method'], headers['mcp-name'], headers['mcp-protocol-version']],
        [method, name, VERSION],
      )
      checkStandardHeaders(headers, method, params, VERSION)
    }
  })
})

describe('checkStandardHeaders', () => {
  const good = { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
  const check = (headers: Record<string, string | string[]>): void =>
    checkStandardHeaders(headers, 'tools/call', { name: 'echo' }, VERSION)

  it('accepts an encoded value that means the same', () => {
    check({ ...good, 'mcp-name': '=?base64?ZWNobw==?=' })
  })

  const lies: Record<string, Record<string, string | string[]>> = {
    'another tool': { ...good, 'mcp-name': 'other' },
    'another case': { ...good, 'mcp-name': 'Echo' },
    'two names': { ...good, 'mcp-name': 'echo, other' },
    'a repeated header': { ...good, 'mcp-name': ['echo', 'echo'] },
    'a broken encoding': { ...good, 'mcp-name': '=?base64?!?=' },
    'another method': { ...good, 'mcp-method': 'tools/list' },
    'another version': { ...good, 'mcp-protocol-version': '2025-11-25' },
    'no name': { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call' },
    'no method': { 'mcp-protocol-version': VERSION, 'mcp-name': 'echo' },
    'no version': { 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
  }
  for (const [title, headers] of Object.entries(lies)) {
    it(`refuses ${title}`, () => assert.throws(() => check(headers), refused))
  }

  it('does not take a plain value that looks encoded for itself', () => {
    const name = '=?base64?ZWNobw==?='
    const headers = { ...good, 'mcp-name': name }
    assert.throws(() => checkStandardHeaders(headers, 'tools/call', { name }, VERSION), refused)
  })
})
