import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import type { ToolDefinition } from '../../src/mcp/definition.ts'
import type { Params } from '../../src/mcp/message.ts'
import { Catalogue, type CatalogueChange } from '../../src/upstream/catalogue.ts'
import { isFault } from './harness.ts'

const tool = (name: string, description = ''): Params => ({ name, description, inputSchema: { type: 'object' } })

function setUp(
  first: readonly Params[],
  hold?: (told: readonly ToolDefinition[]) => ReadonlySet<string>,
): {
  catalogue: Catalogue
  upstream: { tools: readonly Params[]; fails: boolean; fetched: number; gate?: Promise<void> }
  clock: { at: number; now(): number }
  settle(): Promise<void>
} {
  const upstream: { tools: readonly Params[]; fails: boolean; fetched: number; gate?: Promise<void> } = {
    tools: first,
    fails: false,
    fetched: 0,
  }
  const clock = { at: 1_000_000, now: () => clock.at }
  const catalogue = new Catalogue({
    upstream: 'up',
    clock,
    ttlSeconds: 60,
    maxStaleSeconds: 300,
    minRefreshSeconds: 1,
    maxPages: 10,
    maxTools: 100,
    maxBytes: 100_000,
    ...(hold && { hold }),
    async page() {
      upstream.fetched++
      const { tools } = upstream
      await upstream.gate
      if (upstream.fails) throw new Fault('upstream.unavailable')
      return { tools }
    },
  })
  return { catalogue, upstream, clock, settle: () => new Promise((resolve) => setImmediate(resolve)) }
}

describe('Catalogue', () => {
  it('knows nothing before the first fetch, and then everything without a promise', async () => {
    const { catalogue } = setUp([tool('b'), tool('a')])
    assert.equal(catalogue.get('a'), undefined)
    assert.deepEqual(catalogue.list(), [])
    await catalogue.ready()
    assert.equal(catalogue.get('a')?.upstream, 'up')
    assert.deepEqual(
      catalogue.list().map((one) => one.name),
      ['b', 'a'],
    )
    assert.equal(catalogue.revision, 1)
  })

  it('fetches once for all who wait', async () => {
    const { catalogue, upstream } = setUp([tool('a')])
    await Promise.all([catalogue.ready(), catalogue.find('a'), catalogue.find('b')])
    assert.equal(upstream.fetched, 1)
  })

  it('serves what is old while it fetches again, and not what is too old', async () => {
    const { catalogue, upstream, clock, settle } = setUp([tool('a')])
    await catalogue.ready()
    clock.at += 61_000
    upstream.tools = [tool('b')]
    assert.equal(catalogue.get('a')?.name, 'a')
    await settle()
    assert.deepEqual([catalogue.get('a'), catalogue.get('b')?.name], [undefined, 'b'])
    upstream.fails = true
    clock.at += 299_000
    assert.equal(catalogue.get('b')?.name, 'b')
    await settle()
    clock.at += 2_000
    assert.equal(catalogue.get('b'), undefined)
    assert.deepEqual(catalogue.list(), [])
    await settle()
    await assert.rejects(catalogue.find('b'), isFault('upstream.unavailable'))
  })

  it('asks again for an unknown tool, but not for each call', async () => {
    const { catalogue, upstream, clock } = setUp([tool('a')])
    await catalogue.ready()
    upstream.tools = [tool('a'), tool('b')]
    assert.equal(await catalogue.find('b'), undefined)
    assert.equal(upstream.fetched, 1)
    clock.at += 1_001
    assert.equal((await catalogue.find('b'))?.name, 'b')
    for (let n = 0; n < 50; n++) assert.equal(await catalogue.find(`x${n}`), undefined)
    assert.equal(upstream.fetched, 2)
  })

  it('says what changed, and nothing when nothing did', async () => {
    const { catalogue, upstream, clock } = setUp([tool('a'), tool('b')])
    const changes: CatalogueChange[] = []
    const forget = catalogue.onChange((change) => changes.push(change))
    await catalogue.ready()
    clock.at += 2_000
    await catalogue.refresh()
    upstream.tools = [tool('a', 'other'), tool('c')]
    clock.at += 2_000
    await catalogue.refresh()
    assert.deepEqual(changes, [
      { added: ['a', 'b'], changed: [], removed: [] },
      { added: ['c'], changed: ['a'], removed: ['b'] },
    ])
    assert.equal(catalogue.revision, 2)
    forget()
  })

  it('does not take a fetch that was under way for the news', async () => {
    const { catalogue, upstream, clock } = setUp([tool('a')])
    let open: () => void = () => {}
    upstream.gate = new Promise((resolve) => {
      open = resolve
    })
    const ready = catalogue.ready()
    upstream.tools = [tool('b')]
    const refreshed = catalogue.refresh()
    clock.at += 2_000
    open()
    await ready
    await refreshed
    assert.equal(catalogue.get('b')?.name, 'b')
  })

  it('keeps its list when a fetch fails', async () => {
    const { catalogue, upstream, clock } = setUp([tool('a')])
    await catalogue.ready()
    upstream.fails = true
    clock.at += 2_000
    await catalogue.refresh()
    assert.equal(catalogue.get('a')?.name, 'a')
  })

  it('neither lists nor finds what is held back, and knows it in the form in which it was last offered', async () => {
    const held = new Set<string>()
    const { catalogue, upstream, clock } = setUp([tool('a', 'first'), tool('b')], () => new Set(held))
    const heard: CatalogueChange[] = []
    catalogue.onChange((change) => heard.push(change))
    await catalogue.ready()
    upstream.tools = [tool('a', 'second'), tool('b')]
    held.add('a')
    clock.at += 2_000
    await catalogue.refresh()
    assert.deepEqual(
      catalogue.list().map(({ name }) => name),
      ['b'],
    )
    assert.equal(catalogue.get('a'), undefined)
    assert.equal(catalogue.isHeld('a'), true)
    assert.equal(catalogue.known('a')?.raw['description'], 'first')
    assert.equal(catalogue.everything().length, 2)
    assert.deepEqual(heard.at(-1), { added: [], changed: [], removed: ['a'] })
    const { revision } = catalogue
    held.clear()
    catalogue.rejudge()
    assert.equal(catalogue.get('a')?.raw['description'], 'second')
    assert.deepEqual(heard.at(-1), { added: ['a'], changed: [], removed: [] })
    assert.equal(catalogue.revision, revision + 1)
    catalogue.rejudge()
    assert.equal(catalogue.revision, revision + 1, 'a judgement that changes nothing is no news')
  })

  it('knows what was held back from the start, without asking for it again', async () => {
    const { catalogue, upstream } = setUp([tool('a')], (told) => new Set(told.map(({ name }) => name)))
    assert.equal((await catalogue.find('a'))?.name, 'a')
    assert.equal((await catalogue.find('a'))?.name, 'a')
    assert.equal(upstream.fetched, 1)
    assert.deepEqual(catalogue.list(), [])
    assert.equal(catalogue.revision, 1)
  })
})
