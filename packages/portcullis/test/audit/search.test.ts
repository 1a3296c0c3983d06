import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { segmentsOf } from '../../src/audit/lines.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { type RecordQuery, searchRecords, segmentsWithin } from '../../src/audit/search.ts'
import { callNumber, newFolder, openChain } from './fixtures.ts'

const HOUR = 3_600_000
const BEGAN = 1_700_000_000_000
const directory = newFolder()

before(async () => {
  let now = BEGAN
  const chain = openChain(directory, { clock: { now: () => now }, rules: { ...CHAIN_RULES, maxSegmentBytes: 1_500 } })
  for (let n = 0; n < 20; n++) {
    await chain.append({ ...callNumber(n), upstream: n % 3 === 0 ? 'web' : 'files' })
    const code = n % 5 === 0 ? { code: 'upstream.unavailable' } : {}
    const outcome = n % 5 === 0 ? 'failed' : 'answered'
    await chain.append({ kind: 'outcome', incident: `incident-${n}`, outcome, status: 200, durationMs: 1, ...code })
    now += HOUR
  }
  await chain.close()
  appendFileSync(`${directory}/${segmentsOf(directory).at(-1)}`, '{"seq":99,"torn')
})

async function found(query: RecordQuery, signal?: AbortSignal): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of searchRecords(directory, query, signal)) records.push(record)
  return records
}

const QUERIES: readonly (readonly [what: string, query: RecordQuery, incidents: readonly number[]])[] = [
  ['an incident', { incident: 'incident-7' }, [7, 7]],
  ['a principal, with the outcomes of its calls', { principal: 'key:even', to: BEGAN + 3 * HOUR }, [0, 0, 2, 2]],
  ['an upstream', { upstream: 'web', to: BEGAN + 4 * HOUR }, [0, 0, 3, 3]],
  ['a code', { code: 'upstream.unavailable' }, [0, 5, 10, 15]],
  ['an outcome of one upstream', { outcome: 'failed', upstream: 'web' }, [0, 15]],
  ['a kind', { kind: 'call', from: BEGAN + 18 * HOUR }, [18, 19]],
  ['a time, its beginning included and its end not', { from: BEGAN + 5 * HOUR, to: BEGAN + 6 * HOUR }, [5, 5]],
  ['a tool that nobody called', { target: 'write' }, []],
]

for (const [what, query, incidents] of QUERIES) {
  test(`records are found by ${what}`, async () => {
    const records = await found(query)
    assert.deepEqual(
      records.map((record) => 'incident' in record && record.incident),
      incidents.map((n) => `incident-${n}`),
    )
  })
}

test('segments of another time are not opened', async () => {
  const all = segmentsOf(directory)
  const some = await segmentsWithin(directory, { from: BEGAN + 9 * HOUR, to: BEGAN + 10 * HOUR })
  assert.ok(all.length > 8 && some.length <= 2, `${some.length} of ${all.length}`)
  assert.deepEqual(await segmentsWithin(directory, {}), all)
})

test('a clock that went back hides no segment', async () => {
  const other = newFolder()
  let now = BEGAN
  const chain = openChain(other, { clock: { now: () => now }, rules: { ...CHAIN_RULES, maxSegmentBytes: 400 } })
  for (const jump of [0, 100 * HOUR, -100 * HOUR, HOUR]) {
    now += jump
    await chain.append(callNumber(now))
  }
  await chain.close()
  for (const at of [BEGAN, BEGAN + 100 * HOUR, BEGAN + HOUR]) {
    const times: number[] = []
    for await (const record of searchRecords(other, { kind: 'call', from: at, to: at + 1 })) times.push(record.at)
    assert.ok(times.length > 0 && times.every((time) => time === at), String(at))
  }
})

test('a search ends when it is interrupted, and finds nothing where there is no chain', async () => {
  assert.deepEqual(await found({}, AbortSignal.abort()), [])
  for await (const record of searchRecords(`${directory}/nothing`, {})) assert.fail(String(record.seq))
})
