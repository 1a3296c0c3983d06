import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { assemble, branchAtLeast, load, returns, whenAnyBit, whenEqual, whenNotEqual } from '../../src/sandbox/bpf.ts'
import { simulate } from './seccomp-simulator.ts'

const on = (number: number) => ({ architecture: 0, number })

it('assembles the bytes of struct sock_filter', () => {
  assert.equal(assemble(whenEqual(0x11223344, returns(7))).toString('hex'), '15000001443322110600000007000000')
})

it('conditions run their body or fall through', () => {
  const program = assemble([
    ...load(0),
    ...whenEqual(5, returns(1)),
    ...whenAnyBit(0x80, returns(2)),
    ...whenNotEqual(6, returns(3)),
    ...returns(4),
  ])
  assert.deepEqual(
    [5, 0x81, 7, 6].map((number) => simulate(program, on(number))),
    [1, 2, 3, 4],
  )
})

it('a branch decides alike over a short and over a long low half', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(1000), fc.nat(1000), (length, limit, number) => {
      const low = [...Array.from({ length }, () => load(0)).flat(), ...returns(1)]
      const program = assemble([...load(0), ...branchAtLeast(limit, low, returns(2))])
      return simulate(program, on(number)) === (number >= limit ? 2 : 1)
    }),
  )
})

it('what does not fit is an error, not a wrong jump', () => {
  const long = Array.from({ length: 256 }, () => returns(1)).flat()
  assert.throws(() => whenEqual(1, long), RangeError)
  assert.throws(() => whenNotEqual(1, long), RangeError)
  assert.throws(() => assemble(Array.from({ length: 17 }, () => long).flat()), RangeError)
})
