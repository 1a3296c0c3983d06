import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Changes } from '../../src/admin/changes.ts'
import type { RecordBody } from '../../src/audit/record.ts'
import { Cancellation } from '../../src/core/cancellation.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Principal } from '../../src/core/principal.ts'
import { digestOf } from '../../src/mcp/canonical.ts'
import { MemoryTurns } from '../../src/stores/memory/turns.ts'
import type { TurnStore } from '../../src/stores/turn-store.ts'

const asker: Principal = { id: 'key:a', tenant: 'mine', roles: [], credential: { kind: 'api-key', id: 'a' } }
const maker = { tenant: 'mine', asker, incident: 'i' }
const [before, after] = [{ on: true }, { on: false }]

function site(refuse: (body: RecordBody) => boolean = () => false, turns: TurnStore = new MemoryTurns()) {
  const told: string[] = []
  const records: RecordBody[] = []
  const ledger = {
    async append(_tenant: string, body: RecordBody) {
      if (refuse(body)) throw new Fault('audit.unavailable')
      records.push(body)
      told.push('record')
    },
  }
  const changes = new Changes(ledger, turns)
  return { told, records, changes }
}

describe('a change', () => {
  it('is on record before it is made, with digests of before and after', async () => {
    const { told, records, changes } = site()
    const made = await changes.make(maker, async (announce) => {
      await announce({ what: 'thing.changed', id: 't', before, after })
      told.push('change')
      return 7
    })
    assert.equal(made, 7)
    assert.deepEqual(told, ['record', 'change'])
    const detail = { id: 't', before: digestOf(before), after: digestOf(after), incident: 'i' }
    assert.deepEqual(JSON.parse(JSON.stringify(records)), [
      { kind: 'change', what: 'thing.changed', by: 'key:a', detail },
    ])
  })

  it('is not made when it cannot be recorded', async () => {
    const { told, changes } = site(() => true)
    const making = changes.make(maker, async (announce) => {
      await announce({ what: 'thing.changed', id: 't', before, after })
      told.push('change')
    })
    await assert.rejects(making, { code: 'audit.unavailable' })
    assert.deepEqual(told, [])
  })

  it('that fails has a second record which says so', async () => {
    const { records, changes } = site()
    const making = changes.make(maker, async (announce) => {
      await announce({ what: 'thing.changed', id: 't' })
      throw new Error('the store is full')
    })
    await assert.rejects(making, /full/)
    assert.deepEqual(
      records.map((record) => record.kind === 'change' && record.what),
      ['thing.changed', 'thing.changed.failed'],
    )
  })

  it('of one tenant waits for the one before it, and for no other tenant', async () => {
    const { changes } = site()
    const order: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = changes.make(maker, async () => (await promise, void order.push('first')))
    const second = changes.make(maker, async () => void order.push('second'))
    await changes.make({ ...maker, tenant: 'other' }, async () => void order.push('other'))
    resolve()
    await Promise.all([first, second])
    assert.deepEqual(order, ['other', 'first', 'second'])
  })

  it('is not made for whoever was revoked while it waited, or while it was written down', async () => {
    const { told, records, changes } = site()
    const ended = new Cancellation()
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = changes.make({ ...maker, ended }, async (announce) => {
      const recorded = announce({ what: 'thing.changed', id: 't' })
      ended.cancel('revoked')
      resolve()
      await recorded
      told.push('change')
    })
    const second = changes.make({ ...maker, ended }, async () => void told.push('change'))
    await promise
    await assert.rejects(first, { code: 'identity.revoked' })
    await assert.rejects(second, { code: 'identity.revoked' })
    assert.deepEqual(told, ['record', 'record'])
    assert.deepEqual(
      records.map((record) => record.kind === 'change' && record.what),
      ['thing.changed', 'thing.changed.failed'],
    )
  })

  it('goes on after one that failed', async () => {
    const { changes } = site()
    await assert.rejects(changes.make(maker, () => Promise.reject(new Error('no'))))
    assert.equal(await changes.make(maker, async () => 1), 1)
  })

  it('by another tenant says whose it was', async () => {
    const { records, changes } = site()
    await changes.make({ ...maker, tenant: 'other' }, (announce) => announce({ what: 'thing.changed', id: 't' }))
    assert.partialDeepStrictEqual(records[0], { detail: { byTenant: 'mine' } })
  })
})

describe('changes of two processes over one store', () => {
  it('never work at once, and see what the other has done', async () => {
    const turns = new MemoryTurns()
    const [one, other] = [site(undefined, turns).changes, site(undefined, turns).changes]
    let [inside, value] = [0, 0]
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? one : other).make(maker, async (announce) => {
          assert.equal(++inside, 1)
          const seen = value
          await announce({ what: 'thing.changed', id: 't' })
          value = seen + 1
          inside--
        }),
      ),
    )
    assert.equal(value, 20)
  })

  it('are not made by a process that has let its turn run out', async () => {
    const { changes, records } = site(undefined, {
      take: async () => true,
      keep: async () => false,
      pass: async () => {},
      guard: (_name, _holder, work) => work(),
    })
    let isMade = false
    const making = changes.make(maker, async (announce) => {
      await announce({ what: 'thing.changed', id: 't' })
      isMade = true
    })
    await assert.rejects(making, { code: 'administration.changed' })
    assert.equal(isMade, false)
    const told = records.map((record) => 'what' in record && record.what)
    assert.deepEqual(told, ['thing.changed', 'thing.changed.failed'])
  })
})
