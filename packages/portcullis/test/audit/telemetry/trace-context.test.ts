/** AU-2: what callers say of their traces is read to the letter of W3C Trace Context and W3C Baggage, or not at all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { listedBaggage } from '../../../src/audit/telemetry/baggage.ts'
import { newSpanId, newTraceId } from '../../../src/audit/telemetry/random-ids.ts'
import { readTraceContext, traceparent } from '../../../src/audit/telemetry/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const GOOD = `00-${TRACE}-${SPAN}-01`

describe('traceparent', () => {
  it('of the one version that there is, is read', () => {
    assert.deepEqual(readTraceContext(GOOD, undefined), { traceId: TRACE, spanId: SPAN, sampled: true, state: '' })
    assert.equal(readTraceContext(`00-${TRACE}-${SPAN}-00`, undefined)?.sampled, false)
  })

  it('tells by one bit only whether it is sampled', () => {
    for (const [flags, sampled] of [
      ['03', true],
      ['02', false],
      ['ff', true],
      ['fe', false],
    ] as const)
      assert.equal(readTraceContext(`00-${TRACE}-${SPAN}-${flags}`, undefined)?.sampled, sampled, flags)
  })

  it('of a later version is read as far as it is known', () => {
    assert.equal(readTraceContext(`01-${TRACE}-${SPAN}-01-what-comes`, undefined)?.traceId, TRACE)
    assert.equal(readTraceContext(`cc-${TRACE}-${SPAN}-01`, undefined)?.spanId, SPAN)
  })

  const BAD: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['a number', 7],
    ['a list', [GOOD]],
    ['empty', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more than version 00 has', `${GOOD}-x`],
    ['a later version that goes on without a dash', `01-${TRACE}-${SPAN}-01x`],
    ['capitals', GOOD.toUpperCase()],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['a long span', `00-${TRACE}-${SPAN}0-01`],
    ['one digit of flags', `00-${TRACE}-${SPAN}-1`],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['spaces around it', ` ${GOOD} `],
    ['a line end', `${GOOD}\n`],
    ['digits that are none', `00-${TRACE.replace('4', 'g')}-${SPAN}-01`],
    ['other dashes', GOOD.replaceAll('-', '_')],
    ['too much of a later version', `01-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`],
  ]
  for (const [what, value] of BAD)
    it(`is not believed: ${what}`, () => assert.equal(readTraceContext(value, ''), undefined))

  it('never throws, and what it reads can be written again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (parent, state) => {
        readTraceContext(parent, state)
      }),
    )
    const hex = (length: number) =>
      fc.string({
        unit: fc.constantFrom(...'0 1 2 3 4 5 6 7 8 9 a b c d e f'.split(' ')),
        minLength: length,
        maxLength: length,
      })
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const read = readTraceContext(traceparent(traceId, spanId, sampled), undefined)
        if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return assert.equal(read, undefined)
        assert.deepEqual(read, { traceId, spanId, sampled, state: '' })
      }),
    )
  })

  it('has random ids of the right length', () => {
    const ids = new Set(Array.from({ length: 2_000 }, () => newSpanId()))
    assert.equal(ids.size, 2_000)
    for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/)
    assert.match(newTraceId(), /^[0-9a-f]{32}$/)
  })
})

describe('tracestate', () => {
  const stateOf = (state: unknown) => readTraceContext(GOOD, state)?.state
  for (const [what, state, expected] of [
    ['one entry', 'vendor=1', 'vendor=1'],
    ['a tenant and a system', 'fw529a3039@dt=FfAA', 'fw529a3039@dt=FfAA'],
    ['white space around entries and empty ones', ' a=1 ,, b=2,', 'a=1,b=2'],
    ['32 entries', many(32), many(32)],
    ['33 entries', many(33), ''],
    ['an entry twice', 'a=1,a=2', ''],
    ['a capital key', 'A=1', ''],
    ['a value with an equals sign', 'a=1=2', ''],
    ['a value that is empty', 'a=', ''],
    ['a key that is empty', '=1', ''],
    ['no equals sign', 'a', ''],
    ['a control character', 'a=\u0001', ''],
    ['letters beyond ASCII', 'a=é', ''],
    ['a key of 257 characters', `${'a'.repeat(257)}=1`, ''],
    ['more than 512 characters', `a=${'x'.repeat(250)},b=${'x'.repeat(250)},c=${'x'.repeat(20)}`, ''],
    ['a list', ['a=1'], ''],
  ] as const)
    it(`${what}: ${expected === '' ? 'is dropped whole' : 'goes on'}`, () => assert.equal(stateOf(state), expected))
})

describe('baggage', () => {
  const allowed = new Set(['tenant.tier', 'request'])
  for (const [what, baggage, expected] of [
    ['what is listed', 'request=1,user=ada', 'request=1'],
    ['without properties', 'request=1;secret=2 , tenant.tier = gold', 'request=1,tenant.tier=gold'],
    ['nothing that is listed', 'user=ada', undefined],
    ['a value with a space in it', 'request=a b', undefined],
    ['a value with quotes', 'request="1"', undefined],
    ['no text', 7, undefined],
    ['too long a text', `request=1,${'x=1,'.repeat(3000)}`, undefined],
    ['too many entries', `request=1${',x=1'.repeat(64)}`, undefined],
    ['another case', 'Request=1', undefined],
  ] as const)
    it(what, () => assert.equal(listedBaggage(baggage, allowed), expected))

  it('ends here where nothing is listed', () => assert.equal(listedBaggage('request=1', new Set()), undefined))
})

function many(count: number): string {
  return Array.from({ length: count }, (_, at) => `k${at}=v`).join(',')
}
