import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SubjectTokens } from '../../src/gateway/subject-tokens.ts'

const clock = { now: () => 1_000 }
const call = (token: string, credential: object = {}) =>
  ({
    principal: { tenant: 'default', id: 'user', credential: { kind: 'jwt', id: 'x', ...credential } },
    head: { headers: { authorization: token } },
  }) as never
const holder = { tenant: 'default', principal: 'user' }

test('a caller who comes with a bound credential is not served with an earlier token of the same person', () => {
  const tokens = new SubjectTokens(clock)
  tokens.wanted = true
  tokens.note(call('Bearer broad'))
  assert.equal(tokens.of(holder)?.reveal(), 'broad')
  tokens.note(call('DPoP bound', { bound: 'key' }))
  assert.equal(tokens.of(holder), undefined)
  tokens.note(call('Bearer broad'))
  tokens.note(call('Bearer pk_key', { kind: 'api-key' }))
  assert.equal(tokens.of(holder), undefined)
})
