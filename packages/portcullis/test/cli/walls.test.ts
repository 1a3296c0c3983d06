/** What is said of an assault: no wall is called held that was not attacked, and no failure is left out. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Finding } from '../../src/sandbox/assault.ts'
import { behind, shell, type Terms, type Verdict, type Wall } from '../../src/sandbox/attack.ts'
import type { Attack } from '../../src/sandbox/attack.ts'
import type { Enforcement } from '../../src/sandbox/driver.ts'
import { countWall, reportWalls, tellOther, type WallReport } from '../../src/cli/walls.ts'

const ENFORCES: Enforcement = { memory: 'cgroup', processes: 'cgroup', cpu: 'none', disk: 'watched', network: [] }

function finding(wall: Wall, id: string, verdict: Verdict, terms: Terms = {}): Finding {
  const attack = behind(wall, [shell(id, 'does something', 'true', terms)])[0] as Attack
  return { attack, verdict, told: `said ${id}` }
}

const reportOf = (wall: Wall, findings: readonly Finding[]) =>
  reportWalls(findings, ENFORCES).find((report) => report.wall === wall) as WallReport

describe('the report of a wall', () => {
  const STATES: ReadonlyArray<readonly [verdicts: readonly Verdict[], state: string]> = [
    [['held', 'held'], 'ok'],
    [['held', 'breach'], 'FAILED'],
    [['held', 'inconclusive'], 'weak'],
    [['held', 'not-promised'], 'weak'],
    [['inconclusive', 'inconclusive'], 'FAILED'],
    [['not-promised'], 'FAILED'],
    [[], 'FAILED'],
  ]
  for (const [verdicts, state] of STATES) {
    it(`is ${state} for ${verdicts.join(' and ') || 'no attack at all'}`, () => {
      const findings = verdicts.map((verdict, index) => finding('kernel', `K0${index}`, verdict))
      assert.equal(reportOf('kernel', findings).state, state)
    })
  }

  it('is there for all six walls, in one order', () => {
    assert.deepEqual(
      reportWalls([], ENFORCES).map(({ wall }) => wall),
      ['files', 'processes', 'kernel', 'network', 'environment', 'quotas'],
    )
  })

  it('counts every verdict', () => {
    const verdicts: readonly Verdict[] = ['held', 'held', 'breach', 'not-promised', 'inconclusive']
    const report = reportOf(
      'files',
      verdicts.map((verdict, index) => finding('files', `F0${index}`, verdict)),
    )
    assert.equal(countWall(report), '2 attacks held, 1 BREACHED, 1 not promised by this host, 1 inconclusive')
  })

  it('says which ability of the host is missing', () => {
    const { others } = reportOf('quotas', [finding('quotas', 'Q01', 'not-promised', { needs: { disk: 'hard' } })])
    assert.equal(others[0]?.told, 'disk is not held by "hard" here')
  })

  it('names an attack that was not held, without the control characters of its words', () => {
    const told = tellOther({ id: 'F01', title: 'reads', verdict: 'breach', told: 'a\u001b[2Jb\nc' })
    assert.equal(told, 'breach F01: reads (a?[2Jb?c)')
  })
})
