import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Cancellation } from '../../src/core/cancellation.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Notification } from '../../src/mcp/message.ts'
import { ACKNOWLEDGED, Feeds } from '../../src/upstream/feeds.ts'
import type { Link, LinkEvents } from '../../src/upstream/link.ts'

const CHANGED: Notification = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
const TOOLS = { notifications: { toolsListChanged: true } }

/** A link that keeps what was asked of it. */
function fakeLink() {
  const asked: { events: LinkEvents; cancellation: Cancellation; end(): void; fail(fault: unknown): void }[] = []
  const link = {
    request: (_request: unknown, events: LinkEvents, cancellation: Cancellation) =>
      new Promise((resolve, reject) => {
        asked.push({ events, cancellation, end: () => resolve({}), fail: reject })
      }),
  } as unknown as Link
  return { link, asked }
}

/** Joins and keeps what is heard, and how it ended. */
function join(feeds: Feeds, link: Link, params: Parameters<Feeds['join']>[1] = TOOLS, hear?: () => never) {
  const heard: Notification[] = []
  const endings: unknown[] = []
  const hearer = {
    hear(message: Notification) {
      heard.push(message)
      hear?.()
    },
    ended: (thrown?: unknown) => void endings.push(thrown),
  }
  const feed = feeds.join(link, params, hearer)
  return { heard, endings, leave: () => feed.leave(hearer) }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('those who listen for the same', () => {
  it('share one subscription at the upstream, whatever the order of what they ask for', () => {
    const { link, asked } = fakeLink()
    const feeds = new Feeds()
    const a = join(feeds, link, { notifications: { toolsListChanged: true, promptsListChanged: true } })
    const b = join(feeds, link, { notifications: { promptsListChanged: true, toolsListChanged: true } })
    assert.equal(asked.length, 1)
    void asked[0]?.events.notify(CHANGED)
    assert.deepEqual([a.heard, b.heard], [[CHANGED], [CHANGED]])
  })

  it('all hear its acknowledgement, whenever they came', () => {
    const { link, asked } = fakeLink()
    const feeds = new Feeds()
    const acknowledged: Notification = { jsonrpc: '2.0', method: ACKNOWLEDGED, params: { notifications: {} } }
    const early = join(feeds, link)
    void asked[0]?.events.notify(acknowledged)
    void asked[0]?.events.notify(CHANGED)
    const late = join(feeds, link)
    assert.deepEqual([early.heard, late.heard], [[acknowledged, CHANGED], [acknowledged]])
  })

  it('do not share it with other wishes, nor with another link', () => {
    const one = fakeLink()
    const other = fakeLink()
    const feeds = new Feeds()
    join(feeds, one.link)
    const resources = join(feeds, one.link, { notifications: { resourcesListChanged: true } })
    const elsewhere = join(feeds, other.link)
    assert.deepEqual([one.asked.length, other.asked.length], [2, 1])
    void one.asked[0]?.events.notify(CHANGED)
    assert.deepEqual([resources.heard, elsewhere.heard], [[], []])
  })

  it('end it when the last of them has left, and begin a new one after that', async () => {
    const { link, asked } = fakeLink()
    const feeds = new Feeds()
    const a = join(feeds, link)
    const b = join(feeds, link)
    a.leave()
    a.leave()
    assert.equal(asked[0]?.cancellation.cancelled, false)
    void asked[0]?.events.notify(CHANGED)
    assert.deepEqual([a.heard.length, b.heard.length], [0, 1])
    b.leave()
    assert.equal(asked[0]?.cancellation.cancelled, true)
    const c = join(feeds, link)
    assert.equal(asked.length, 2)
    asked[0]?.end()
    await settled()
    void asked[1]?.events.notify(CHANGED)
    assert.equal(c.heard.length, 1)
    join(feeds, link)
    assert.equal(asked.length, 2, 'the end of the old one leaves the new one to be shared')
  })

  it('all hear that the upstream ended it, or why it failed', async () => {
    const { link, asked } = fakeLink()
    const feeds = new Feeds()
    const ended = [join(feeds, link), join(feeds, link)]
    asked[0]?.end()
    await settled()
    for (const { endings } of ended) assert.deepEqual(endings, [undefined])
    const failed = [join(feeds, link), join(feeds, link)]
    const fault = new Fault('upstream.ended')
    asked[1]?.fail(fault)
    await settled()
    for (const { endings } of failed) assert.deepEqual(endings, [fault])
  })

  it('lose one that throws, and nobody else with it, whatever the order in which they came', () => {
    const { link, asked } = fakeLink()
    const feeds = new Feeds()
    const broken = new TypeError('a filter failed')
    const before = join(feeds, link)
    const throwing = join(feeds, link, TOOLS, () => {
      throw broken
    })
    const after = join(feeds, link)
    void asked[0]?.events.notify(CHANGED)
    void asked[0]?.events.notify(CHANGED)
    assert.deepEqual([before.heard.length, throwing.heard.length, after.heard.length], [2, 1, 2])
    assert.deepEqual([throwing.endings, before.endings, after.endings], [[broken], [], []])
    assert.deepEqual([asked.length, asked[0]?.cancellation.cancelled], [1, false])
    before.leave()
    after.leave()
    assert.equal(asked[0]?.cancellation.cancelled, true)
  })
})
