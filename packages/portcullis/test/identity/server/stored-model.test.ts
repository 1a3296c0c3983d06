import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdapterPayload } from 'oidc-provider'
import { StoredModel, type StoredModelParts } from '../../../src/identity/server/stored-model.ts'
import { MemoryGrants } from '../../../src/stores/memory/grants.ts'

function models() {
  const grants = new MemoryGrants()
  const ended: string[] = []
  const parts: StoredModelParts = {
    grants,
    clock: { now: () => 10_000 },
    onGrantEnded: async (grantId) => void ended.push(grantId),
    onTokenEnded: async ({ jti }) => void ended.push(`token ${jti}`),
    reused: () => new Error('reused'),
  }
  return { grants, ended, of: (kind: string) => new StoredModel(kind, parts) }
}

const ID = 'a-secret-id-of-forty-three-characters-000001'
const code = (changes: Partial<AdapterPayload> = {}): AdapterPayload => ({
  kind: 'AuthorizationCode',
  jti: ID,
  grantId: 'grant',
  accountId: 'alice',
  ...changes,
})

test('what comes back is what was kept, but for the sign-in of the browser', async () => {
  const { of } = models()
  const payload = code({
    returnTo: `https://gateway.example/auth/authorize/${ID}`,
    session: { uid: 'u', cookie: 'session-secret' },
  })
  await of('Interaction').upsert(ID, payload, 60)
  const found = await of('Interaction').find(ID)
  assert.deepEqual(found, { ...payload, session: { uid: 'u' } })
})

test('nothing in the entries can be presented', async () => {
  const { grants, of } = models()
  let written = ''
  const put = grants.put.bind(grants)
  grants.put = async (entry) => {
    written += JSON.stringify(entry)
    return put(entry)
  }
  await of('RefreshToken').upsert(ID, code(), 60)
  await of('DeviceCode').upsert(ID, code({ userCode: 'ABCDEFGH' }), 60)
  await of('Session').upsert(ID, code({ uid: 'public' }), 60)
  for (const secret of [ID, 'ABCDEFGH']) assert.ok(!written.includes(secret))
})

test('a text of a caller that looks like our placeholder stays that text', async () => {
  const { of } = models()
  const payload = code({ params: { state: '{id }', other: '{id x}' } })
  await of('Interaction').upsert(ID, payload, 60)
  assert.deepEqual(await of('Interaction').find(ID), payload)
})

test('a device code that was found by its user code can be written again', async () => {
  const { of } = models()
  await of('DeviceCode').upsert(ID, code({ userCode: 'ABCDEFGH' }), 60)
  const found = await of('DeviceCode').findByUserCode('ABCDEFGH')
  assert.equal(found?.userCode, 'ABCDEFGH')
  await of('DeviceCode').upsert(String(found?.jti), { ...found, inFlight: true }, 60)
  assert.partialDeepStrictEqual(await of('DeviceCode').find(ID), { jti: ID, inFlight: true })
  assert.equal(await of('DeviceCode').findByUserCode('ABCDEFGI'), undefined)
})

test('the second use is refused and ends the family and its consent', async () => {
  const { of, ended } = models()
  await of('Grant').upsert('grant', { kind: 'Grant', jti: 'grant', accountId: 'alice' }, 60)
  await of('AuthorizationCode').upsert(ID, code(), 60)
  await of('RefreshToken').upsert('refresh', code({ kind: 'RefreshToken', jti: 'refresh' }), 60)
  await of('AuthorizationCode').consume(ID)
  assert.equal((await of('AuthorizationCode').find(ID))?.consumed, 10)
  await assert.rejects(of('AuthorizationCode').consume(ID), /reused/)
  assert.equal(await of('RefreshToken').find('refresh'), undefined)
  assert.equal(await of('Grant').find('grant'), undefined)
  assert.deepEqual(ended, ['grant'])
})

test('of 50 who use one at once exactly one succeeds', async () => {
  const { of } = models()
  await of('AuthorizationCode').upsert(ID, code(), 60)
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => of('AuthorizationCode').consume(ID)))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a proof is noted once', async () => {
  const { of } = models()
  const note = () => of('ReplayDetection').upsert('jti', { jti: 'jti', iss: 'x' }, 60)
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, note))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a token that ends is told, once', async () => {
  const { of, ended } = models()
  await of('AccessToken').upsert('handle', { kind: 'AccessToken', jti: 'handle' }, 60)
  await of('AccessToken').destroy('handle')
  await of('AccessToken').destroy('handle')
  assert.deepEqual(ended, ['token handle'])
})
