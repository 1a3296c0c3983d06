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
    const links = await Promise.all([table.shared('a', 's', open), table.shared('a', 's', open)])
    assert.equal(links[0], links[1])
    assert.equal(table.shared('a', 's', open), links[0])
    clock.at += 20_000
    ;(opened[0] as FakeLink).closed = true
    assert.notEqual(await table.shared('a', 's', open), links[0])
    assert.equal(opened.length, 2)
    assert.equal(table.size, 1)
  })

  it('makes room by closing the link that nobody has used for longest', async () => {
    const { table, clock, opened, open } = setUp(2)
    await table.shared('a', 's', open)
    clock.at++
    await table.shared('b', 's', open)
    clock.at++
    void table.shared('a', 's', open)
    await table.shared('c', 's', open)
    assert.deepEqual(
      opened.map((link) => link.closed),
      [false, true, false],
    )
  })

  it('refuses more links when all are in use', async () => {
    const { table, opened, open } = setUp(2)
    await table.shared('a', 's', open)
    ;(opened[0] as FakeLink).inFlight = 1
    const lease = await table.lease('l', 's', open)
    await assert.rejects(table.own('s', open), isFault('upstream.unavailable'))
    assert.equal(opened.length, 2)
    lease.release()
    await table.own('s', open)
    assert.equal(opened.length, 3)
  })

  it('gives one principal a share of the links, however many it asks for at once, and others find room', async () => {
    const { table, open, opened } = setUp(8)
    const asked = await Promise.allSettled(Array.from({ length: 50 }, () => table.own('shared', open, 'mallory')))
    assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 2)
    const [refused] = asked.filter((one) => one.status === 'rejected')
    assert.ok(isFault('limits.concurrency')(refused?.reason))
    assert.equal(opened.length, 2, 'nothing was opened for those who were refused')
    await assert.rejects(table.lease('l', 'shared', open, 'mallory'), isFault('limits.concurrency'))
    for (const name of ['alice', 'bob', 'carol']) await table.own('shared', open, name)
    ;(opened[0] as FakeLink).closed = true
    await table.own('shared', open, 'mallory')
    assert.equal(table.size, 5)
  })

  it('counts a lease for whoever has it now, and not one that waits for its next caller', async () => {
    const { table, open, opened } = setUp(4)
    const first = await table.lease('l', 'shared', open, 'mallory')
    await assert.rejects(table.lease('l', 'shared', open, 'mallory'), isFault('limits.concurrency'))
    first.release()
    const second = await table.lease('l', 'shared', open, 'alice')
    assert.equal(opened.length, 1)
    const third = await table.lease('l', 'shared', open, 'mallory')
    assert.equal(opened.length, 2)
    await assert.rejects(table.lease('l', 'shared', open, 'alice'), isFault('limits.concurrency'))
    second.release()
    third.release()
  })

  it('closes what was idle for long, and nothing that is leased, owned or busy', async () => {
    const { table, clock, opened, open } = setUp(4)
    await table.shared('idle', 's', open)
    await table.shared('busy', 's', open)
    ;(opened[1] as FakeLink).inFlight = 1
    await table.lease('leased', 's', open)
    await table.own('s', open)
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
    const letGo = table.retain(await table.shared('a', 's', open))
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
    const link = await table.own('s', open)
    await link.close()
    await table.own('s', open)
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
      assert.rejects(async () => table.shared('a', 's', fail), isFault('upstream.unavailable', { reason }))
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

  const crash = (link: FakeLink | undefined): void => void Object.assign(link as FakeLink, { closed: true })

  it('opens again at once after one crash, and waits when it crashes again', async () => {
    const { table, clock, opened, open } = setUp()
    await table.shared('a', 's', open)
    crash(opened[0])
    await table.shared('a', 's', open)
    crash(opened[1])
    await assert.rejects(async () => table.shared('a', 's', open), isFault('upstream.unavailable'))
    clock.at += 500
    await table.shared('a', 's', open)
    assert.equal(opened.length, 3)
  })

  it('says when it will be tried again', async () => {
    const { table, clock, opened, open } = setUp()
    for (let crashes = 0; crashes < 6; crashes++) {
      await table.shared('a', 's', open)
      crash(opened.at(-1))
      table.sweep()
      clock.at += 4_000
    }
    await assert.rejects(
      async () => table.shared('a', 's', open),
      (thrown: Fault) =>
        thrown.says === 'The upstream has failed; it is started again in 4 s at the earliest.' &&
        thrown.options.headers?.['Retry-After'] === '4',
    )
  })

  it('holds up no other scope for the crashes of one', async () => {
    const { table, opened, open } = setUp()
    for (let crashes = 0; crashes < 2; crashes++) {
      await table.shared('a', 'alice', open)
      crash(opened.at(-1))
    }
    await assert.rejects(async () => table.shared('a', 'alice', open), isFault('upstream.unavailable'))
    await table.shared('b', 'bob', open)
  })

  it('holds up no other scope for a start that failed with what one client declared', async () => {
    const { table, open } = setUp()
    const fail = () => Promise.reject(new Fault('upstream.unsupported'))
    await assert.rejects(table.lease('a', 'alice', fail), isFault('upstream.unsupported'))
    await assert.rejects(table.own('alice', open), isFault('upstream.unavailable'))
    await table.own('bob', open)
  })

  it('takes no process that left in order for one that crashed', async () => {
    const { table, opened, open } = setUp()
    for (let runs = 0; runs < 5; runs++) {
      await table.shared('a', 's', open)
      Object.assign(opened.at(-1) as FakeLink, { closed: true, ending: 'left' })
    }
    assert.equal(opened.length, 5)
  })

  it('counts the crash of a link that a session owns, and not that the session closed it', async () => {
    const { table, opened, open } = setUp()
    for (const ending of ['closed', 'closed', 'crashed', 'crashed']) {
      await table.own('s', open)
      Object.assign(opened.at(-1) as FakeLink, { closed: true, ending })
    }
    await assert.rejects(table.own('s', open), isFault('upstream.unavailable'))
  })

  it('never takes a link from the caller for whom it was opened, however many ask at once', async () => {
    const { table, opened, open } = setUp(2)
    const asked = Array.from({ length: 6 }, (_, at) =>
      at % 2 === 0 ? table.lease('same', 's', open) : table.own('s', open),
    )
    const got = await Promise.allSettled(asked)
    const links = got.flatMap((one) =>
      one.status === 'fulfilled' ? ['link' in one.value ? one.value.link : one.value] : [],
    )
    assert.equal(links.length, 2)
    assert.equal(new Set(links).size, 2)
    assert.ok(opened.every((link) => !link.closed))
  })

  it('closes everything at its end and opens nothing more, not even what was on its way', async () => {
    const { table, opened, open } = setUp()
    await table.shared('a', 's', open)
    const late = fakeLink()
    let arrive: (link: FakeLink) => void = () => {}
    const coming = Promise.resolve(
      table.shared(
        'b',
        's',
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
    await assert.rejects(async () => table.shared('a', 's', open), isFault('upstream.ended'))
  })
})
