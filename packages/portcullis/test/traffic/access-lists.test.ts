import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { MemoryBlocks } from '../../src/stores/memory/blocks.ts'
import { AccessLists, type ListSource } from '../../src/traffic/access-lists.ts'
import { BlockList } from '../../src/traffic/block-list.ts'
import { type BlockKind, type Entry, FOR_EVER_MS } from '../../src/traffic/blocks.ts'
import { Countries } from '../../src/traffic/country-file.ts'
import { entrySet } from '../../src/traffic/entry-set.ts'
import { clockAt } from './fixtures.ts'

const entry = (kind: BlockKind, value: string, more: Partial<Entry> = {}): Entry => ({
  ...{ kind, value, tenant: '', reason: 'r', source: 's', untilMs: FOR_EVER_MS, ...more },
})

function site(
  blocked: readonly Entry[],
  allowed: readonly Entry[] = [],
  countries: readonly (readonly [string, string])[] = [],
) {
  const clock = clockAt(1_000)
  const store = new MemoryBlocks()
  const blocks = new BlockList({ store, clock, pollMs: 500, onProblem: () => {} })
  const sources: ListSource[] = []
  if (blocked.length > 0) sources.push({ effect: 'block', entries: entrySet(blocked) })
  if (allowed.length > 0) sources.push({ effect: 'allow', entries: entrySet(allowed) })
  const known = new Countries()
  for (const [network, country] of countries) known.add(network, country)
  assert.ok([...known.finish()].length > 0)
  return { clock, store, blocks, lists: new AccessLists({ sources, blocks, clock, countries: () => known }) }
}

const key: Principal = { id: 'key:k1', tenant: 'a', roles: [], credential: { kind: 'api-key', id: 'k1' } }
const person: Principal = { id: 'user:u', tenant: 'a', roles: [], credential: { kind: 'jwt', id: 'j', client: 'c1' } }

test('addresses are refused by network, in every spelling, until the entry ends', () => {
  const { lists, clock } = site([entry('address', '192.0.2.0/24', { untilMs: 2_000 }), entry('address', '192.0.2.7')])
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201'])
    assert.ok(lists.refusalOfAddress(address), address)
  assert.equal(lists.refusalOfAddress('192.0.3.1'), undefined)
  clock.at = 2_000
  assert.equal(lists.refusalOfAddress('192.0.2.1'), undefined)
  assert.ok(lists.refusalOfAddress('192.0.2.7'), 'the smaller one still holds')
})

test('an allow list serves only what it lists, and a block counts even there', () => {
  const { lists, clock } = site([entry('address', '192.0.2.9')], [entry('address', '192.0.2.0/24', { untilMs: 5_000 })])
  assert.equal(lists.refusalOfAddress('192.0.2.1'), undefined)
  assert.equal(lists.refusalOfAddress('198.51.100.1')?.reason, 'not on the allow list')
  assert.equal(lists.refusalOfAddress('192.0.2.9')?.reason, 'r')
  assert.ok(lists.refusalOfAddress('no address'))
  clock.at = 5_000
  assert.ok(lists.refusalOfAddress('192.0.2.1'), 'an allow list whose last entry expired is no open door')
})

test('countries are refused and allowed by the file that knows them', () => {
  const where = [
    ['192.0.2.0/24', 'NL'],
    ['198.51.100.0/24', 'US'],
  ] as const
  const blocking = site([entry('country', 'NL')], [], where).lists
  assert.deepEqual(
    ['192.0.2.1', '198.51.100.1', '203.0.113.1'].map((address) => blocking.refusalOfAddress(address)?.kind),
    ['country', undefined, undefined],
  )
  const allowing = site([], [entry('country', 'NL'), entry('address', '203.0.113.1')], where).lists
  assert.deepEqual(
    ['192.0.2.1', '198.51.100.1', '203.0.113.1', '203.0.113.2'].map(
      (address) => allowing.refusalOfAddress(address)?.reason,
    ),
    [undefined, 'not on the allow list', undefined, 'not on the allow list'],
  )
})

test('callers are refused as principals, clients and keys, and by entries of their own tenant only', () => {
  for (const [blocked, caller] of [
    [entry('principal', 'key:k1'), key],
    [entry('key', 'k1'), key],
    [entry('client', 'c1', { tenant: 'a' }), person],
    [entry('principal', 'user:u', { tenant: 'a' }), person],
  ] as const) {
    const { lists } = site([blocked])
    assert.equal(lists.refusalOfCaller(caller)?.kind, blocked.kind)
    assert.equal(lists.refusalOfCaller(caller === key ? person : key), undefined)
  }
  const { lists } = site([entry('principal', 'user:u', { tenant: 'b' }), entry('key', 'j')])
  assert.equal(lists.refusalOfCaller(person), undefined)
})

test('whoever is on the allow list by one of principal, client and key is served', () => {
  const { lists } = site([], [entry('client', 'c1'), entry('key', 'k1')])
  assert.deepEqual([lists.refusalOfCaller(key), lists.refusalOfCaller(person)], [undefined, undefined])
  assert.ok(lists.refusalOfCaller({ ...person, credential: { ...person.credential, client: 'c2' } }))
  const other = site([], [entry('client', 'c9', { tenant: 'b' })]).lists
  assert.equal(other.refusalOfCaller(person), undefined, 'a list of another tenant is none of its')
})

test('tools and upstreams are refused and allowed, and lists of an upstream go with any of its tools', () => {
  const blocking = site([entry('tool', 'files__write'), entry('upstream', 'mail', { tenant: 'a' })]).lists
  assert.ok(blocking.refusalOfTarget('a', 'files', 'files__write'))
  assert.equal(blocking.refusalOfTarget('a', 'files', 'files__read'), undefined)
  assert.ok(blocking.refusalOfTarget('a', 'mail', undefined))
  assert.equal(blocking.refusalOfTarget('b', 'mail', undefined), undefined)
  const allowing = site([], [entry('tool', 'files__read')]).lists
  assert.equal(allowing.refusalOfTarget('a', 'files', 'files__read'), undefined)
  assert.equal(allowing.refusalOfTarget('a', 'files', undefined), undefined)
  assert.ok(allowing.refusalOfTarget('a', 'files', 'files__write'))
  assert.ok(allowing.refusalOfTarget('a', 'mail', undefined))
})

test('a block holds here at once even if the store fails, and is told to who listens', async () => {
  const { lists, blocks, store } = site([])
  let told = 0
  lists.onChanged(() => told++)
  store.put = () => Promise.reject(new Error('down'))
  await assert.rejects(blocks.block({ kind: 'address', value: '192.0.2.0/24', reason: 'r', source: 's' }), /down/)
  assert.ok(lists.refusalOfAddress('::ffff:192.0.2.1'))
  assert.equal(told, 1)
})

test('another node hears of blocks and of their end, in the order of the store', async () => {
  const { blocks, store, clock } = site([])
  const other = new BlockList({ store, clock, pollMs: 500, onProblem: () => {} })
  await blocks.block({ kind: 'principal', value: 'user:u', tenant: 'a', reason: 'r', source: 's' })
  await blocks.block({ kind: 'address', value: '2001:DB8::/32', reason: 'r', source: 's', untilMs: 9_000 })
  await other.refresh()
  assert.equal(other.list(clock.now()).length, 2)
  assert.ok(other.address([0x20010db8, 0, 0, 1], clock.now()))
  assert.equal(other.address([0x20010db8, 0, 0, 1], 9_000), undefined)
  clock.at = 1_500
  assert.equal(await other.remove('principal', 'a', 'user:u'), true)
  assert.equal(await other.remove('principal', 'a', 'user:u'), false)
  await blocks.refresh()
  assert.deepEqual(
    blocks.list(clock.now()).map(({ value }) => value),
    ['2001:db8::/32'],
  )
})

test('what names nothing of its kind is not blocked', async () => {
  const { blocks } = site([])
  const bad = [
    ['address', '10.0.0.0/33'],
    ['country', 'NLD'],
    ['principal', 'a\nb'],
    ['tool', 'write'],
    ['upstream', 'No'],
    ['key', ''],
  ] as const
  for (const [kind, value] of bad)
    await assert.rejects(blocks.block({ kind, value, reason: 'r', source: 's' }), { code: 'administration.refused' })
  await assert.rejects(blocks.block({ kind: 'address', value: '192.0.2.1', tenant: 'a', reason: 'r', source: 's' }), {
    code: 'administration.refused',
  })
  assert.deepEqual(blocks.list(0), [])
})
