import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Method, methodOf, targetOf } from '../../src/mcp/methods.ts'

const method = (name: string): Method => methodOf(name, 'legacy') ?? assert.fail(name)

describe('the table of methods', () => {
  it('reads from a ref what a completion acts upon', () => {
    const completion = method('completion/complete')
    assert.deepEqual(targetOf(completion, { ref: { type: 'ref/prompt', name: 'p' } }), { kind: 'prompt', name: 'p' })
    const template = { ref: { type: 'ref/resource', uri: 'a:{b}', name: 'other' } }
    assert.deepEqual(targetOf(completion, template), { kind: 'resource', name: 'a:{b}' })
  })

  it('takes no ref that another reader could take for something', () => {
    const refs = [
      undefined,
      null,
      'ref/prompt',
      [],
      {},
      { type: 'ref/prompt' },
      { type: 'ref/prompt', name: '' },
      { type: 'ref/prompt', uri: 'a:b' },
      { type: 'ref/Prompt', name: 'p' },
      { type: 'ref/tool', name: 'p' },
      { name: 'p' },
    ]
    for (const ref of refs)
      assert.equal(targetOf(method('completion/complete'), { ref }), undefined, JSON.stringify(ref))
  })

  it('reads a ref from no other method', () => {
    assert.deepEqual(targetOf(method('tools/list'), { ref: { type: 'ref/prompt', name: 'p' } }), { kind: 'none' })
  })
})
