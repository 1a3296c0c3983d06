// The first two minutes of a newcomer: `npm start` and `npm run tour`, on a folder of their own.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'

const ROOT = join(import.meta.dirname, '../../../..')
/** Below the workspace, because the demonstration takes its two servers from the workspace's packages. */
const folder = mkdtempSync(join(ROOT, 'node_modules', '.portcullis-tour-'))
// The sandboxed servers run under an account of their own, which has to get through.
chmodSync(folder, 0o755)
const args = (script: string): string[] => [join(ROOT, 'scripts', script), '--dir', folder, '--port', '0']

describe('a newcomer', { timeout: 180_000 }, () => {
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('starts a gateway with one command, and ends it', async () => {
    const gateway = spawn(process.execPath, args('start.mjs'), { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    await new Promise<void>((resolve, reject) => {
      gateway.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()).includes('listens at') && resolve())
      gateway.once('exit', () => reject(new Error(told)))
    })
    assert.match(told, /first administrator key:\n\s+pcl_/)
    assert.equal(statSync(join(folder, 'state', 'admin.key')).mode & 0o777, 0o600)
    gateway.kill('SIGTERM')
    assert.equal(await new Promise((resolve) => gateway.once('exit', resolve)), 0)
  })

  for (const time of ['first', 'second']) {
    it(`sees every step of the tour end as it should, the ${time} time`, () => {
      const tour = spawnSync(process.execPath, args('tour.mjs'), { encoding: 'utf8' })
      assert.equal(tour.status, 0, `${tour.stdout}${tour.stderr}`)
      assert.equal(tour.stderr, '')
      assert.doesNotMatch(tour.stdout, /✗/)
      assert.equal(tour.stdout.match(/✓/g)?.length, 9, tour.stdout)
      assert.doesNotMatch(tour.stdout, /pcl_/)
    })
  }
})
