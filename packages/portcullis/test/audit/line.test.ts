import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { openLine, parseLine, sealLine } from '../../src/audit/line.ts'
import { GENESIS, type CallBody, type OutcomeBody, type RecordBody } from '../../src/audit/record.ts'
import { callNumber } from './fixtures.ts'

const text = fc.string({ unit: 'binary' })
const target = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({ kind: fc.constantFrom('tool', 'prompt', 'resource', 'task'), name: text }),
)
const finding = fc.record(
  { at: text, place: text, family: text, weight: text, reason: text, verdict: text, evidence: text, view: text },
  { requiredKeys: ['at', 'place', 'family', 'weight', 'reason', 'verdict', 'evidence'] },
)
const call = fc.record(
  {
    kind: fc.constant('call' as const),
    incident: text,
    principal: text,
    credential: fc.record({ kind: fc.constantFrom('api-key', 'jwt'), id: text }),
    address: text,
    upstream: text,
    method: text,
    target,
    arguments: fc.constant('0'.repeat(64)),
    era: fc.constantFrom('modern', 'legacy'),
    version: text,
    decision: fc.record({ effect: fc.constantFrom('allow', 'deny'), policies: fc.array(text), revision: text }),
    findings: fc.array(finding, { maxLength: 2 }),
    approval: text,
  },
  { requiredKeys: ['kind', 'incident', 'address', 'method', 'arguments', 'era', 'version'] },
) as fc.Arbitrary<CallBody>
const outcome = fc.record(
  {
    kind: fc.constant('outcome' as const),
    incident: text,
    outcome: fc.constantFrom('answered', 'failed', 'refused', 'cancelled'),
    status: fc.nat(),
    durationMs: fc.nat(),
    isError: fc.constant(true as const),
    streamed: fc.nat(),
    code: text,
    detail: fc.dictionary(text, fc.jsonValue()),
    findings: fc.array(finding, { maxLength: 2 }),
  },
  { requiredKeys: ['kind', 'incident', 'outcome', 'status', 'durationMs'] },
) as fc.Arbitrary<OutcomeBody>
const body: fc.Arbitrary<RecordBody> = fc.oneof(call, outcome)

test('a line is what JSON.stringify makes of its record, member for member', () => {
  fc.assert(
    fc.property(body, text, fc.nat(), (record, tenant, at) => {
      const sealed = sealLine(GENESIS, at, JSON.stringify(tenant), record)
      const whole = { seq: 1, prev: GENESIS.hash, at, tenant, ...record, hash: sealed.hash }
      assert.equal(sealed.text, `${JSON.stringify(whole)}\n`)
    }),
  )
})

test('a line that was sealed opens with the same record in it', () => {
  fc.assert(
    fc.property(body, text, (record, tenant) => {
      const sealed = sealLine({ sequence: 6, hash: 'f'.repeat(64) }, 9, JSON.stringify(tenant), record)
      const opened = openLine(Buffer.from(sealed.text.slice(0, -1)), { sequence: 6, hash: 'f'.repeat(64) })
      assert.deepEqual(
        JSON.parse(JSON.stringify(opened)),
        JSON.parse(JSON.stringify({ seq: 7, prev: 'f'.repeat(64), at: 9, tenant, ...record, hash: sealed.hash })),
      )
    }),
  )
})

test('the hash covers everything before its own member, and needs no parser', () => {
  const { text: line, hash } = sealLine(GENESIS, 1, '"acme"', callNumber(1))
  const covered = line.slice(0, line.length - '\n'.length - 75)
  assert.equal(createHash('sha256').update(covered).digest('hex'), hash)
  assert.equal(line, `${covered},"hash":"${hash}"}\n`)
})

const first = sealLine(GENESIS, 1, '"acme"', callNumber(1)).text.slice(0, -1)
const BAD: ReadonlyArray<readonly [title: string, line: string, problem: RegExp]> = [
  ['an empty line', '', /not JSON/],
  ['half a line', first.slice(0, 100), /not JSON/],
  ['a value that is no record', '[1]', /not an audit record/],
  ['a line with white space', first.replace(',"at"', ', "at"'), /canonical/],
  ['a line with a member twice', first.replace('"seq":1', '"seq":2,"seq":1'), /canonical/],
  ['a line with its hash elsewhere', first.replace(/^\{(.*),("hash":"\w+")\}$/, '{$2,$1}'), /end with its hash/],
  ['a line with other content', first.replace('"read"', '"rm"'), /hash does not match/],
]

for (const [title, line, problem] of BAD) {
  test(`${title} is refused`, () => assert.match(openLine(Buffer.from(line), GENESIS) as string, problem))
}

test('a line out of its place is refused, and only reading it does not mind', () => {
  assert.match(openLine(Buffer.from(first), { sequence: 1, hash: GENESIS.hash }) as string, /record 2 expected/)
  assert.match(openLine(Buffer.from(first), { sequence: 0, hash: '1'.repeat(64) }) as string, /does not follow/)
  assert.equal(typeof parseLine(Buffer.from(first)), 'object')
})
