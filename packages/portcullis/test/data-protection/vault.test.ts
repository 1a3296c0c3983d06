/** Sealing: what was changed or moved does not open; keys rotate without a gap; what is shredded is gone. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../src/core/secret.ts'
import { type Cell, openText, SealBroken, sealText } from '../../src/data-protection/envelope.ts'
import { KeyFile, randomKey } from '../../src/data-protection/key-file.ts'
import { Keyring } from '../../src/data-protection/keyring.ts'
import { Vault } from '../../src/data-protection/vault/vault.ts'
import { MemoryCredentials } from '../../src/stores/memory/credentials.ts'
import { MemoryDataKeys } from '../../src/stores/memory/data-keys.ts'

const CELL: Cell = { tenant: 'one', table: 't', column: 'c', row: 'r' }
const clock = { now: () => 1_000 }

function file(text?: string) {
  let held = text
  return {
    read: () => held,
    write: (next: string) => {
      held = next
    },
    get text() {
      return held
    },
  }
}

function scene() {
  const keys = new MemoryDataKeys()
  const store = new MemoryCredentials()
  const place = file()
  const encryption = new KeyFile(place)
  const keyring = new Keyring({ keys, encryption, clock })
  return { keys, store, place, encryption, keyring, vault: new Vault({ store, keyring, clock }) }
}

const NAME = { tenant: 'one', upstream: 'mail', principal: 'alice', kind: 'static' } as const
const read = async (vault: Vault, name: Parameters<Vault['get']>[0] = NAME) => (await vault.get(name))?.value.reveal()

describe('a sealed text', () => {
  const key = randomKey()

  it('opens in its cell with its key', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.equal(
          openText(sealText(text, CELL, 7, key), CELL, () => key),
          text,
        )
      }),
    )
  })

  it('does not open when any bit of it is another', () => {
    const sealed = sealText('a secret', CELL, 1, key)
    const bytes = Buffer.from(sealed.slice(5), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.throws(() => openText(`s1.1.${changed.toString('base64url')}`, CELL, () => key), SealBroken)
    }
  })

  it('has one spelling', () => {
    const sealed = sealText('a secret', CELL, 1, key)
    for (const other of [
      `${sealed}=`,
      ` ${sealed}`,
      sealed.replace('s1.1.', 's1.01.'),
      sealed.replace('s1', 's2'),
      '',
      's1.1.',
    ])
      assert.throws(() => openText(other, CELL, () => key), SealBroken)
  })

  it('opens in no other tenant, table, column, row or version, however the names are cut', () => {
    const part = fc.string({ maxLength: 6 })
    const cells = fc.record({ tenant: part, table: part, column: part, row: part })
    fc.assert(
      fc.property(cells, cells, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (one, two, v, w) => {
        const sealed = sealText('x', one, v, key)
        const moved = sealed.replace(`s1.${v}.`, `s1.${w}.`)
        const same = v === w && (Object.keys(one) as (keyof Cell)[]).every((name) => one[name] === two[name])
        if (same)
          assert.equal(
            openText(moved, two, () => key),
            'x',
          )
        else assert.throws(() => openText(moved, two, () => key), SealBroken)
      }),
    )
  })
})

describe('the vault', () => {
  it('holds sealed values only, and gives them back to their name only', async () => {
    const { vault, store } = scene()
    await vault.put(NAME, new Secret('hunter2'))
    assert.equal(await read(vault), 'hunter2')
    const entry = (await store.find(NAME)) as { readonly sealed: string }
    assert.ok(!JSON.stringify(entry).includes('hunter2'))
    for (const other of [
      { ...NAME, tenant: 'two' },
      { ...NAME, upstream: 'files' },
      { ...NAME, principal: 'bob' },
      { ...NAME, kind: 'oauth' as const },
      { tenant: 'one', upstream: 'mail', kind: 'static' as const },
    ]) {
      await vault.put(other, new Secret('another'))
      await store.put({ ...other, sealed: entry.sealed, revision: 'r', updatedAt: 0 })
      await assert.rejects(vault.get(other), SealBroken)
    }
  })

  it('opens what older data keys have sealed, seals anew with the newest, and needs no pause', async () => {
    const { vault, keyring, store } = scene()
    await vault.put(NAME, new Secret('hunter2'))
    assert.equal(await keyring.rotate('one'), 2)
    assert.equal(await read(vault), 'hunter2')
    assert.equal(await vault.reseal('one'), 1)
    assert.equal(await vault.reseal('one'), 0)
    assert.match((await store.find(NAME))?.sealed ?? '', /^s1\.2\./)
    assert.equal(await read(vault), 'hunter2')
  })

  it('survives the rotation of the key-encryption key, under another reader too', async () => {
    const { vault, keyring, encryption, keys, store, place } = scene()
    await vault.put(NAME, new Secret('hunter2'))
    const other = new Vault({ store, keyring: new Keyring({ keys, encryption: new KeyFile(place), clock }), clock })
    const before = (await keys.ofTenant('one'))[0]
    encryption.rotate()
    assert.equal(await read(other), 'hunter2')
    assert.equal(await keyring.rewrapAll(), 1)
    encryption.dropOld()
    assert.equal(place.text?.trim().split('\n').length, 1)
    assert.equal(await read(other), 'hunter2')
    assert.equal(await read(vault), 'hunter2')
    // The wrapped key of before the rotation, from a backup, is worth nothing without the old key.
    await assert.rejects(
      encryption.unwrap(before as NonNullable<typeof before>, { tenant: 'one', version: 1 }),
      SealBroken,
    )
  })

  it('refuses a wrapped key in the place of another', async () => {
    const { keyring, keys, encryption } = scene()
    await keyring.rotate('one')
    await keyring.rotate('two')
    const [one] = await keys.ofTenant('one')
    for (const place of [
      { tenant: 'two', version: 1 },
      { tenant: 'one', version: 2 },
    ])
      await assert.rejects(encryption.unwrap(one as NonNullable<typeof one>, place), SealBroken)
  })

  it('gives nothing back of a tenant that was shredded, in a restored copy neither, and keeps the others', async () => {
    const { vault, store } = scene()
    const other = { ...NAME, tenant: 'two' }
    await vault.put(NAME, new Secret('hunter2'))
    await vault.put(other, new Secret('hunter3'))
    const copy = (await store.list('one'))[0]
    assert.equal(await vault.shred('one'), 1)
    await store.put(copy as NonNullable<typeof copy>)
    await assert.rejects(vault.get(NAME), SealBroken)
    // A new life of the tenant does not bring the old one back.
    await vault.put({ ...NAME, principal: 'bob' }, new Secret('new'))
    await assert.rejects(vault.get(NAME), SealBroken)
    assert.equal(await read(vault, other), 'hunter3')
  })

  it('makes one first key for 50 callers at once', async () => {
    const { vault, keys } = scene()
    const names = Array.from({ length: 50 }, (_, at) => ({ ...NAME, principal: `p${at}` }))
    await Promise.all(names.map((name) => vault.put(name, new Secret(name.principal))))
    assert.equal((await keys.ofTenant('one')).length, 1)
    for (const name of names) assert.equal(await read(vault, name), name.principal)
  })
})

for (const damaged of [
  '',
  'x',
  `${'0'.repeat(16)} short\n`,
  `${'0'.repeat(16)} ${'A'.repeat(43)}\n${'0'.repeat(16)} ${'B'.repeat(42)}A\n`,
])
  test(`a key file that holds ${JSON.stringify(damaged.slice(0, 24))}… is refused`, () => {
    assert.throws(() => new KeyFile(file(damaged)), Error)
  })
