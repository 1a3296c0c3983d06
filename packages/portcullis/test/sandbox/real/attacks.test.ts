import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { verdictOf } from '../../../src/sandbox/attack.ts'
import { ATTACKS } from '../../../src/sandbox/attacks.ts'
import { buildWorld, isRoot, run, runOutside, specOf, type World } from './fixture.ts'

let world: World

describe('attacks on a real kernel', () => {
  before(async () => {
    world = await buildWorld()
  })
  after(() => world.close())
  beforeEach(() => {
    for (const name of readdirSync(world.workspace)) {
      if (name !== 'daemon.sock') rmSync(join(world.workspace, name), { recursive: true })
    }
    rmSync(join(world.library, 'new'), { force: true })
  })

  for (const attack of ATTACKS) {
    it(`holds when an upstream ${attack.title} (${attack.id})`, async () => {
      const { command, args } = attack
      const changes = { command, args, env: world.environment }
      const paths = { readOnly: [world.library], readWrite: [world.workspace] }
      const outcome = await run(specOf('', { ...changes, ...paths }))
      assert.equal(verdictOf(outcome.lines), 'held', JSON.stringify(outcome))
      assert.equal(readFileSync(join(world.library, 'book'), 'utf8'), 'text\n')
    })
  }

  for (const attack of ATTACKS.filter(({ outside }) => isRoot && outside === 'breach')) {
    it(`can fail: without a sandbox an upstream ${attack.title} (${attack.id})`, async () => {
      const lines = await runOutside(attack.command, attack.args, world.environment)
      assert.equal(verdictOf(lines), 'breach', lines.join('\n'))
    })
  }
})

it('an attack that did not run proves nothing', () => {
  assert.equal(verdictOf([]), 'inconclusive')
  assert.equal(verdictOf(['held', 'sh: not found']), 'inconclusive')
})
