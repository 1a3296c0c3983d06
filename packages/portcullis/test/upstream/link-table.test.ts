import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { Backoff } from '../../src/upstream/backoff.ts'
import type { ManagedLink } from '../../src/upstream/link.ts'
import { LinkTable } from '../../src/upstream/link-table.ts'
import { isFault } from './harness.ts'

type FakeLink = ManagedLink & { closed: boolean; inFlight: number }
const fakeLink = (): FakeLink => {
  const link = { closed: false, inFlight: 0, close: async () => void (link.closed = true) }
  return link as unknown as FakeLink
}
const tables: LinkTable[] = []
afterEach(() => Promise.all(tables.splice(0).map((table) => table.close())))

function setUp(maxLinks = 3): {
  table: LinkTable
  clock: { at: number; now(): number }
  opened: FakeLink[]
  open(): Promise<FakeLink>
} {
  const clock = { at: 1_000_000, now: () => clock.at }
  const table = new LinkTable({ clock, maxLinks, idleSeconds: 60 }, new Backoff(clock))
  tables.push(table)
  const opened: FakeLink[] = []
  const open = async (): Promise<FakeLink> => {
    const link = fakeLink()
    opened.push(link)
    return link
  }
  return { table, clock, opened, open }
}

describe('LinkTable', () => {
  it('opens a shared link once, hands it out without a promise and opens it again when it ended', async () => {
    const { table, clock, opened, open } = setUp()
    const links = await Promise.all([table.shared('a', open), table.shared('a', open)])
    assert.equal(links[0], links[1])
    assert.equal(table.shared('a', open), links[0])
    clock.at += 20_000
    ;(opened[0] as FakeLink).closed = true
    assert.notEqual(await table.shared('a', open), links[0])
    assert.equal(opened.length, 2)
    assert.equal(table.size, 1)
  })

  it('makes room by closing the link that nobody has used for longest', async () => {
    const { table, clock, opened, open } = setUp(2)
    await table.shared('a', open)
    clock.at++
    await table.shared('b', open)
    clock.at++
    void table.shared('a', open)
    await table.shared('c', open)
    assert.deepEqual(
      opened.map((link) => link.closed),
      [false, true, false],
    )
  })

  it('refuses more links when all are in use', async () => {
    const { table, opened, open } = setUp(2)
    await table.shared('a', open)
    ;(opened[0] as FakeLink).inFlight = 1
    const lease = await table.lease('l', open)
    await assert.rejects(table.own(open), isFault('upstream.unavailable'))
    assert.equal(opened.length, 2)
    lease.release()
    await table.own(open)
    assert.equal(opened.length, 3)
  })

  it('closes what was idle for long, and nothing that is leased, owned or busy', async () => {
    const { table, clock, opened, open } = setUp(4)
    await table.shared('idle', open)
    await table.shared('busy', open)
    ;(opened[1] as FakeLink).inFlight = 1
    await table.lease('leased', open)
    await table.own(open)
    clock.at += 61_000
    table.sweep()
    assert.deepEqual(
      opened.map((link) => link.closed),
      [true, false, false, false],
    )
    assert.equal(table.size, 3)
  })

  it('keeps an idle link for as long as somebody holds it', async () => {
    const { table, clock, opened, open } = setUp()
    const letGo = table.retain(await table.shared('a', open))
    clock.at += 61_000
    table.sweep()
    assert.equal(opened[0]?.closed, false)
    letGo()
    letGo()
    clock.at += 61_000
    table.sweep()
    assert.equal(opened[0]?.closed, true)
  })

  it('forgets the link of a session that was closed by its owner', async () => {
    const { table, open } = setUp(1)
    const link = await table.own(open)
    await link.close()
    await table.own(open)
    assert.equal(table.size, 1)
  })

  it('waits longer after each failure, without trying', async () => {
    const { table, clock } = setUp()
    let tried = 0
    const fail = async (): Promise<ManagedLink> => {
      tried++
      throw new Fault('upstream.unavailable', { reason: 'down' })
    }
    const attempt = async (reason: string) =>
      assert.rejects(async () => table.shared('a', fail), isFault('upstream.unavailable', { reason }))
    await attempt('down')
    await attempt('waits before it tries again')
    clock.at += 250
    await attempt('down')
    clock.at += 250
    await attempt('waits before it tries again')
    clock.at += 250
    await attempt('down')
    assert.equal(tried, 3)
  })

  it('takes a link that dies young for a failure', async () => {
    const { table, clock, opened, open } = setUp()
    await table.shared('a', open)
    ;(opened[0] as FakeLink).closed = true
    await assert.rejects(async () => table.shared('a', open), isFault('upstream.unavailable'))
    clock.at += 250
    await table.shared('a', open)
    assert.equal(opened.length, 2)
  })

  it('closes everything at its end and opens nothing more, not even what was on its way', async () => {
    const { table, opened, open } = setUp()
    await table.shared('a', open)
    const late = fakeLink()
    let arrive: (link: FakeLink) => void = () => {}
    const coming = Promise.resolve(
      table.shared(
        'b',
        () =>
          new Promise((resolve) => {
            arrive = resolve
          }),
      ),
    )
    const refused = assert.rejects(coming, isFault('upstream.ended'))
    const closing = table.close()
    arrive(late)
    await Promise.all([closing, refused])
    assert.deepEqual([opened[0]?.closed, late.closed], [true, true])
    await assert.rejects(async () => table.shared('a', open), isFault('upstream.ended'))
  })
})
