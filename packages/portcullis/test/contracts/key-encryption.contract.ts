import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { randomKey, SealBroken } from '../../src/data-protection/envelope.ts'
import { type KeyEncryption, KeyServiceError } from '../../src/data-protection/key-encryption.ts'
import type { KmsStandIn } from '../fixtures/kms-server.ts'

export interface KeeperScene {
  readonly keeper: KeyEncryption
  /** Makes a new version of the key, where the keeper shows versions. */
  readonly rotate?: () => unknown
  /** Where the keeper is a service, its stand-in. */
  readonly service?: KmsStandIn
}

const PLACE = { tenant: 'one', id: 'a1' }

const isKind = (kind: KeyServiceError['kind']) => (thrown: unknown) =>
  thrown instanceof KeyServiceError && thrown.kind === kind

/** What every keeper of a key-encryption key has to do. */
export function keyEncryptionContract(name: string, open: (t: TestContext) => Promise<KeeperScene>): void {
  describe(`${name} as KeyEncryption`, { timeout: 30_000 }, () => {
    it('wraps and unwraps for 50 callers at once', async (t) => {
      const { keeper } = await open(t)
      const keys = Array.from({ length: 50 }, (_, at) => ({ key: randomKey(), place: { tenant: `t${at}`, id: 'x' } }))
      const wrapped = await Promise.all(keys.map(({ key, place }) => keeper.wrap(key, place)))
      for (const [at, { key, place }] of keys.entries()) {
        const one = wrapped[at] as NonNullable<(typeof wrapped)[number]>
        assert.ok(keeper.owns(one.wrappedBy) && !keeper.owns(`other:${one.wrappedBy}`))
        assert.ok(!one.wrapped.includes(key.reveal().toString('base64url')))
        assert.deepEqual((await keeper.unwrap(one, place)).reveal(), key.reveal())
      }
    })

    it('unwraps for no other tenant and no other key', async (t) => {
      const { keeper } = await open(t)
      const wrapped = await keeper.wrap(randomKey(), PLACE)
      for (const place of [
        { ...PLACE, tenant: 'two' },
        { ...PLACE, id: 'a2' },
        { tenant: 'a1', id: 'one' },
      ])
        await assert.rejects(keeper.unwrap(wrapped, place), SealBroken)
    })

    it('unwraps nothing that was changed', async (t) => {
      const { keeper } = await open(t)
      const wrapped = await keeper.wrap(randomKey(), PLACE)
      const { wrapped: text } = wrapped
      for (const at of [text.length >> 1, text.length - 8]) {
        const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
        await assert.rejects(keeper.unwrap({ ...wrapped, wrapped: changed }, PLACE), SealBroken)
      }
    })

    it('tells by what it wraps, and unwraps what an older version wrapped', async (t) => {
      const { keeper, rotate } = await open(t)
      const key = randomKey()
      const old = await keeper.wrap(key, PLACE)
      assert.equal(await keeper.current(), old.wrappedBy)
      if (rotate === undefined) return
      await rotate()
      assert.notEqual(await keeper.current(), old.wrappedBy)
      const now = await keeper.wrap(key, PLACE)
      assert.equal(now.wrappedBy, await keeper.current())
      for (const one of [old, now]) assert.deepEqual((await keeper.unwrap(one, PLACE)).reveal(), key.reveal())
    })

    it('is asked again when it is busy, says so when it does not answer, and refuses when it says no', async (t) => {
      const { keeper, service } = await open(t)
      if (service === undefined) return
      const wrapped = await keeper.wrap(randomKey(), PLACE)
      service.busy = 2
      await keeper.unwrap(wrapped, PLACE)
      service.busy = 3
      await assert.rejects(keeper.unwrap(wrapped, PLACE), isKind('unavailable'))
      service.busy = 0
      service.mode = 'down'
      const before = service.seen.length
      await assert.rejects(keeper.unwrap(wrapped, PLACE), isKind('unavailable'))
      assert.equal(service.seen.length - before, 3)
      service.mode = 'deny'
      await assert.rejects(keeper.unwrap(wrapped, PLACE), isKind('refused'))
      await assert.rejects(keeper.wrap(randomKey(), PLACE), isKind('refused'))
    })

    it('refuses an answer that cannot be right', async (t) => {
      const { keeper, service } = await open(t)
      if (service === undefined) return
      const wrapped = await keeper.wrap(randomKey(), PLACE)
      for (const mode of ['short', 'garbage', ...(name.startsWith('gcp') ? (['checksum'] as const) : [])] as const) {
        service.mode = mode
        await assert.rejects(keeper.unwrap(wrapped, PLACE), isKind('refused'), mode)
      }
    })
  })
}
