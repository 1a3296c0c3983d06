/** AU-4: at least once and in order, whatever the receiver, the disk or the process does meanwhile. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHAIN_RULES } from '../../../src/audit/chain.ts'
import { Cursor, CursorDamaged, type CursorFile } from '../../../src/audit/export/cursor.ts'
import { DeadLetters } from '../../../src/audit/export/dead-letters.ts'
import { backOffMs } from '../../../src/audit/export/export-rules.ts'
import { Exporter, type ExporterOptions } from '../../../src/audit/export/exporter.ts'
import { Exporters } from '../../../src/audit/export/exporters.ts'
import { formatJson } from '../../../src/audit/export/format-json.ts'
import { type Parcel, type Sink, SinkError } from '../../../src/audit/export/sink.ts'
import type { AuditRecord } from '../../../src/audit/record.ts'
import { callNumber, clock, newFolder, openChain } from '../fixtures.ts'

/** A receiver that does what it is told to, and remembers what it took. */
class Receiver implements Sink {
  readonly taken: AuditRecord[] = []
  readonly sizes: number[] = []
  answer: (parcel: Parcel, signal: AbortSignal) => Promise<void> | void = () => {}
  closed = 0

  async deliver(parcel: Parcel, signal: AbortSignal): Promise<void> {
    await this.answer(parcel, signal)
    this.sizes.push(parcel.items.length)
    for (const { texts } of parcel.items) for (const text of texts) this.taken.push(JSON.parse(text) as AuditRecord)
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }

  get numbers(): readonly number[] {
    return this.taken.map(({ seq }) => seq)
  }
}

const memoryFile = (text?: string) => {
  const kept = { text, fails: false }
  const file: CursorFile = {
    path: 'siem.json',
    read: () => kept.text,
    write: async (next) => {
      if (kept.fails) throw new Error('ENOSPC')
      kept.text = next
    },
  }
  return { kept, file }
}

const RULES = { maxRecords: 10, maxBytes: 1_000_000, waitMs: 0, deadlineMs: 5_000, attempts: 2 }
const logged: string[] = []
const log = {
  info: (text: string) => void logged.push(text),
  warn: (text: string) => void logged.push(text),
  error: (text: string) => void logged.push(text),
}

function makeExporter(
  folder: string,
  receiver: Sink,
  more: Partial<ExporterOptions> & { file?: CursorFile } = {},
): Exporter {
  const { file = memoryFile().file, ...options } = more
  return new Exporter({
    name: 'siem',
    format: formatJson,
    sink: receiver,
    cursor: new Cursor(file, () => void logged.push('cursor')),
    dead: new DeadLetters(join(folder, 'dead.jsonl')),
    rules: RULES,
    directoryOf: () => folder,
    clock,
    random: () => 0,
    log,
    ...options,
  })
}

/** A chain with so many calls; `maxSegmentBytes` small enough that there are many files. */
async function chainOf(folder: string, count: number, maxSegmentBytes = 2_000): Promise<void> {
  const chain = openChain(folder, { rules: { ...CHAIN_RULES, maxSegmentBytes } })
  // Four in one commit, because each commit waits for the disk.
  for (let n = 1; n <= count; n += 4)
    await Promise.all(countTo(Math.min(4, count - n + 1), n).map((number) => chain.append(callNumber(number))))
  await chain.close()
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !condition(); turn++) await sleep(2)
  assert(condition(), 'it never came about')
}

const countTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)

describe('an exporter', () => {
  it('delivers everything in order, over many files, in batches', async () => {
    const folder = newFolder()
    await chainOf(folder, 40)
    const receiver = new Receiver()
    const exporter = makeExporter(folder, receiver)
    exporter.hears('acme', 42)
    exporter.start()
    await until(() => receiver.taken.length === 42)
    assert.deepEqual(receiver.numbers, countTo(42))
    assert(Math.max(...receiver.sizes) <= 10)
    await exporter.close(1_000)
  })

  it('sends all of a chain that is shorter than what it has delivered, because that one was another', async () => {
    const folder = newFolder()
    await chainOf(folder, 8)
    const receiver = new Receiver()
    const { file } = memoryFile('{"version":1,"delivered":{"acme":500}}')
    const exporter = makeExporter(folder, receiver, { file })
    exporter.hears('acme', 10)
    exporter.start()
    await until(() => receiver.taken.length === 10)
    assert.deepEqual(receiver.numbers, countTo(10))
    assert(logged.some((text) => text.startsWith('the chain is shorter')))
    await exporter.close(1_000)
  })

  it('never delivers what is not durable', async () => {
    const folder = newFolder()
    await chainOf(folder, 20)
    const receiver = new Receiver()
    const exporter = makeExporter(folder, receiver)
    exporter.hears('acme', 5)
    exporter.start()
    await until(() => receiver.taken.length === 5)
    await sleep(20)
    assert.deepEqual(receiver.numbers, countTo(5))
    exporter.hears('acme', 7)
    await until(() => receiver.taken.length === 7)
    await exporter.close(1_000)
  })

  it('goes on where it was after a restart, and again from there when the place could not be kept', async () => {
    const folder = newFolder()
    await chainOf(folder, 20)
    const { kept, file } = memoryFile()
    const first = new Receiver()
    const before = makeExporter(folder, first, { file })
    before.hears('acme', 8)
    before.start()
    await until(() => first.taken.length === 8)
    await before.close(1_000)
    kept.fails = true
    const second = new Receiver()
    const full = makeExporter(folder, second, { file })
    full.hears('acme', 15)
    full.start()
    await until(() => second.taken.length === 7)
    await full.close(1_000)
    assert.deepEqual(second.numbers, countTo(7, 9))
    assert(logged.includes('cursor'))
    kept.fails = false
    const third = new Receiver()
    const after = makeExporter(folder, third, { file })
    after.hears('acme', 22)
    after.start()
    await until(() => third.taken.length === 14)
    assert.deepEqual(third.numbers, countTo(14, 9))
    await after.close(1_000)
  })

  it('knows the call of an outcome that comes after a restart', async () => {
    const folder = newFolder()
    const chain = openChain(folder)
    await chain.append(callNumber(2))
    await chain.append({ kind: 'outcome', incident: 'incident-2', outcome: 'answered', status: 200, durationMs: 1 })
    await chain.close()
    const { file } = memoryFile('{"version":1,"delivered":{"acme":1}}')
    const told: (string | undefined)[] = []
    const exporter = makeExporter(folder, new Receiver(), {
      file,
      format: ({ call }) => {
        told.push(call?.principal)
        return ['{}']
      },
    })
    exporter.hears('acme', 2)
    exporter.start()
    await until(() => told.length === 1)
    assert.deepEqual(told, ['key:even'])
    await exporter.close(1_000)
  })

  it('tries again until the receiver takes it, and loses nothing', async () => {
    const folder = newFolder()
    await chainOf(folder, 10)
    const receiver = new Receiver()
    let failures = 2
    receiver.answer = () => {
      if (failures-- > 0) throw new SinkError('the receiver answered 503', { retryAfterMs: 1 })
    }
    const exporter = makeExporter(folder, receiver)
    exporter.hears('acme', 12)
    exporter.start()
    await until(() => receiver.taken.length === 12)
    assert.deepEqual(receiver.numbers, countTo(12))
    assert.equal(exporter.counts.failures, 2)
    assert.equal(exporter.problem, undefined)
    await exporter.close(1_000)
  })

  it('gives up on a receiver that hangs, and lets go of it', async () => {
    const folder = newFolder()
    await chainOf(folder, 3)
    const receiver = new Receiver()
    receiver.answer = () => new Promise(() => {})
    const exporter = makeExporter(folder, receiver, { rules: { ...RULES, deadlineMs: 20 } })
    exporter.hears('acme', 3)
    exporter.start()
    await until(() => exporter.counts.failures > 0)
    assert.match(exporter.problem ?? '', /in time/)
    assert(receiver.closed > 0)
    receiver.answer = () => {}
    await until(() => receiver.taken.length === 3)
    await exporter.close(1_000)
  })

  it('puts aside the one record that is refused, and delivers all others in order', async () => {
    const folder = newFolder()
    await chainOf(folder, 10)
    const receiver = new Receiver()
    receiver.answer = ({ items }) => {
      if (items.some(({ event }) => event.record.seq === 4))
        throw new SinkError('the receiver answered 422', { refused: true })
    }
    const exporter = makeExporter(folder, receiver)
    exporter.hears('acme', 12)
    exporter.start()
    await until(() => receiver.taken.length === 11)
    assert.deepEqual(
      receiver.numbers,
      countTo(12).filter((seq) => seq !== 4),
    )
    const [letter = ''] = readFileSync(join(folder, 'dead.jsonl'), 'utf8').split('\n')
    const { id, reason, line } = JSON.parse(letter)
    const { seq, hash } = JSON.parse(line)
    assert.deepEqual([id, reason, seq], [`acme:4:${hash.slice(0, 16)}`, 'the receiver answered 422', 4])
    assert.equal(exporter.deadLetters, 1)
    assert(logged.includes('a record was put aside'))
    await exporter.close(1_000)
  })

  it('goes nowhere while a refused record cannot be put aside', async () => {
    const folder = newFolder()
    await chainOf(folder, 3)
    const receiver = new Receiver()
    receiver.answer = () => {
      throw new SinkError('refused', { refused: true })
    }
    const dead = new DeadLetters(join(folder, 'dead.jsonl'), undefined, 10)
    const exporter = makeExporter(folder, receiver, { dead, rules: { ...RULES, attempts: 1 } })
    exporter.hears('acme', 3)
    exporter.start()
    await until(() => /full/.test(exporter.problem ?? ''))
    assert.equal(exporter.backlogs.get('acme')?.delivered, 0)
    await exporter.close(0)
  })

  it('puts aside a line that is no record, and goes on', async () => {
    const folder = newFolder()
    await chainOf(folder, 5, 1_000_000)
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.jsonl'))
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    lines[2] = `${lines[2]?.slice(0, 40)}`
    writeFileSync(join(folder, name), lines.join('\n'))
    const receiver = new Receiver()
    const exporter = makeExporter(folder, receiver)
    exporter.hears('acme', 7)
    exporter.start()
    await until(() => receiver.taken.length === 6)
    assert.deepEqual(receiver.numbers, [1, 2, 4, 5, 6, 7])
    assert.equal(exporter.deadLetters, 1)
    await exporter.close(1_000)
  })

  it('tells of records that were removed before it could read them', async () => {
    const folder = newFolder()
    await chainOf(folder, 40)
    const { file } = memoryFile('{"version":1,"delivered":{"acme":2}}')
    const names = readdirSync(folder)
      .filter((one) => one.endsWith('.jsonl'))
      .toSorted()
    for (const name of names.slice(0, 3)) rmSync(join(folder, name))
    const receiver = new Receiver()
    const exporter = makeExporter(folder, receiver, { file })
    exporter.hears('acme', 42)
    exporter.start()
    const first = Number(names[3]?.slice(0, 15))
    await until(() => receiver.taken.length === 42 - first + 1)
    assert.deepEqual(receiver.numbers, countTo(42 - first + 1, first))
    assert.equal(exporter.counts.missing, first - 3)
    assert(logged.includes('records were removed before they were exported'))
    await exporter.close(1_000)
  })

  it('sends only kinds and tenants that are asked for, and does not wait for the others', async () => {
    const folder = newFolder()
    await chainOf(folder, 5)
    const receiver = new Receiver()
    const exporter = makeExporter(folder, receiver, { kinds: new Set(['checkpoint']), tenants: new Set(['acme']) })
    exporter.hears('other', 7)
    exporter.hears('acme', 7)
    exporter.start()
    await until(() => exporter.backlogs.get('acme')?.records === 0)
    assert.deepEqual(
      receiver.taken.map(({ kind }) => kind),
      ['checkpoint'],
    )
    assert.equal(exporter.backlogs.has('other'), false)
    await exporter.close(1_000)
  })

  it('holds no more than one delivery in memory, however many tenants wait', async () => {
    const folder = newFolder()
    const names = ['a', 'b', 'c']
    for (const name of names) await chainOf(join(folder, name), 4)
    const receiver = new Receiver()
    receiver.answer = () => {
      throw new SinkError('the receiver answered 503', { retryAfterMs: 1 })
    }
    const exporter = makeExporter(folder, receiver, { directoryOf: (tenant) => join(folder, tenant) })
    for (const name of names) exporter.hears(name, 6)
    exporter.start()
    await until(() => exporter.counts.failures >= 2)
    const held = [...exporter.backlogs.values()].filter(({ waiting }) => waiting.length > 0)
    assert.equal(held.length, 1)
    receiver.answer = () => {}
    await until(() => receiver.taken.length === 18)
    await exporter.close(1_000)
  })

  it('waits longer after each failure, up to a minute, and as long as it is asked to', () => {
    assert.deepEqual(
      [1, 2, 3, 99].map((failures) => backOffMs(failures, () => 1)),
      [500, 1_000, 2_000, 60_000],
    )
    assert.equal(
      backOffMs(1, () => 0),
      250,
    )
    assert.equal(
      backOffMs(1, () => 1, 7_000),
      7_000,
    )
  })

  it('does not believe a damaged place', () => {
    for (const text of [
      '',
      '{',
      '{"version":2,"delivered":{}}',
      '{"version":1}',
      '{"version":1,"delivered":{"a":-1}}',
      '{"version":1,"delivered":{"a":1.5}}',
    ])
      assert.throws(() => new Cursor(memoryFile(text).file, () => {}), CursorDamaged, text)
  })
})

describe('all exporters', () => {
  const entry = (exporter: Exporter, more: object = {}) => ({
    exporter,
    sinkKind: 'webhook',
    formatName: 'json',
    format: formatJson,
    openSink: () => new Receiver(),
    deadlineMs: 1_000,
    maxLagMs: undefined,
    skipsOld: false,
    ...more,
  })

  it('hold back a tenant whose required records wait too long, and no other', () => {
    const folder = newFolder()
    const time = { at: 1_000, now: () => time.at }
    const exporter = makeExporter(folder, new Receiver(), { clock: time })
    const exporters = new Exporters([entry(exporter, { maxLagMs: 5_000 })], join(folder, 'none'), time)
    exporters.hears('acme', 3)
    assert.equal(exporters.behind('acme'), undefined)
    time.at += 5_001
    assert.equal(exporters.behind('acme'), 'siem')
    assert.equal(exporters.behind('other'), undefined)
    assert.equal(exporters.isBehind, true)
    assert.equal(exporters.status[0]?.lagRecords, 3)
  })

  it('need every record that one of them has not delivered', () => {
    const folder = newFolder()
    const slow = makeExporter(folder, new Receiver(), {
      name: 'slow',
      file: memoryFile('{"version":1,"delivered":{"acme":4}}').file,
    })
    const fast = makeExporter(folder, new Receiver(), { file: memoryFile('{"version":1,"delivered":{"acme":9}}').file })
    const exporters = new Exporters([entry(slow), entry(fast)], join(folder, 'none'), clock)
    exporters.hears('acme', 10)
    assert.equal(exporters.oldestNeeded('acme'), 5)
    assert.equal(exporters.oldestNeeded('other'), undefined)
  })

  it('find what waits in the chains at a start, or leave it alone when that is asked for', async () => {
    const folder = newFolder()
    await chainOf(join(folder, 'acme'), 5)
    const kept = memoryFile()
    const all = makeExporter(join(folder, 'acme'), new Receiver())
    const news = makeExporter(join(folder, 'acme'), new Receiver(), { name: 'news', file: kept.file })
    const exporters = new Exporters([entry(all), entry(news, { skipsOld: true })], folder, clock)
    assert.equal(exporters.oldestNeeded('acme'), 1)
    assert.equal(all.backlogs.get('acme')?.records, 7)
    assert.equal(news.backlogs.get('acme')?.records, 0)
    await news.close(0)
    assert.match(kept.kept.text ?? '', /"acme":7/)
  })
})
