import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createChallenges } from '../../src/identity/challenge.ts'

const RESOURCE = 'https://gate.example/mcp/files'
const WHERE = 'resource_metadata="https://gate.example/.well-known/oauth-protected-resource/mcp/files"'

describe('createChallenges', () => {
  const NO_PROOFS = { proofAlgorithms: [], boundOnly: () => false }
  const published = createChallenges({ discovery: 'published', scopesOf: () => ['mcp'], ...NO_PROOFS })

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
    const keysOnly = createChallenges({ discovery: 'none', scopesOf: () => [], ...NO_PROOFS })
    assert.equal(keysOnly.missing(RESOURCE), 'Bearer realm="mcp"')
    assert.equal(keysOnly.invalid(RESOURCE), 'Bearer realm="mcp", error="invalid_token"')
  })

  const algs = 'algs="ES256 EdDSA"'
  const proofs = { discovery: 'published', scopesOf: () => ['mcp'], proofAlgorithms: ['ES256', 'EdDSA'] } as const

  it('offers Bearer first and DPoP beside it, with its algorithms', () => {
    const both = createChallenges({ ...proofs, boundOnly: () => false })
    assert.equal(both.missing(RESOURCE), `Bearer realm="mcp", ${WHERE}, scope="mcp", DPoP ${algs}`)
    assert.equal(
      both.invalid(RESOURCE),
      `Bearer realm="mcp", ${WHERE}, scope="mcp", error="invalid_token", DPoP ${algs}, error="invalid_token"`,
    )
  })

  it('offers DPoP alone where a bearer opens nothing', () => {
    const bound = createChallenges({ ...proofs, boundOnly: (resource) => resource === RESOURCE })
    assert.equal(bound.missing(RESOURCE), `DPoP realm="mcp", ${WHERE}, scope="mcp", ${algs}`)
    assert.match(bound.missing('https://gate.example/mcp/mail'), /^Bearer /)
  })

  it('asks for a nonce by its own error', () => {
    const both = createChallenges({ ...proofs, boundOnly: () => false })
    assert.equal(both.useNonce(RESOURCE), `DPoP realm="mcp", ${WHERE}, error="use_dpop_nonce", ${algs}`)
  })

  for (const scope of ['', 'a b', 'a"b', 'a\\b', 'a\r\nx: y', 'ä']) {
    it(`refuses the scope ${JSON.stringify(scope)}`, () => {
      const bad = createChallenges({ discovery: 'none', scopesOf: () => [scope], ...NO_PROOFS })
      assert.throws(() => bad.missing(RESOURCE), TypeError)
      assert.throws(() => published.insufficientScope(RESOURCE, [scope]), TypeError)
    })
  }
})
