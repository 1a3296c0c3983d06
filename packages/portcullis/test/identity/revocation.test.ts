import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { RevocationList, revokes } from '../../src/identity/revocation.ts'
import type { Revocation } from '../../src/identity/revocation-store.ts'
import { MemoryRevocations } from '../../src/stores/memory/revocations.ts'
import { StillClock } from './still-clock.ts'

const BY_KEY: Principal = { id: 'key:a', tenant: 'acme', roles: [], credential: { kind: 'api-key', id: 'a' } }
const TOKEN = { kind: 'jwt', id: 'jti-1', digest: 'sha-1', expiresAt: 1 } as const
const BY_TOKEN: Principal = { id: 'https://i.example|ann', tenant: 'acme', roles: [], credential: TOKEN }

class Unreliable extends MemoryRevocations {
  down = false

  override async since(...question: Parameters<MemoryRevocations['since']>) {
    if (this.down) throw new Error('down')
    return super.since(...question)
  }

  override async revoke(revocation: Revocation) {
    if (this.down) throw new Error('down')
    return super.revoke(revocation)
  }
}

function list(
  t: TestContext,
  parts: { readonly store?: Unreliable; readonly clock?: StillClock; readonly pollMs?: number } = {},
) {
  const { store = new Unreliable(), clock = new StillClock(), pollMs = 1000 } = parts
  const problems: unknown[] = []
  const revocations = new RevocationList({
    store,
    clock,
    pollMs,
    staleAfterMs: 5000,
    onProblem: (error) => problems.push(error),
  })
  t.after(() => revocations.close())
  return { store, clock, revocations, problems }
}

function lost(clock: StillClock, changes: Partial<Revocation> = {}): Revocation {
  const now = clock.now()
  return { kind: 'key', tenant: 'acme', id: 'a', from: now, until: now + 60_000, reason: 'lost', ...changes }
}

describe('revokes', () => {
  it('knows somebody who has shown no credential by their name and tenant alone', () => {
    const { credential: _credential, ...unproved } = BY_KEY
    const named = { ...lost(new StillClock()), kind: 'principal', id: BY_KEY.id } as const
    assert.equal(revokes(named, unproved), true)
    assert.equal(revokes({ ...named, tenant: 'elsewhere' }, unproved), false)
    for (const kind of ['key', 'token'] as const) assert.equal(revokes({ ...named, kind, id: '' }, unproved), false)
  })

  const entry = lost(new StillClock())
  const CASES: readonly (readonly [string, Principal, Partial<Revocation>, boolean])[] = [
    ['a key by its id', BY_KEY, { kind: 'key', id: 'a' }, true],
    ['another key', BY_KEY, { kind: 'key', id: 'b' }, false],
    ['a key of another tenant', BY_KEY, { kind: 'key', id: 'a', tenant: 'rival' }, false],
    ['a key that is named as a token', BY_KEY, { kind: 'token', id: 'a' }, false],
    ['a principal', BY_TOKEN, { kind: 'principal', id: 'https://i.example|ann' }, true],
    ['a token by its jti', BY_TOKEN, { kind: 'token', id: 'jti-1' }, true],
    ['a token by its digest', BY_TOKEN, { kind: 'token', id: 'sha-1' }, true],
    ['another token of the principal', BY_TOKEN, { kind: 'token', id: 'jti-2' }, false],
  ]
  for (const [what, principal, changes, expected] of CASES) {
    it(`is ${expected} for ${what}`, () => assert.equal(revokes({ ...entry, ...changes }, principal), expected))
  }
})

describe('RevocationList', () => {
  it('holds at once where it was made, and tells the listeners', async (t) => {
    const { revocations, clock, store } = list(t)
    const told: Revocation[] = []
    revocations.onRevoked((news) => told.push(...news))
    const made = lost(clock)
    const done = revocations.revoke(made)
    assert.equal(revocations.covers(BY_KEY, clock.now()), true)
    assert.deepEqual(told, [made])
    await done
    assert.equal((await store.since(0, 10)).length, 1)
  })

  it('holds here even when the store fails, and says that it failed', async (t) => {
    const { revocations, clock, store } = list(t)
    store.down = true
    await assert.rejects(revocations.revoke(lost(clock)))
    assert.equal(revocations.covers(BY_KEY, clock.now()), true)
  })

  it('learns at start what was revoked before, over many pages', async (t) => {
    const { revocations, clock, store } = list(t)
    for (let at = 0; at < 2_001; at++) await store.revoke(lost(clock, { id: `k${at}` }))
    await store.revoke(lost(clock))
    await revocations.start()
    assert.equal(revocations.covers(BY_KEY, clock.now()), true)
  })

  it('learns within a second what another node revoked', async (t) => {
    const { revocations, clock, store } = list(t, { pollMs: 5 })
    await revocations.start()
    const heard = new Promise<readonly Revocation[]>((resolve) => revocations.onRevoked(resolve))
    await store.revoke(lost(clock))
    assert.equal((await heard)[0]?.id, 'a')
    assert.equal(revocations.covers(BY_KEY, clock.now()), true)
  })

  it('reads all of it again from a store that is behind what it has seen', async (t) => {
    const { store, revocations, clock } = list(t)
    const revoked = (id: string) => ({ kind: 'key', tenant: 'acme', id, from: 0, until: 9e15, reason: 'r' }) as const
    for (const id of ['x', 'y', 'z']) await store.revoke(revoked(id))
    await revocations.start()
    const behind = new MemoryRevocations()
    await behind.revoke(revoked('a'))
    store.since = (...question) => behind.since(...question)
    await revocations.refresh()
    assert.equal(revocations.covers(BY_KEY, clock.now()), false)
    await revocations.refresh(true)
    assert.equal(revocations.covers(BY_KEY, clock.now()), true)
    const ids = revocations.list('acme', clock.now()).map(({ id }) => id)
    assert.deepEqual(ids.toSorted(), ['a', 'x', 'y', 'z'], 'and forgets none of what it knew')
  })

  it('tells the listeners once, though its own news come back', async (t) => {
    const { revocations, clock } = list(t)
    let told = 0
    revocations.onRevoked(() => void (told += 1))
    await revocations.revoke(lost(clock))
    await revocations.refresh()
    assert.equal(told, 1)
  })

  it('holds from its instant on and not before', async (t) => {
    const { revocations, clock } = list(t)
    await revocations.revoke(lost(clock, { from: clock.now() + 10_000 }))
    await revocations.refresh()
    assert.equal(revocations.covers(BY_KEY, clock.now()), false)
    clock.advance(10_000)
    await revocations.refresh()
    assert.equal(revocations.covers(BY_KEY, clock.now()), true)
  })

  it('is over at its end', async (t) => {
    const { revocations, clock } = list(t)
    await revocations.revoke(lost(clock))
    clock.advance(60_000)
    assert.equal(revocations.covers(BY_KEY, clock.now()), false)
  })

  for (const lengths of [
    [90_000, 60_000],
    [60_000, 90_000],
  ]) {
    it(`keeps the longer of two, ${lengths.join(' and ')} milliseconds`, async (t) => {
      const { revocations, clock } = list(t)
      for (const length of lengths) await revocations.revoke(lost(clock, { until: clock.now() + length }))
      clock.advance(60_000)
      assert.equal(revocations.covers(BY_KEY, clock.now()), true)
    })
  }

  it('lets nobody in before it has started', (t) => {
    const { revocations, clock } = list(t)
    assert.throws(() => revocations.assertCurrent(clock.now()), { code: 'identity.unavailable' })
  })

  it('lets nobody in when the news have stopped, and goes on when they come again', async (t) => {
    const { revocations, clock, store, problems } = list(t, { pollMs: 5 })
    await revocations.start()
    revocations.assertCurrent(clock.now())
    store.down = true
    clock.advance(5_001)
    await delay(30)
    assert.throws(() => revocations.assertCurrent(clock.now()), { code: 'identity.unavailable' })
    assert.ok(problems.length > 0)
    store.down = false
    await revocations.refresh()
    revocations.assertCurrent(clock.now())
  })

  it('suspends a whole tenant until that is taken back, here and on every node', async (t) => {
    const { store, clock, revocations } = list(t)
    await revocations.start()
    const other = list(t, { store, clock }).revocations
    await other.start()
    const suspension = { kind: 'tenant', tenant: 'acme', id: 'acme', from: clock.now(), reason: 'unpaid' } as const
    await revocations.revoke({ ...suspension, until: Number.MAX_SAFE_INTEGER })
    await other.refresh()
    for (const node of [revocations, other]) {
      assert.ok(node.covers(BY_KEY, clock.now()) && node.covers(BY_TOKEN, clock.now()))
      assert.ok(!node.covers({ ...BY_KEY, tenant: 'rival' }, clock.now()))
      assert.equal(node.suspensionOf('acme')?.reason, 'unpaid')
      assert.equal(node.list('acme', clock.now()).length, 1)
    }
    await revocations.revoke({ ...suspension, until: clock.now() })
    await other.refresh()
    for (const node of [revocations, other]) {
      assert.ok(!node.covers(BY_KEY, clock.now()))
      assert.deepEqual([node.suspensionOf('acme'), node.list('acme', clock.now())], [undefined, []])
    }
  })

  it('does not tell of what the same news take back again', async (t) => {
    const { store, clock, revocations } = list(t)
    const suspension = { kind: 'tenant', tenant: 'acme', id: 'acme', from: clock.now(), reason: 'x' } as const
    await store.revoke({ ...suspension, until: Number.MAX_SAFE_INTEGER })
    await store.revoke({ ...suspension, until: clock.now() })
    const heard: unknown[] = []
    revocations.onRevoked((news) => heard.push(news))
    await revocations.start()
    assert.deepEqual(heard, [])
    assert.ok(!revocations.covers(BY_KEY, clock.now()))
  })

  it('does not start without its store', async (t) => {
    const { revocations, store } = list(t)
    store.down = true
    await assert.rejects(revocations.start())
  })

  it('has the store forget what is over', async (t) => {
    const { revocations, clock, store } = list(t)
    await revocations.revoke(lost(clock))
    clock.advance(3_600_000)
    await revocations.refresh()
    assert.deepEqual(await store.since(0, 10), [])
  })

  it('does not promise a second with longer intervals', (t) => {
    assert.throws(() => list(t, { pollMs: 1001 }), RangeError)
    assert.throws(() => list(t, { pollMs: 0 }), RangeError)
  })
})
