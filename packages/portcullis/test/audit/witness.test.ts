/** AU-3: witnesses get the newest of each chain, whatever they did before; what is required and lacks too much is named. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { appendFiles } from '../../src/audit/append-file.ts'
import type { SignedStatement } from '../../src/audit/checkpoint.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { fileWitness, mustLieApart } from '../../src/audit/witness/file-witness.ts'
import { lineOf, parseWitness, parseWitnessLine } from '../../src/audit/witness/statement.ts'
import { Witnesses } from '../../src/audit/witness/witnesses.ts'
import { callNumber, keys, newFolder, openChain, quickFiles } from './fixtures.ts'

const statement = (tenant: string, sequence: number, at = 0): SignedStatement => ({
  ...{ tenant, sequence, at, hash: 'a'.repeat(64), key: 'k', signature: 's' },
})

/** A witness that takes, refuses or hangs as it is told, with the time at hand. */
function scene(required?: { maxLagMs: number; maxLagRecords: number }) {
  const notes: (readonly SignedStatement[])[] = []
  const problems: unknown[] = []
  const state = { now: 0, act: async () => {} }
  const witness = {
    kind: 'test',
    async note(statements: readonly SignedStatement[]) {
      await state.act()
      notes.push(statements)
    },
    close: async () => {},
  }
  const witnesses = new Witnesses([{ name: 'w', witness, deadlineMs: 20, required }], {
    clock: { now: () => state.now },
    onProblem: (_name, error) => problems.push(error),
    minRetryMs: 1,
    maxRetryMs: 2,
  })
  return { witnesses, notes, problems, state }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 10))

test('what comes while a note is under way goes with the next, and of each chain only the newest', async () => {
  const { witnesses, notes, state } = scene()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.act = () => promise
  witnesses.take(statement('a', 1))
  for (const sequence of [2, 3, 4]) witnesses.take(statement('a', sequence))
  witnesses.take(statement('b', 9))
  resolve()
  await settled()
  assert.deepEqual(
    notes.map((note) => note.map(({ tenant, sequence }) => `${tenant}${sequence}`)),
    [['a1'], ['a4', 'b9']],
  )
})

test('a witness that refuses or hangs is tried again, and is told of once', async () => {
  const { witnesses, notes, problems, state } = scene()
  let tries = 0
  state.act = () =>
    ++tries > 3 ? Promise.resolve() : tries === 2 ? new Promise<void>(() => {}) : Promise.reject(new Error('no'))
  witnesses.take(statement('a', 1))
  while (notes.length === 0) await settled()
  assert.equal(tries, 4)
  assert.deepEqual(
    problems.map((problem) => (problem as Error | undefined)?.message),
    ['no', undefined],
  )
})

test('a required witness is behind by records or by time, and by neither once it knows', async () => {
  const { witnesses, state } = scene({ maxLagMs: 1_000, maxLagRecords: 5 })
  witnesses.hears('a', 100)
  assert.equal(witnesses.behind('a'), undefined, 'what was there before the start has its time')
  witnesses.hears('a', 106)
  assert.equal(witnesses.behind('a'), 'w')
  assert.equal(witnesses.behind('b'), undefined)
  witnesses.take(statement('a', 105, 0))
  await settled()
  assert.equal(witnesses.behind('a'), undefined)
  state.now = 50_000
  assert.equal(witnesses.behind('a'), undefined, 'nothing was written since')
  witnesses.hears('a', 107)
  assert.equal(witnesses.isBehind, true)
  witnesses.take(statement('a', 107, 49_500))
  await settled()
  assert.equal(witnesses.isBehind, false)
})

test('what waits at the end is told once more', async () => {
  const { witnesses, notes, state } = scene()
  state.act = () => Promise.reject(new Error('no'))
  witnesses.take(statement('a', 1))
  state.act = () => Promise.resolve()
  await witnesses.close()
  assert.deepEqual(
    notes.flat().map(({ sequence }) => sequence),
    [1],
  )
})

test('a file gets a line for each, and one that was torn is passed over', async () => {
  const path = join(newFolder(), 'w.jsonl')
  writeFileSync(path, lineOf(statement('a', 1)).slice(0, 30))
  const witness = fileWitness({ path, openFile: appendFiles(quickFiles) })
  await witness.note([statement('a', 2), statement('b', 3)], AbortSignal.timeout(1_000))
  await witness.note([statement('a', 4)], AbortSignal.timeout(1_000))
  await witness.close()
  const { lines, strange } = parseWitness(readFileSync(path, 'utf8'))
  assert.deepEqual([lines.map(({ sequence }) => sequence), strange], [[2, 3, 4], 1])
})

test('a file that was removed takes no note', async () => {
  const path = join(newFolder(), 'w.jsonl')
  const broken = fileWitness({
    path,
    openFile: appendFiles({ ...quickFiles, write: async () => Promise.reject(new Error('EIO')) }),
  })
  await assert.rejects(broken.note([statement('a', 1)], AbortSignal.timeout(1_000)), /EIO/)
})

test('a file on the device of the chains is refused, one on another is not', () => {
  const folder = newFolder()
  assert.throws(() => mustLieApart(join(folder, 'not-there', 'w.jsonl'), folder, 'x'), /same device .* x: allowed/)
  if (process.platform === 'linux') mustLieApart('/proc/w.jsonl', folder, 'x')
})

test('no text is a line of a witness but one', () => {
  assert.deepEqual(parseWitnessLine(lineOf(statement('a', 1))), statement('a', 1))
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => assert.equal(parseWitnessLine(text), undefined)))
})

test('a line that nobody has signed, of another chain, or one of two that cannot both be, breaks the verdict', async () => {
  const directory = newFolder()
  const seen: SignedStatement[] = []
  const chain = openChain(directory, { openFile: appendFiles(quickFiles), onCheckpoint: (one) => seen.push(one) })
  await chain.append(callNumber(1))
  await chain.close()
  const [good] = seen
  assert(good)
  const verdictOn = (...witnessed: readonly SignedStatement[]) =>
    JSON.stringify(verifyChain({ directory, keys, witnessed }))
  assert.match(verdictOn(good), /"sound":true.*"witnessed":1/)
  assert.match(verdictOn({ ...good, at: good.at + 1 }), /no known key has signed/)
  assert.match(verdictOn({ ...good, tenant: 'other' }), /no known key has signed/)
  assert.match(verdictOn(good, { ...good, hash: 'c'.repeat(64) }), /not the one that a witness saw/)
  assert.match(verdictOn({ ...good, sequence: 99 }), /a witness saw record 99/)
})
