/** A short soak: servers are used and killed in random ways behind a gateway, and nothing of them is left. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { it } from 'node:test'
import { ROOT } from './fixture.ts'

it('20 servers are started, used and killed in random ways for 20 seconds, and nothing is left', () => {
  const args = [join(ROOT, 'bench', 'soak.mjs'), '--servers', '20', '--seconds', '20', '--callers', '12', '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 24 })
  const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
  assert.deepEqual(found.wrong, [], stderr)
  assert.ok(found.answered['status 200'] > 50, JSON.stringify(found.answered))
  assert.ok(found.processes > 20, `${found.processes}`)
  assert.equal(status, 0, stderr)
})
