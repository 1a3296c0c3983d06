import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, it } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { credentialHeaders } from '../../src/upstream/credentials.ts'

describe('credentialHeaders', () => {
  it('gives names and values in a row', () => {
    assert.deepEqual(credentialHeaders({ Authorization: new Secret('Bearer x') }), ['Authorization', 'Bearer x'])
  })

  const bad: Record<string, string> = {
    'Mcp-Session-Id': 'x',
    Host: 'x',
    'X-HTTP-Method-Override': 'DELETE',
    'x-method-override': 'DELETE',
    'content-type': 'x',
    'two words': 'x',
    '': 'x',
    'x-a': 'secret\r\nx-b: c',
    'x-b': 'sécret',
    'x-c': '',
  }
  for (const [name, value] of Object.entries(bad)) {
    it(`refuses ${JSON.stringify(name)}: ${JSON.stringify(value)} without repeating the value`, () => {
      assert.throws(
        () => credentialHeaders({ [name]: new Secret(value) }),
        (thrown) =>
          thrown instanceof TypeError && (value.length < 2 || !inspect(thrown.message).includes(value.slice(0, 5))),
      )
    })
  }
})
