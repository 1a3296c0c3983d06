import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { Breakable } from '../../../src/inspection/sql/breakable.ts'

/** A parser that breaks at `trap` and is broken from then on. */
const newParser = (generation: number) => {
  let isBroken = false
  return {
    parse: (text: string): readonly unknown[] => {
      isBroken ||= text === 'trap'
      if (isBroken) throw new RangeError('unreachable')
      if (text === 'wrong') throw new TypeError('syntax')
      return [generation]
    },
  }
}

const isRefusal = (thrown: unknown): boolean => thrown instanceof TypeError

test('a refusal leaves the parser in place', async () => {
  const parser = await Breakable.load(async (generation) => newParser(generation))
  assert.deepEqual(
    parser.use(({ parse }) => parse('wrong'), isRefusal),
    { reason: 'sql.unparsable' },
  )
  assert.deepEqual(
    parser.use(({ parse }) => parse('right'), isRefusal),
    { statements: [0] },
  )
})

test('a trap refuses that text only: the spare goes on at once and another is loaded', async () => {
  let loaded = 0
  const parser = await Breakable.load(async (generation) => {
    loaded++
    return newParser(generation)
  })
  const ask = (text: string) => parser.use(({ parse }) => parse(text), isRefusal)
  for (let generation = 1; generation < 5; generation++) {
    assert.deepEqual(ask('trap'), { reason: 'sql.unparsable' })
    assert.deepEqual(ask('right'), { statements: [generation] })
    await setImmediate()
  }
  assert.equal(loaded, 6)
})

test('without a spare every text is refused until one is there', async () => {
  const parser = await Breakable.load(async (generation) => newParser(generation))
  const ask = (text: string) => parser.use(({ parse }) => parse(text), isRefusal)
  ask('trap')
  ask('trap')
  assert.deepEqual(ask('right'), { reason: 'sql.parser-unavailable' })
  await setImmediate()
  assert.deepEqual(ask('right'), { statements: [2] })
})

test('one that cannot be loaded again refuses for ever and throws nothing', async () => {
  const parser = await Breakable.load(async (generation) => {
    if (generation > 1) throw new Error('gone')
    return newParser(generation)
  })
  const ask = (text: string) => parser.use(({ parse }) => parse(text), isRefusal)
  for (let at = 0; at < 3; at++) {
    ask('trap')
    await setImmediate()
  }
  assert.deepEqual(ask('right'), { reason: 'sql.parser-unavailable' })
})
