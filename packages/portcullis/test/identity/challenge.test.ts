import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createChallenges } from '../../src/identity/challenge.ts'

const RESOURCE = 'https://gate.example/mcp/files'
const WHERE = 'resource_metadata="https://gate.example/.well-known/oauth-protected-resource/mcp/files"'

describe('createChallenges', () => {
  const published = createChallenges({ discovery: 'published', scopes: ['mcp'] })

  it('names the metadata and no error when nothing was presented', () => {
    assert.equal(published.missing(RESOURCE), `Bearer realm="mcp", ${WHERE}, scope="mcp"`)
  })

  it('says invalid_token when something was', () => {
    assert.equal(published.invalid(RESOURCE), `Bearer realm="mcp", ${WHERE}, scope="mcp", error="invalid_token"`)
  })

  it('asks for the full scope set of the operation', () => {
    const challenge = published.insufficientScope(RESOURCE, ['mcp', 'files:write'])
    assert.equal(challenge, `Bearer realm="mcp", ${WHERE}, scope="mcp files:write", error="insufficient_scope"`)
  })

  it('leaves discovery out where there is none', () => {
    const keysOnly = createChallenges({ discovery: 'none', scopes: [] })
    assert.equal(keysOnly.missing(RESOURCE), 'Bearer realm="mcp"')
    assert.equal(keysOnly.invalid(RESOURCE), 'Bearer realm="mcp", error="invalid_token"')
  })

  for (const scope of ['', 'a b', 'a"b', 'a\\b', 'a\r\nx: y', 'ä']) {
    it(`refuses the scope ${JSON.stringify(scope)}`, () => {
      assert.throws(() => createChallenges({ discovery: 'none', scopes: [scope] }), TypeError)
      assert.throws(() => published.insufficientScope(RESOURCE, [scope]), TypeError)
    })
  }
})
