import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Notification } from '../../src/mcp/message.ts'
import { Feeds } from '../../src/upstream/feeds.ts'
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

/** Joins and keeps what is heard. */
function join(feeds: Feeds, link: Link, params: Parameters<Feeds['join']>[1] = TOOLS) {
  const heard: Notification[] = []
  const cancellation = new Cancellation()
  const over = feeds.join(link, params, (message) => void heard.push(message), cancellation)
  return { heard, cancellation, over }
}

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
    a.cancellation.cancel('client-left')
    await a.over
    assert.equal(asked[0]?.cancellation.cancelled, false)
    void asked[0]?.events.notify(CHANGED)
    assert.deepEqual([a.heard.length, b.heard.length], [0, 1])
    b.cancellation.cancel('client-left')
    await b.over
    assert.equal(asked[0]?.cancellation.cancelled, true)
    const c = join(feeds, link)
    assert.equal(asked.length, 2)
    asked[0]?.end()
    await new Promise((resolve) => setImmediate(resolve))
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
    await Promise.all(ended.map(({ over }) => over))
    const failed = [join(feeds, link), join(feeds, link)]
    asked[1]?.fail(new Fault('upstream.ended'))
    for (const { over } of failed) await assert.rejects(over, { code: 'upstream.ended' })
  })

  it('lose one that throws, and nobody else with it, whatever the order in which they came', async () => {
    const { link, asked } = fakeLink()
    const feeds = new Feeds()
    const broken = new TypeError('a filter failed')
    const before = join(feeds, link)
    let heard = 0
    const throwing = feeds.join(
      link,
      TOOLS,
      () => {
        heard++
        throw broken
      },
      new Cancellation(),
    )
    const after = join(feeds, link)
    void asked[0]?.events.notify(CHANGED)
    await assert.rejects(throwing, broken)
    void asked[0]?.events.notify(CHANGED)
    assert.deepEqual([before.heard.length, heard, after.heard.length], [2, 1, 2])
    assert.deepEqual([asked.length, asked[0]?.cancellation.cancelled], [1, false])
    before.cancellation.cancel('client-left')
    after.cancellation.cancel('client-left')
    assert.equal(asked[0]?.cancellation.cancelled, true)
  })

  it('leave at once when they are no longer wanted', async () => {
    const { link, asked } = fakeLink()
    const gone = new Cancellation()
    gone.cancel('client-left')
    await new Feeds().join(link, TOOLS, () => assert.fail('nobody is there'), gone)
    assert.equal(asked[0]?.cancellation.cancelled, true)
  })
})
