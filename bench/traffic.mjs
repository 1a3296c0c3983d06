// npm run bench -- traffic: what a question to the lists and to the limits costs, at 10 and at 1,000,000 entries.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

const SOURCE = new URL('../packages/portcullis/src/', import.meta.url)
const load = (path) => import(new URL(path, SOURCE).href)
const { AccessLists } = await load('traffic/access-lists.ts')
const { BlockList } = await load('traffic/block-list.ts')
const { EntrySet } = await load('traffic/entry-set.ts')
const { readListFile } = await load('traffic/list-file.ts')
const { MemoryRateStore } = await load('traffic/memory-rate-store.ts')
const { MemoryBlocks } = await load('stores/memory/blocks.ts')

const ROUNDS = 7
const CALLS = 500_000
const clock = { now: () => Date.now() }
const text = (word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join('.')
const spread = (at) => Math.imul(at + 1, 2_654_435_761) >>> 0

/** Median nanoseconds of one call over some rounds. */
function nanoseconds(call) {
  for (let at = 0; at < CALLS / 5; at++) call(at)
  const rounds = Array.from({ length: ROUNDS }, () => {
    const from = performance.now()
    for (let at = 0; at < CALLS; at++) call(at)
    return ((performance.now() - from) / CALLS) * 1e6
  })
  return Math.round(rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)])
}

const memory = async () => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function listsOf(entries) {
  const blocks = new BlockList({ store: new MemoryBlocks(), clock, pollMs: 500, onProblem: () => {} })
  return { blocks, lists: new AccessLists({ sources: entries ? [{ effect: 'block', entries }] : [], blocks, clock }) }
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const rows = []
try {
  const asked4 = Array.from({ length: 1024 }, (_, at) => text(spread(at * 7 + 3)))
  const asked6 = Array.from(
    { length: 1024 },
    (_, at) => `2001:db8:${(at & 255).toString(16)}::${(spread(at) >>> 16).toString(16)}`,
  )
  const mapped = asked4.map((address) => `::ffff:${address}`)
  const { lists: listless } = listsOf(undefined)
  rows.push(['nothing listed, any address', nanoseconds((at) => listless.refusalOfAddress(asked4[at & 1023]))])
  for (const count of [10, 1_000_000]) {
    const file = join(folder, 'list')
    writeFileSync(
      file,
      Array.from({ length: count }, (_, at) => `${text(spread(at))}${at % 3 === 0 ? '/24' : ''}`).join('\n'),
    )
    const before = await memory()
    const from = performance.now()
    const steps = readListFile(readFileSync(file), {
      format: 'lines',
      kind: 'address',
      reason: 'bench',
      source: 'bench',
    })
    let step = steps.next()
    while (!step.done) step = steps.next()
    const loadMs = Math.round(performance.now() - from)
    const { lists } = listsOf(step.value)
    const mib = (((await memory()) - before) / 1_048_576).toFixed(1)
    const name = count.toLocaleString('en')
    rows.push([`${name} networks: read and sorted, ms`, loadMs], [`${name} networks: memory, MiB`, mib])
    rows.push([`${name} networks: an IPv4 address`, nanoseconds((at) => lists.refusalOfAddress(asked4[at & 1023]))])
    rows.push([
      `${name} networks: an IPv4 address in IPv6`,
      nanoseconds((at) => lists.refusalOfAddress(mapped[at & 1023])),
    ])
    rows.push([`${name} networks: an IPv6 address`, nanoseconds((at) => lists.refusalOfAddress(asked6[at & 1023]))])
  }
  for (const count of [10, 1_000_000]) {
    const set = new EntrySet()
    const note = { reason: 'bench', source: 'bench', untilMs: 8_640_000_000_000_000 }
    for (let at = 0; at < count; at++) set.add({ kind: 'principal', tenant: '', value: `user:${spread(at)}` }, note)
    const { lists } = listsOf(set)
    const principals = Array.from({ length: 1024 }, (_, at) => ({
      ...{ id: `user:x${at}`, tenant: 'default', roles: [] },
      credential: { kind: 'api-key', id: `k${at}` },
    }))
    rows.push([
      `${count.toLocaleString('en')} principals: a caller`,
      nanoseconds((at) => lists.refusalOfCaller(principals[at & 1023])),
    ])
  }
  const rule = { permits: 1_000_000, perSeconds: 1, burst: 10_000_000 }
  for (const count of [10, 1_000_000]) {
    const store = new MemoryRateStore(clock, { maxKeys: 4_000_000 })
    const keys = Array.from({ length: count }, (_, at) => `principal:${spread(at)}`)
    for (const key of keys) store.take([{ key, cost: 1, rule }])
    const one = (at) => store.take([{ key: keys[spread(at) % count], cost: 1, rule }])
    rows.push([`limiter, ${count.toLocaleString('en')} keys: one key`, nanoseconds(one)])
    const three = (at) => store.take([0, 1, 2].map((of) => ({ key: keys[(spread(at) + of) % count], cost: 1, rule })))
    rows.push([`limiter, ${count.toLocaleString('en')} keys: three keys in one step`, nanoseconds(three)])
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const width = Math.max(...rows.map(([name]) => name.length))
console.log(
  `median of ${ROUNDS} rounds of ${CALLS.toLocaleString('en')} calls; nanoseconds for each unless said otherwise\n`,
)
for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${String(value).padStart(8)}`)
