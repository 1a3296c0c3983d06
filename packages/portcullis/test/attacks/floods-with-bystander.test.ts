/**
 * TR-4: floods of every kind against a gateway in a process of its own, while somebody calls: all of that somebody's calls are
 * answered, memory stays bounded, and nothing is started anew. How long the calls take is measured by `npm run bench -- floods`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Bystander, type FloodedGateway, type Memory, startFlooded } from '../fixtures/flooded.ts'
import { FLOODS } from '../fixtures/floods.ts'

const FLOOD_MS = 700
const MEBIBYTE = 1_048_576
/** What a gateway may grow by while it is flooded; all that the limits let one address keep is less. */
const MAX_GROWTH = 500 * MEBIBYTE
/** And what may be left of it: pages that nobody has given back yet count here. */
const MAX_HEAP_LEFT = 40 * MEBIBYTE

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'what is slow or idle': ['slow heads', 'slow bodies', 'idle connections'],
  'connections without end': ['connections without end'],
  'what has no end or two meanings': ['heads without end', 'bodies without end', 'smuggled requests'],
  resets: ['rapid reset', 'resets by windows that overflow'],
  'heads of HTTP/2': ['continuations', 'tables that grow'],
  'frames that are answered': ['settings', 'pings'],
  'frames that are nothing': [
    'empty data',
    'padded data',
    'windows one byte wider',
    'priorities',
    'frames of no known kind',
  ],
  'bodies of HTTP/2': ['bodies without end over HTTP/2'],
  'clients that do not read': ['windows that stay shut', 'answers that nobody reads'],
  upstreams: ['compressed bombs of an upstream', 'answers without end of an upstream'],
}

/** Each flood comes from an address of its own, or one that was kept out would not bring the next. */
const addressOf = (name: string): string => `127.0.0.${10 + Object.keys(FLOODS).indexOf(name)}`

let gateway: FloodedGateway
let first: Memory
let peak = 0

before(async () => {
  gateway = await startFlooded()
  await withBystander(() => sleep(FLOOD_MS))
  first = (await gateway.look('collected')).memory
})
after(() => gateway.close())

/** Fails unless every call meanwhile is answered, and at least one has been. */
async function withBystander(act: () => Promise<unknown>): Promise<void> {
  const bystander = new Bystander(gateway)
  await act()
  await bystander.stop()
  assert.ok(bystander.calls.length > 0)
  assert.deepEqual([...new Set(bystander.calls.map(({ status }) => status))], [200])
}

/** All of these floods at once, for a while. */
async function flood(names: readonly string[]): Promise<void> {
  const stop = new AbortController()
  const floods = names.map(
    (name) => FLOODS[name]?.({ ...gateway, address: addressOf(name) }, stop.signal) ?? assert.fail(name),
  )
  for (let looks = 0; looks < 4; looks++) {
    await sleep(FLOOD_MS / 4)
    peak = Math.max(peak, (await gateway.look('now')).memory.rss)
  }
  stop.abort()
  await Promise.all(floods)
}

describe('somebody is served all the while in a flood of', () => {
  for (const [title, names] of Object.entries(GROUPS)) {
    it(title, () => withBystander(() => flood(names)))
  }
})

it('every flood that there is was tried', () => {
  assert.deepEqual(Object.values(GROUPS).flat().toSorted(), Object.keys(FLOODS).toSorted())
})

it('memory has stayed bounded, and nothing is kept of the floods', async () => {
  let { memory } = await gateway.look('collected')
  for (let tries = 0; tries < 20 && memory.heapUsed > first.heapUsed + MAX_HEAP_LEFT; tries++) {
    await sleep(200)
    memory = (await gateway.look('collected')).memory
  }
  assert.ok(memory.heapUsed < first.heapUsed + MAX_HEAP_LEFT, `${memory.heapUsed} after ${first.heapUsed}`)
  assert.ok(peak < first.rss + MAX_GROWTH, `${peak} after ${first.rss}`)
  assert.deepEqual([gateway.child.exitCode, gateway.child.signalCode, gateway.child.connected], [null, null, true])
})
