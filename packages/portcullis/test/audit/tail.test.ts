import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import type { AuditRecord, OutcomeBody } from '../../src/audit/record.ts'
import { follow, readLast } from '../../src/audit/tail.ts'
import { callNumber, newFolder, openChain } from './fixtures.ts'

const outcomeNumber = (n: number): OutcomeBody => ({
  kind: 'outcome',
  incident: `incident-${n}`,
  outcome: 'answered',
  status: 200,
  durationMs: n,
})
const names = (records: readonly AuditRecord[]) =>
  records.map((record) => `${record.kind}${'incident' in record ? ` ${record.incident.slice(9)}` : ''}`)

const directory = newFolder()
const chain = openChain(directory, { rules: { ...CHAIN_RULES, maxSegmentBytes: 1500 } })
for (let n = 1; n <= 4; n++) await chain.append(callNumber(n))
for (let n = 1; n <= 4; n++) await chain.append(outcomeNumber(n))
await chain.close()

const LISTS: ReadonlyArray<readonly [title: string, count: number, filter: object, expected: readonly string[]]> = [
  ['the last ones, across segments', 3, {}, ['outcome 4', 'stop', 'checkpoint']],
  ['those of an incident', 9, { incident: 'incident-2' }, ['call 2', 'outcome 2']],
  [
    'those of a principal with their outcomes',
    9,
    { principal: 'key:odd' },
    ['call 1', 'call 3', 'outcome 1', 'outcome 3'],
  ],
  ['those of a tool with their outcomes, as many as asked for', 2, { target: 'read' }, ['call 4', 'outcome 4']],
  ['those of one kind', 9, { kind: 'checkpoint' }, ['checkpoint']],
  ['outcomes of a principal', 9, { kind: 'outcome', principal: 'key:even' }, ['outcome 2', 'outcome 4']],
  ['none, when nothing matches', 9, { target: 'write' }, []],
]

for (const [title, count, filter, expected] of LISTS) {
  test(`reading lists ${title}`, () => assert.deepEqual(names(readLast(directory, count, filter)), expected))
}

test('following shows what is appended from then on, into new segments, with the outcomes of shown calls', async () => {
  const own = newFolder()
  const growing = openChain(own, { rules: { ...CHAIN_RULES, maxSegmentBytes: 600 } })
  await growing.append(callNumber(1))
  const stop = new AbortController()
  const seen: AuditRecord[] = []
  const reading = (async () => {
    const options = { filter: { principal: 'key:odd' }, pollMs: 1, signal: stop.signal }
    for await (const record of follow(own, options)) if (seen.push(record) === 4) stop.abort()
  })()
  for (const n of [2, 3, 4, 5]) await growing.append(callNumber(n))
  for (const n of [2, 3, 4, 5]) await growing.append(outcomeNumber(n))
  await reading
  await growing.close()
  assert.deepEqual(names(seen), ['call 3', 'call 5', 'outcome 3', 'outcome 5'])
})
