/** The whole catalogue against the walls of this host, and against no walls. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { assault, type Finding, isPromised } from '../../../src/sandbox/assault.ts'
import type { Attack } from '../../../src/sandbox/attack.ts'
import { ATTACKS } from '../../../src/sandbox/attacks.ts'
import { type Decoys, layDecoys } from '../../../src/sandbox/decoys.ts'
import type { Enforcement } from '../../../src/sandbox/driver.ts'
import { demand, type Requirements } from '../../../src/sandbox/select.ts'
import { bareDriver, NO_PROMISES } from './bare-driver.ts'
import { driver, isRoot, runAs } from './fixture.ts'

const byId = (findings: readonly Finding[]) => new Map(findings.map((finding) => [finding.attack.id, finding]))
const wordsOf = ({ verdict, told }: Finding) => `${verdict}: ${told}`

describe('attacks on a real kernel', () => {
  let decoys: Decoys
  let enforces: Enforcement
  let found: ReadonlyMap<string, Finding>
  before(async () => {
    const probe = await driver.probe()
    assert.ok(probe.ok)
    enforces = probe.enforces
    decoys = await layDecoys(runAs)
    found = byId(await assault(ATTACKS, { driver, enforces, decoys, runAs }))
  })
  after(() => decoys.close())

  for (const attack of ATTACKS) {
    it(`holds when an upstream ${attack.title} (${attack.id})`, () => {
      const finding = found.get(attack.id) as Finding
      if (finding.verdict === 'not-promised') assertRefusedWherePromised(attack)
      else assert.equal(finding.verdict, 'held', wordsOf(finding))
    })
  }

  /** What this host cannot hold, it does not start when it is asked to. */
  function assertRefusedWherePromised(attack: Attack): void {
    assert.ok(!isPromised(attack, enforces))
    const required = attack.needs as Requirements
    assert.throws(() => demand('bubblewrap', enforces, required), { code: 'sandbox.unavailable' })
  }

  it('leaves what it was shown read-only as it was', () => {
    assert.equal(readFileSync(join(decoys.library, 'book'), 'utf8'), 'text\n')
  })
})

describe('the same attacks without a sandbox', { skip: !isRoot && 'proves something only as root' }, () => {
  const able = ATTACKS.filter(({ outside }) => outside === 'breach')
  let decoys: Decoys
  let found: ReadonlyMap<string, Finding>
  before(async () => {
    decoys = await layDecoys()
    found = byId(await assault(able, { driver: bareDriver, enforces: NO_PROMISES, decoys }))
  })
  after(() => decoys.close())

  for (const attack of able) {
    it(`can succeed: an upstream ${attack.title} (${attack.id})`, () => {
      const finding = found.get(attack.id) as Finding
      const expected = attack.needs === undefined ? 'breach' : 'not-promised'
      assert.equal(finding.verdict, expected, wordsOf(finding))
    })
  }
})
