import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Params } from '../../src/mcp/message.ts'
import { canonicalJson, digestOf } from '../../src/mcp/canonical.ts'
import { readToolList, type ToolListLimits } from '../../src/upstream/tool-list.ts'
import { isFault } from './harness.ts'

const LIMITS: ToolListLimits = { maxPages: 3, maxTools: 5, maxBytes: 10_000 }
const tool = (name: unknown, more: Params = {}): Params => ({ name, inputSchema: { type: 'object' }, ...more })
const read = (pages: readonly Params[], limits = LIMITS) => {
  let at = 0
  return readToolList('up', async () => pages[at++] ?? {}, limits)
}

describe('readToolList', () => {
  it('joins pages and keeps every member that the upstream sent', async () => {
    const cursors: unknown[] = []
    const list = await readToolList(
      'up',
      async (cursor) => {
        cursors.push(cursor)
        return cursor === undefined ? { tools: [tool('a', { x: { y: 1 } })], nextCursor: 'n' } : { tools: [tool('b')] }
      },
      LIMITS,
    )
    assert.deepEqual(cursors, [undefined, 'n'])
    assert.deepEqual([...list.tools.keys()], ['a', 'b'])
    assert.deepEqual(list.tools.get('a')?.raw, tool('a', { x: { y: 1 } }))
  })

  it('offers neither of two tools of one name', async () => {
    const list = await read([{ tools: [tool('a'), tool('b'), tool('a', { evil: true })] }])
    assert.deepEqual([...list.tools.keys()], ['b'])
    assert.equal(list.problems.length, 1)
  })

  it('leaves tools out that cannot be named or checked', async () => {
    const bad = [
      tool(''),
      tool(7),
      tool('x'.repeat(257)),
      tool('a\u0000b'),
      tool('a\u2028'),
      { name: 'n' },
      null,
      tool('s', { inputSchema: true }),
    ]
    const list = await read([{ tools: [...bad, tool('ok')] }], { ...LIMITS, maxTools: 20 })
    assert.deepEqual([...list.tools.keys()], ['ok'])
    assert.equal(list.problems.length, bad.length)
  })

  const broken: Record<string, [readonly Params[], Parameters<typeof isFault>[0]]> = {
    'no tools': [[{}], 'upstream.malformed'],
    'tools that are no list': [[{ tools: {} }], 'upstream.malformed'],
    'a cursor that is no text': [[{ tools: [], nextCursor: 1 }], 'upstream.malformed'],
    'a cursor that repeats': [[1, 2, 3].map(() => ({ tools: [], nextCursor: 'same' })), 'upstream.malformed'],
    'too many pages': [['a', 'b', 'c', 'd'].map((nextCursor) => ({ tools: [], nextCursor })), 'upstream.too_large'],
    'too many tools': [[{ tools: Array.from({ length: 6 }, (_, n) => tool(`t${n}`)) }], 'upstream.too_large'],
    'too many bytes': [[{ tools: [tool('a', { description: 'x'.repeat(20_000) })] }], 'upstream.too_large'],
  }
  for (const [title, [pages, code]] of Object.entries(broken)) {
    it(`refuses ${title}`, () => assert.rejects(read(pages), isFault(code)))
  }
})

describe('digests', () => {
  it('do not depend on the order of members, and on everything else', () => {
    const digest = digestOf({ a: 1, b: [1, 2, { c: 'x', d: null }] })
    assert.equal(digestOf({ b: [1, 2, { d: null, c: 'x' }], a: 1 }), digest)
    for (const other of [
      { a: 1, b: [2, 1, { c: 'x', d: null }] },
      { a: '1', b: [1, 2, { c: 'x', d: null }] },
      { a: 1, b: [1, 2, { c: 'x' }] },
    ]) {
      assert.notEqual(digestOf(other), digest)
    }
  })

  it('are over a text that means the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
