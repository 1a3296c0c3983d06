import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import type { Outgoing } from '../../../src/core/exchange.ts'
import type { Route } from '../../../src/core/route.ts'
import type { Link } from '../../../src/upstream/link.ts'
import { Session } from '../../../src/upstream/relay/session.ts'
import { SessionTable } from '../../../src/upstream/relay/session-table.ts'
import { isFault } from '../harness.ts'
import { ALICE, BOB, clock, person, settled } from './bench.ts'

const ONE: Route = { kind: 'upstream', upstream: 'one' }
const client = { info: {}, capabilities: { sampling: {} }, version: '2025-11-25' }
const question = { jsonrpc: '2.0', id: 'theirs', method: 'sampling/createMessage', params: {} } as const
const note = (n: number | string): Outgoing => ({ jsonrpc: '2.0', method: 'n', params: { n } })
const tables: SessionTable[] = []
const table = (limits = { perPrincipal: 2, total: 3, idleMs: 1_000 }) => {
  const made = new SessionTable(limits, clock)
  tables.push(made)
  return made
}
const outletTo = (heard: Outgoing[]) => ({ open: () => {}, send: (message: Outgoing) => void heard.push(message) })

describe('the table of sessions', () => {
  afterEach(() => tables.splice(0).forEach((each) => each.close()))

  it('finds a session for its owner on its own path only', () => {
    const sessions = table()
    const { id } = sessions.open(ALICE, ONE, client)
    assert.equal(sessions.find(id, ALICE, ONE).id, id)
    const strangers = [BOB, { ...ALICE, tenant: 'other' }]
    for (const stranger of strangers) assert.throws(() => sessions.find(id, stranger, ONE), isFault('session.unknown'))
    const paths: Route[] = [{ kind: 'aggregate' }, { kind: 'upstream', upstream: 'two' }]
    for (const path of paths) assert.throws(() => sessions.find(id, ALICE, path), isFault('session.unknown'))
    assert.throws(() => sessions.find('', ALICE, ONE), isFault('session.unknown'))
  })

  it('takes the oldest idle session of a principal at its limit, never a busy one or another’s', () => {
    const sessions = table()
    const first = sessions.open(ALICE, ONE, client)
    clock.pass(1)
    const second = sessions.open(ALICE, ONE, client)
    const third = sessions.open(ALICE, ONE, client)
    assert.deepEqual([first.ended, second.ended, third.ended], [true, false, false])
    for (const each of [second, third]) each.begin('call', new Cancellation())
    assert.throws(() => sessions.open(ALICE, ONE, client), isFault('session.too_many'))
    const bobs = sessions.open(BOB, ONE, client)
    assert.throws(() => sessions.open(person('carol'), ONE, client), isFault('session.too_many'))
    assert.equal(bobs.ended, false)
  })

  it('ends what a revocation names, with its calls, its links and its streams', async () => {
    const sessions = table()
    const session = sessions.open(ALICE, ONE, client)
    const bobs = sessions.open(BOB, ONE, client)
    const call = new Cancellation()
    session.begin('call', call)
    const link = fakeLink()
    await session.link('one', async () => link)
    const stream = session.attach(outletTo([]), new Cancellation())
    sessions.endWhere((principal) => principal.id === 'alice')
    await stream
    await settled()
    assert.deepEqual([call.reason, link.closed, session.ended, bobs.ended], ['revoked', true, true, false])
    assert.throws(() => sessions.find(session.id, ALICE, ONE), isFault('session.unknown'))
  })
})

describe('a session', () => {
  const made = () => new Session('s', ALICE, ONE, client, 0)

  it('asks under an id of its own and gives the answer back under the asker’s', async () => {
    const session = made()
    const heard: Outgoing[] = []
    const [one, two] = [session.ask(question, outletTo(heard)), session.ask(question, outletTo(heard))]
    assert.notEqual(heard[0]?.['id'], heard[1]?.['id'])
    assert.equal(
      session.settle({ jsonrpc: '2.0', id: 'theirs', result: {} }),
      false,
      'an id of the upstream is no id here',
    )
    session.settle({ jsonrpc: '2.0', id: heard[1]?.['id'] as string, result: { n: 2 } })
    session.settle({ jsonrpc: '2.0', id: heard[0]?.['id'] as string, result: { n: 1 } })
    assert.deepEqual(await Promise.all([one, two]), [
      { jsonrpc: '2.0', id: 'theirs', result: { n: 1 } },
      { jsonrpc: '2.0', id: 'theirs', result: { n: 2 } },
    ])
  })

  it('refuses for the client what it did not declare, and what comes too late', async () => {
    const session = made()
    const heard: Outgoing[] = []
    const ended = new Cancellation()
    ended.cancel('deadline')
    assert.ok('error' in (await session.ask({ ...question, method: 'roots/list' }, outletTo(heard))))
    assert.ok('error' in (await session.ask(question, outletTo(heard), ended)))
    assert.ok('result' in (await session.ask({ ...question, method: 'ping' }, outletTo(heard))))
    session.end()
    assert.ok('error' in (await session.ask(question, outletTo(heard))))
    assert.deepEqual(heard, [])
  })

  it('answers open questions when it ends', async () => {
    const session = made()
    const asked = session.ask(question)
    session.end()
    assert.deepEqual(Object.keys(await asked).sort(), ['error', 'id', 'jsonrpc'])
  })

  it('keeps messages for a client without a stream, bounded in number and size', async () => {
    const session = made()
    const asked = session.ask(question)
    for (let n = 0; n < 100; n++) session.send(note(n))
    assert.ok('error' in (await asked), 'a question that fell out was left open')
    const heard: Outgoing[] = []
    const leave = new Cancellation()
    const stream = session.attach(outletTo(heard), leave)
    assert.deepEqual([heard.length, heard[0]], [100, note(0)])
    leave.cancel('client-left')
    await stream
    for (let n = 0; n < 20; n++) session.send(note('x'.repeat(100_000)))
    session.send(note('y'.repeat(2_000_000)))
    const later: Outgoing[] = []
    void session.attach(outletTo(later), new Cancellation())
    assert.equal(later.length, 10)
    session.end()
  })

  it('takes the stream from a client that does not read it', async () => {
    const session = made()
    const clogged = session.attach({ open: () => {}, send: () => new Promise<void>(() => {}) }, new Cancellation())
    for (let n = 0; n < 300; n++) session.send(note(n))
    await clogged
    assert.equal(session.busy, false)
  })

  it('opens one link however many calls begin at once, and another when it has failed or ended', async () => {
    const session = made()
    const links: ReturnType<typeof fakeLink>[] = []
    let fails = true
    const open = async (): Promise<Link> => {
      await settled()
      if (fails) throw new Error('down')
      links.push(fakeLink())
      return links.at(-1) as Link
    }
    await assert.rejects(session.link('one', open))
    fails = false
    const got = await Promise.all([1, 2, 3].map(() => session.link('one', open)))
    assert.deepEqual([links.length, new Set(got).size], [1, 1])
    ;(links[0] as { closed: boolean }).closed = true
    await Promise.all([session.link('one', open), session.link('one', open)])
    assert.equal(links.length, 2)
    session.end()
    await assert.rejects(session.link('one', open), isFault('session.unknown'))
    assert.deepEqual([links.length, links[1]?.closed], [2, true])
  })
})

function fakeLink(): Link & { closed: boolean } {
  const link = {
    era: 'legacy' as const,
    server: { protocolVersion: '', capabilities: {}, serverInfo: {} },
    closed: false,
    request: () => Promise.reject(new Error('unused')),
    notify: async () => {},
    async close() {
      link.closed = true
    },
  }
  return link
}
