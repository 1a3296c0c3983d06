/** Sealing: what was changed or moved does not open; keys rotate without a gap; what is shredded is gone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../src/core/secret.ts'
import { Fault } from '../../src/core/fault.ts'
import { CopiedTenantKeys } from '../../src/data-protection/copied-tenant-keys.ts'
import { Encryptions } from '../../src/data-protection/encryptions.ts'
import { type Cell, openText, randomKey, SealBroken, sealText } from '../../src/data-protection/envelope.ts'
import { type KeyEncryption, KeyServiceError } from '../../src/data-protection/key-encryption.ts'
import { Keyring } from '../../src/data-protection/keyring.ts'
import { LocalKeys } from '../../src/data-protection/local-keys.ts'
import { KeyWork } from '../../src/data-protection/reseal.ts'
import { Vault } from '../../src/data-protection/vault/vault.ts'
import { MemoryCredentials } from '../../src/stores/memory/credentials.ts'
import { MemoryDataKeys } from '../../src/stores/memory/data-keys.ts'
import { MemoryTenantKeys } from '../../src/stores/memory/tenant-keys.ts'

const CELL: Cell = { tenant: 'one', table: 't', column: 'c', row: 'r' }
const clock = { at: 1_000, now: () => clock.at }

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

function scene(over: (encryption: KeyEncryption) => KeyEncryption = (encryption) => encryption) {
  const keys = new MemoryDataKeys()
  const tenantKeys = new MemoryTenantKeys()
  const store = new MemoryCredentials()
  const place = file()
  const encryption = new LocalKeys('file', place)
  const memory = { refreshMs: 1_000, outageMs: 10_000 }
  const keyring = new Keyring({ keys, tenantKeys, encryption: over(encryption), clock, memory })
  const vault = new Vault({ store, keyring, clock })
  const work = new KeyWork({ keyring, rows: [vault.rows] })
  return { keys, tenantKeys, store, place, encryption, keyring, vault, work }
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
    const { vault, keyring, store, work } = scene()
    await vault.put(NAME, new Secret('hunter2'))
    assert.equal(await keyring.rotate('one'), 2)
    assert.equal(await read(vault), 'hunter2')
    for (const changed of [1, 0]) {
      await work.reseal('one', async () => {})
      assert.deepEqual(work.progress('one'), { state: 'done', done: changed, total: changed, changed, broken: 0 })
    }
    assert.match((await store.find(NAME))?.sealed ?? '', /^s1\.2\./)
    assert.equal(await read(vault), 'hunter2')
  })

  it('keeps 50 callers reading and writing while keys are rotated, sealed anew and wrapped anew', async () => {
    const { vault, keyring, work, encryption } = scene()
    const names = Array.from({ length: 50 }, (_, at) => ({ ...NAME, principal: `p${at}` }))
    await Promise.all(names.map((name) => vault.put(name, new Secret(name.principal))))
    const state = { isOver: false }
    let rounds = 0
    const callers = names.map(async (name) => {
      for (let round = 0; !state.isOver; round++) {
        assert.match((await read(vault, name)) ?? '', new RegExp(`^${name.principal}(?:$| )`))
        await vault.put(name, new Secret(`${name.principal} ${round}`))
        assert.equal(await read(vault, name), `${name.principal} ${round}`)
        rounds++
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    for (let turn = 0; turn < 5; turn++) {
      await keyring.rotate('one')
      await work.reseal('one', async () => {})
      await encryption.renew()
      await work.rewrap(async () => {})
    }
    state.isOver = true
    await Promise.all(callers)
    assert.ok(rounds > 100, String(rounds))
    assert.equal(work.progress('one')?.broken, 0)
  })

  it('survives the rotation of the key-encryption key, under another reader too', async () => {
    const { vault, keyring, encryption, keys, tenantKeys, store, place } = scene()
    await vault.put(NAME, new Secret('hunter2'))
    const beside = new Keyring({ keys, tenantKeys, encryption: new LocalKeys('file', place), clock })
    const other = new Vault({ store, keyring: beside, clock })
    const before = await tenantKeys.find('one')
    await encryption.renew()
    assert.equal(await read(other), 'hunter2')
    assert.deepEqual(await keyring.rewrapAll(), { changed: 1, broken: 0 })
    assert.equal(place.text?.trim().split('\n').length, 1, 'the old key is forgotten')
    assert.equal(await read(other), 'hunter2')
    assert.equal(await read(vault), 'hunter2')
    // What was wrapped before the rotation, from a copy, is worth nothing without the old key.
    assert.ok(before)
    await assert.rejects(encryption.unwrap(before, before), SealBroken)
  })

  it('is readable after each step of a rewrapping that is ended there, and the next one goes on', async () => {
    for (let step = 0; step <= 6; step++) {
      const { vault, keyring, encryption, keys, tenantKeys, store, place } = scene()
      const names = ['a', 'b', 'c'].map((tenant) => ({ ...NAME, tenant }))
      for (const name of names) await vault.put(name, new Secret(name.tenant))
      let steps = 0
      const ended = <T extends object>(of: T, verbs: readonly (keyof T)[]): T =>
        new Proxy(of, {
          get(target, verb) {
            const found = Reflect.get(target, verb) as unknown
            if (typeof found !== 'function') return found
            const bound = found.bind(target) as (...args: unknown[]) => unknown
            if (!verbs.includes(verb as keyof T)) return bound
            return async (...args: unknown[]) => {
              if (steps++ === step) throw new Error('the process was ended')
              return bound(...args)
            }
          },
        })
      const dying = new Keyring({
        ...{ keys, tenantKeys: ended(tenantKeys, ['rewrap']), clock },
        encryption: ended(encryption, ['wrap', 'forget'] as never),
      })
      await encryption.renew()
      await dying.rewrapAll().catch(() => undefined)
      const fresh = new Keyring({ keys, tenantKeys, encryption: new LocalKeys('file', place), clock })
      for (const each of [fresh, keyring])
        for (const name of names)
          assert.equal(await read(new Vault({ store, keyring: each, clock }), name), name.tenant)
      await fresh.rewrapAll()
      assert.equal(place.text?.trim().split('\n').length, 1)
      for (const name of names) assert.equal(await read(vault, name), name.tenant)
    }
  })

  it('moves from one keeper to another, both readable meanwhile', async () => {
    const [old, next] = [new LocalKeys('file', file()), new LocalKeys('keychain', file())]
    const { keys, tenantKeys, store } = scene()
    const vaultOf = (encryption: KeyEncryption) =>
      new Vault({ store, keyring: new Keyring({ keys, tenantKeys, encryption, clock }), clock })
    await vaultOf(old).put(NAME, new Secret('hunter2'))
    const both = new Encryptions(async () => next, [async () => old])
    assert.equal(await read(vaultOf(both)), 'hunter2')
    const moving = new Keyring({ keys, tenantKeys, encryption: both, clock })
    assert.deepEqual(await moving.rewrapAll(), { changed: 1, broken: 0 })
    assert.match((await tenantKeys.find('one'))?.wrappedBy ?? '', /^keychain:/)
    assert.equal(await read(vaultOf(next)), 'hunter2')
    await assert.rejects(read(vaultOf(old)))
  })

  it('refuses a wrapped key in the place of another', async () => {
    const { keyring, keys, tenantKeys, encryption, vault, store } = scene()
    await vault.put(NAME, new Secret('hunter2'))
    await keyring.rotate('one')
    await keyring.rotate('two')
    const [one, two] = [await tenantKeys.find('one'), await tenantKeys.find('two')]
    assert.ok(one && two)
    for (const place of [two, { ...one, id: two.id }]) await assert.rejects(encryption.unwrap(one, place), SealBroken)
    // Rows of data keys that were exchanged, below the same tenant key.
    const rows = await keys.ofTenant('one')
    await keys.shred('one')
    for (const [at, row] of rows.entries()) await keys.add({ ...row, wrapped: rows[1 - at]?.wrapped ?? '' })
    const fresh = new Keyring({ keys, tenantKeys, encryption, clock })
    for (const each of [fresh, keyring])
      await assert.rejects(new Vault({ store, keyring: each, clock }).get(NAME), SealBroken)
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

describe('what is unwrapped', () => {
  function watched() {
    const told = { unwrapped: 0, fails: undefined as Error | undefined }
    const made = scene((encryption) => ({
      current: () => encryption.current(),
      owns: (name) => encryption.owns(name),
      wrap: (key, place) => encryption.wrap(key, place),
      async unwrap(key, place) {
        told.unwrapped++
        await new Promise((resolve) => setImmediate(resolve))
        if (told.fails) throw told.fails
        return encryption.unwrap(key, place)
      },
    }))
    return { ...made, told }
  }
  const silence = new KeyServiceError('unavailable', 'nobody answers')
  const isUnavailable = (thrown: unknown) => thrown instanceof Fault && thrown.code === 'keys.unavailable'

  it('serves from memory, is asked for again after its time, and by many at once only once', async () => {
    const { vault, told } = watched()
    await vault.put(NAME, new Secret('hunter2'))
    for (let at = 0; at < 3; at++) assert.equal(await read(vault), 'hunter2')
    assert.equal(told.unwrapped, 0)
    clock.at += 1_000
    await Promise.all(Array.from({ length: 50 }, () => read(vault)))
    assert.equal(told.unwrapped, 1)
  })

  it('serves on while its keeper is silent, as long as is configured, and no longer', async () => {
    const { vault, told } = watched()
    await vault.put(NAME, new Secret('hunter2'))
    told.fails = silence
    clock.at += 9_999
    assert.equal(await read(vault), 'hunter2')
    assert.equal(told.unwrapped, 1)
    clock.at += 1
    await assert.rejects(read(vault), isUnavailable)
    const asked = told.unwrapped
    await assert.rejects(read(vault), isUnavailable)
    assert.equal(told.unwrapped, asked, 'a silent keeper is left alone for a moment')
    told.fails = undefined
    clock.at += 2_000
    assert.equal(await read(vault), 'hunter2')
  })

  it('is asked for again when the clock was set back, and a silence does not last until it has caught up', async () => {
    const { vault, told } = watched()
    await vault.put(NAME, new Secret('hunter2'))
    clock.at -= 900
    assert.equal(await read(vault), 'hunter2')
    assert.equal(told.unwrapped, 1)
    clock.at -= 50
    told.fails = silence
    await assert.rejects(read(vault), isUnavailable, 'nobody knows how old the last answer is')
    told.fails = undefined
    await assert.rejects(read(vault), isUnavailable, 'it is left alone for a moment')
    clock.at -= 10
    assert.equal(await read(vault), 'hunter2')
    clock.at += 10_000
  })

  it('ends at once when its keeper refuses', async () => {
    const { vault, told } = watched()
    await vault.put(NAME, new Secret('hunter2'))
    told.fails = new KeyServiceError('refused', 'the key is disabled')
    clock.at += 1_000
    await assert.rejects(read(vault), isUnavailable)
    told.fails = silence
    await assert.rejects(read(vault), isUnavailable)
  })
})

describe('a copy of the tenant keys', () => {
  const record = (tenant: string) => ({ tenant, id: `id ${tenant}`, wrappedBy: 'k', wrapped: 'w', createdAt: 1 })

  it('follows each change, and brings back what the store has lost', async () => {
    const place = file()
    const copied = new CopiedTenantKeys(new MemoryTenantKeys(), place)
    assert.equal(await copied.settle(), 0)
    await Promise.all(['a', 'b', 'c'].map((tenant) => copied.add(record(tenant))))
    await copied.rewrap(record('b'), { wrappedBy: 'n', wrapped: 'x' })
    const fresh = new CopiedTenantKeys(new MemoryTenantKeys(), place)
    assert.equal(await fresh.settle(), 3)
    assert.deepEqual(await fresh.list(), await copied.list())
    assert.equal((await fresh.find('b'))?.wrappedBy, 'n')
  })

  it('loses what is shredded before the store does, and refuses the shredding when it cannot', async () => {
    const place = file()
    const store = new MemoryTenantKeys()
    const copied = new CopiedTenantKeys(store, place)
    await copied.add(record('a'))
    await copied.shred('a')
    assert.equal(place.text, '')
    await copied.add(record('b'))
    const broken = new CopiedTenantKeys(store, {
      read: () => place.text,
      write() {
        throw new Error('the disk is gone')
      },
    })
    await assert.rejects(broken.shred('b'), /disk/)
    assert.ok(await store.find('b'))
  })

  it('gives everything back before the first new key is put into it, so that none is lost by beginning anew', async () => {
    const place = file()
    const lost = new CopiedTenantKeys(new MemoryTenantKeys(), place)
    for (const tenant of ['a', 'b']) await lost.add(record(tenant))
    const fresh = new CopiedTenantKeys(new MemoryTenantKeys(), place)
    assert.equal(await fresh.add({ ...record('a'), id: 'another' }), false)
    assert.equal(await fresh.add(record('c')), true)
    assert.deepEqual(
      (await fresh.list()).map(({ id }) => id),
      ['id a', 'id b', 'id c'],
    )
    assert.equal(place.text?.trim().split('\n').length, 3)
  })

  it('has a key, and its new wrapping, before they are in use', async () => {
    const place = file()
    const store = new MemoryTenantKeys()
    await new CopiedTenantKeys(store, place).add(record('a'))
    let isFull = false
    const copied = new CopiedTenantKeys(store, {
      read: () => place.text,
      write(text) {
        if (isFull) throw new Error('ENOSPC')
        place.write(text)
      },
    })
    await copied.settle()
    isFull = true
    await assert.rejects(copied.add(record('b')), /ENOSPC/)
    assert.equal(await store.find('b'), undefined)
    await assert.rejects(copied.rewrap(record('a'), { wrappedBy: 'n', wrapped: 'x' }), /ENOSPC/)
    assert.equal((await store.find('a'))?.wrappedBy, 'k', 'else the next rewrapping would forget the key of the copy')
  })

  it('is not believed when it is damaged', async () => {
    for (const text of ['x\n', '{}\n', '{"tenant":"a"}\n'])
      await assert.rejects(new CopiedTenantKeys(new MemoryTenantKeys(), file(text)).settle(), KeyServiceError)
  })
})
