import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../../../src/core/fault.ts'
import { ProviderAccounts } from '../../../../src/identity/server/providers/provider-accounts.ts'
import type { ProviderRules } from '../../../../src/identity/server/providers/provider-rules.ts'
import { openMemoryStores } from '../../../../src/stores/memory/open.ts'

const ISSUER = 'https://acme.example'
const RULES: ProviderRules = {
  admit: 'everybody',
  creates: true,
  claims: {
    tenant: { claim: 'org', map: { acme: 'acme', rival: 'rival' } },
    roles: { claim: 'groups', map: { boss: ['admin'] } },
    everyone: ['user'],
  },
  nameClaim: 'nickname',
  believesStrength: false,
}

function desk(witness?: () => Promise<void>) {
  const { accounts, accountLinks: links } = openMemoryStores()
  const told: string[] = []
  const ended: string[] = []
  const people = new ProviderAccounts({
    accounts,
    links,
    clock: { now: () => 1_000 },
    witness: {
      changed: async (_tenant, what) => {
        told.push(what)
        await witness?.()
      },
      refused: async () => {},
      failed: () => {},
    },
    setRoles: async ({ tenant, id }, roles) => {
      ended.push(id)
      await accounts.update(tenant, id, { roles })
    },
  })
  const signIn = (claims: object, rules: Partial<ProviderRules> = {}) =>
    people.signedIn(
      { name: 'acme', issuer: ISSUER, rules: { ...RULES, ...rules } },
      { iss: ISSUER, sub: '42', org: 'acme', nickname: 'Alice', ...claims },
    )
  return { accounts, links, told, ended, signIn }
}

const reason = (text: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof Fault)
  assert.deepEqual([thrown.code, thrown.detail], ['identity.sign_in_failed', { provider: 'acme', reason: text }])
  return true
}

test('the first sign-in makes an account in the tenant and with the roles of the claims', async () => {
  const { accounts, signIn } = desk()
  const { accountId, amr, acr } = await signIn({ groups: ['boss'], amr: ['mfa'], acr: 'high' })
  assert.deepEqual([amr, acr], [['fed'], undefined])
  assert.partialDeepStrictEqual(await accounts.findById(accountId), {
    name: 'alice',
    tenant: 'acme',
    roles: ['user', 'admin'],
  })
  assert.equal((await signIn({ nickname: 'somebody else' })).accountId, accountId, 'the name is not the key')
})

test('of 20 first sign-ins at once one makes the account, and no other is made', async () => {
  const { accounts, links, signIn } = desk()
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => signIn({})))
  assert.ok(outcomes.some(({ status }) => status === 'fulfilled'))
  const [only, ...more] = await accounts.list('acme')
  assert.deepEqual(more, [])
  assert.equal((await links.find(ISSUER, '42'))?.account, only?.id)
})

test('what cannot be recorded is not made', async () => {
  const { accounts, links, signIn } = desk(() => Promise.reject(new Error('no audit')))
  await assert.rejects(signIn({}), /no audit/)
  assert.deepEqual(await accounts.list('acme'), [])
  assert.equal(await links.find(ISSUER, '42'), undefined)
})

test('a name that is taken is refused, and the subject stays free', async () => {
  const { accounts, links, signIn } = desk()
  await accounts.insert({ id: 'a', tenant: 'acme', name: 'alice', roles: [], createdAt: 0 })
  await assert.rejects(signIn({}), reason('the name is taken'))
  assert.equal(await links.find(ISSUER, '42'), undefined)
})

for (const [what, claims, text] of [
  ['no tenant', { org: undefined }, 'no tenant'],
  ['a tenant of another house', { org: 'root' }, 'no tenant'],
  ['no name', { nickname: undefined }, 'no usable name'],
  ['a name that is none', { nickname: 'a b' }, 'no usable name'],
  ['a subject of endless length', { sub: 'x'.repeat(256) }, 'the subject is too long'],
] as const) {
  test(`claims with ${what} make no account`, async () => {
    const { accounts, signIn } = desk()
    await assert.rejects(signIn(claims), reason(text))
    assert.deepEqual(await accounts.list('acme'), [])
  })
}

test('nobody moves to another tenant by a claim', async () => {
  const { signIn } = desk()
  await signIn({})
  await assert.rejects(signIn({ org: 'rival' }), reason('another tenant'))
})

test('roles follow the claims; one that is lost ends what was given with it', async () => {
  const { accounts, signIn, ended, told } = desk()
  const { accountId } = await signIn({})
  await signIn({ groups: ['boss'] })
  assert.deepEqual((await accounts.findById(accountId))?.roles, ['user', 'admin'])
  assert.deepEqual(ended, [])
  await signIn({ groups: [] })
  assert.deepEqual((await accounts.findById(accountId))?.roles, ['user'])
  assert.deepEqual(ended, [accountId])
  await signIn({})
  assert.deepEqual(told, ['user.created', 'user.roles-changed', 'user.roles-changed'])
})

test('an account that an operator has linked keeps its own roles and tenant', async () => {
  const { accounts, links, signIn } = desk()
  await accounts.insert({ id: 'a', tenant: 'rival', name: 'root', roles: ['auditor'], createdAt: 0 })
  const link = { issuer: ISSUER, subject: '42', account: 'a', tenant: 'rival', createdAt: 0 }
  await links.add({ ...link, origin: 'operator' })
  assert.equal((await signIn({ groups: ['boss'] }, { creates: false })).accountId, 'a')
  assert.deepEqual((await accounts.findById('a'))?.roles, ['auditor'])
  await accounts.update('rival', 'a', { disabledAt: 5 })
  await assert.rejects(signIn({}), reason('the account is disabled'))
  await accounts.remove('rival', 'a')
  await assert.rejects(signIn({}), reason('the account is gone'))
})

test('strength that is believed is passed on, as far as it is any', async () => {
  const { signIn } = desk()
  const rules = { believesStrength: true }
  assert.partialDeepStrictEqual(await signIn({ amr: ['pwd', 7, ''], acr: 'gold' }, rules), {
    amr: ['fed', 'pwd'],
    acr: 'gold',
  })
  const odd = await signIn({ amr: 'mfa', acr: 1 }, rules)
  assert.deepEqual([odd.amr, odd.acr], [['fed'], undefined])
  assert.deepEqual((await signIn({ amr: Array.from({ length: 17 }, String) }, rules)).amr, ['fed'])
})
