/** The catalogue as data: what it covers, and how the outcome of an attack is read. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { call, numberOf, perl, shell, verdictOf } from '../../src/sandbox/attack.ts'
import { ATTACKS } from '../../src/sandbox/attacks.ts'
import { EGRESS_ATTACKS } from '../../src/sandbox/attacks/egress.ts'

const ALL = [...ATTACKS, ...EGRESS_ATTACKS]
const numbered = (letter: string, last: number) =>
  Array.from({ length: last }, (_, index) => `${letter}${String(index + 1).padStart(2, '0')}`)
const STUDIED = [
  ...numbered('F', 24),
  ...numbered('P', 19),
  ...numbered('K', 14),
  ...numbered('N', 18),
  ...numbered('E', 3),
]

describe('the catalogue of attacks', () => {
  it('has every item that was studied', { skip: process.arch !== 'x64' && 'some items are of x64 only' }, () => {
    const items = new Set(ALL.map(({ id }) => id.split('.')[0]))
    assert.equal(STUDIED.length, 78)
    assert.deepEqual(
      STUDIED.filter((item) => !items.has(item)),
      [],
    )
  })

  it('names each attack once, in the form that everything else relies on', () => {
    assert.equal(new Set(ALL.map(({ id }) => id)).size, ALL.length)
    for (const { id, title } of ALL) {
      assert.match(id, /^[FPKNEQ]\d\d(\.[a-z0-9_-]+)?$/)
      assert.match(title, /^[a-z][^.]*$/, id)
    }
  })

  it('proves of most attacks that they succeed where there is no sandbox', () => {
    assert.ok(ALL.filter(({ outside }) => outside === 'breach').length > 100)
  })

  it('knows no system call by a name that this processor lacks', { skip: process.arch !== 'x64' }, () => {
    for (const { id, args } of ALL) assert.doesNotMatch(args.join(' '), /sc\(-1,/, id)
  })
})

describe('the outcome of an attack', () => {
  const OUTCOMES: ReadonlyArray<readonly [output: readonly string[], verdict: string]> = [
    [['breach'], 'breach'],
    [['something', 'breach'], 'breach'],
    [['held Operation not permitted'], 'held'],
    [['breach', 'held'], 'held'],
    [[], 'inconclusive'],
    [['said nothing'], 'inconclusive'],
    [['held', 'sh: not found'], 'inconclusive'],
    [['took too long'], 'inconclusive'],
    [[' breach'], 'inconclusive'],
  ]
  for (const [output, verdict] of OUTCOMES) {
    it(`is ${verdict} after ${JSON.stringify(output)}`, () => assert.equal(verdictOf(output), verdict))
  }
})

describe('an attack', () => {
  const STATUSES: ReadonlyArray<readonly [attempt: string, said: string]> = [
    ['true', 'breach'],
    ['false', 'held'],
    ['exit 3', ''],
    ['no-such-program-0451', 'a program is missing'],
    ['( : > /dev/null/no )', 'held'],
  ]
  for (const [attempt, said] of STATUSES) {
    it(`in shell says ${said || 'nothing'} after ${attempt}`, () => {
      const [row] = shell('F99', 'does', attempt)
      assert.equal(spawnSync(row?.command ?? '', row?.args ?? [], { encoding: 'utf8' }).stdout.trim(), said)
    })
  }

  it('in Perl guards itself against a process of its own with the number of the host’s', () => {
    const [row] = call('P99', 'does', 'ptrace', '0, $pid, 0, 0')
    assert.match(row?.args[1] ?? '', /!mine\(\) and/)
    const [other] = call('P98', 'does', 'ptrace', '0, 1, 0, 0')
    assert.doesNotMatch(other?.args[1] ?? '', /!mine\(\) and/)
  })

  it('on a call that this processor does not have is no attack', () => {
    assert.deepEqual(call('K99', 'does', 'no_such_call', '0'), [])
    assert.equal(numberOf('no_such_call'), -1)
  })

  it('does not carry the name of the decoy, which it would find in its own command line', () => {
    assert.ok(!perl('P97', 'does', '1')[0]?.args.join(' ').includes('portcullis-decoy'))
    for (const { args, id } of ALL) assert.ok(!args.join(' ').includes('portcullis-decoy'), id)
  })
})
