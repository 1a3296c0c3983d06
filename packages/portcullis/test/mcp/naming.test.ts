import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  NAME_SEPARATOR,
  ownNames,
  prefixedNames,
  renameResult,
  splitPrefix,
  URI_SEPARATOR,
} from '../../src/mcp/naming.ts'

const upstreamName = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/)
const rest = fc.string({ minLength: 1 })

describe('names on the aggregate path', () => {
  it('can be undone, whatever the upstream calls its tools and resources', () => {
    fc.assert(
      fc.property(upstreamName, rest, (upstream, own) => {
        const naming = prefixedNames(upstream)
        assert.deepEqual(splitPrefix(naming.name(own), NAME_SEPARATOR), { upstream, rest: own })
        assert.deepEqual(splitPrefix(naming.uri(own), URI_SEPARATOR), { upstream, rest: own })
      }),
    )
  })

  it('without a prefix lead nowhere', () => {
    for (const name of ['', 'read', '__read', 'files__', '_'])
      assert.equal(splitPrefix(name, NAME_SEPARATOR), undefined)
  })

  it('replace every URI of a result and nothing else', () => {
    const result = {
      content: [
        { type: 'text', text: 'file:///a' },
        { type: 'resource_link', uri: 'file:///a', name: 'a' },
        { type: 'resource', resource: { uri: 'file:///b', text: 'file:///b' } },
        { type: 'unknown-kind', uri: 'file:///c' },
      ],
      messages: [{ role: 'user', content: { type: 'resource', resource: { uri: 'file:///d', text: '' } } }],
      structuredContent: { uri: 'file:///e' },
      later: { uri: 'file:///f' },
    }
    assert.deepEqual(renameResult(result, prefixedNames('files')), {
      content: [
        { type: 'text', text: 'file:///a' },
        { type: 'resource_link', uri: 'files+file:///a', name: 'a' },
        { type: 'resource', resource: { uri: 'files+file:///b', text: 'file:///b' } },
        { type: 'unknown-kind', uri: 'file:///c' },
      ],
      messages: [{ role: 'user', content: { type: 'resource', resource: { uri: 'files+file:///d', text: '' } } }],
      structuredContent: { uri: 'file:///e' },
      later: { uri: 'file:///f' },
    })
  })

  it('on an own path leave the very same result', () => {
    const result = { content: [{ type: 'resource_link', uri: 'a:b' }] }
    assert.equal(renameResult(result, ownNames), result)
  })
})
