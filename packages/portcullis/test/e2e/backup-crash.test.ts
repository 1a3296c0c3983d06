// DP-3: kill -9 while a backup is made, and while one is put back: there is a whole one or none, and the next attempt goes through.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { publicAuditKeys } from '../../src/audit/key-file.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { operator } from '../fixtures/operator.ts'

const LAUNCHER = join(import.meta.dirname, '../fixtures/portcullis.ts')
const root = mkdtempSync(join(tmpdir(), 'portcullis-backup-crash-'))
const folder = join(root, 'home')
const backups = join(root, 'backups')
const identity = join(root, 'identity.txt')
const run = operator(folder)
const KILLS = 12

let recipientFile: string
let whole: string

before(async () => {
  mkdirSync(folder)
  const gateway = await startTestGateway({ folder, upstreams: [] })
  // Enough to seal that a kill meets it at work.
  mkdirSync(join(gateway.stateFolder, 'exports', 'spool'), { recursive: true, mode: 0o700 })
  for (let n = 0; n < 8; n++)
    writeFileSync(join(gateway.stateFolder, 'exports', 'spool', `${n}`), randomBytes(4_000_000), { mode: 0o600 })
  await gateway.close()
  const { out } = await run('backup', 'identity', '-o', identity)
  recipientFile = join(root, 'recipient.txt')
  writeFileSync(recipientFile, `${out}\n`)
  const made = await run('backup', 'create', '-o', backups, '-R', recipientFile, '--with-keys')
  assert.equal(made.status, 0, made.err)
  whole = made.out
})
after(() => rmSync(root, { recursive: true, force: true }))

function command(...args: readonly string[]): ChildProcess {
  const env = { ...process.env, PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml') }
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', LAUNCHER, ...args], { env, stdio: 'ignore' })
}

/** Kills it at a random moment after `begun` holds. Says whether it had come to its end. */
async function killed(child: ChildProcess, begun: () => boolean, withinMs: number): Promise<boolean> {
  const gone = once(child, 'exit')
  while (!begun() && child.exitCode === null) await sleep(2)
  await sleep(Math.random() * withinMs)
  child.kill('SIGKILL')
  await gone
  return child.exitCode === 0
}

it(`${KILLS} backups that were killed leave none that is half`, { timeout: 240_000 }, async (t) => {
  let finished = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const known = readdirSync(backups).length
    const child = command('backup', 'create', '-o', backups, '-R', recipientFile)
    if (await killed(child, () => readdirSync(backups).length > known, 900)) finished++
  }
  const made = readdirSync(backups).filter((name) => name.startsWith('portcullis-'))
  assert.ok(made.length >= 1 + finished)
  for (const name of made) assert.equal((await run('backup', 'verify', join(backups, name))).status, 0)
  const next = await run('backup', 'create', '-o', backups, '-R', recipientFile)
  assert.equal(next.status, 0, next.err)
  t.diagnostic(`${finished} of ${KILLS} had come to their end`)
})

it(`${KILLS} restores that were killed leave the old state or the new one`, { timeout: 240_000 }, async (t) => {
  const state = join(folder, 'state')
  const aside = `${state}.restoring`
  let finished = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const child = command('backup', 'restore', whole, '-i', identity, '--replace')
    if (await killed(child, () => existsSync(aside), 1_500)) finished++
    if (!existsSync(state)) {
      // Between two renames: what was made is complete, and the next restore puts it in place.
      const ran = await run(
        'backup',
        'restore',
        whole,
        '-i',
        identity,
        '--replace',
        ...(existsSync(join(state, 'audit.key.pub')) ? [] : ['-k', join(aside, 'audit.key.pub')]),
      )
      assert.equal(ran.status, 0, ran.err)
    }
    const keys = publicAuditKeys(join(state, 'audit.key'))
    for (const chain of readdirSync(join(state, 'audit'))) {
      const verdict = verifyChain({ directory: join(state, 'audit', chain), keys })
      assert.ok(verdict.sound, JSON.stringify(verdict))
    }
    assert.equal(readdirSync(join(state, 'exports', 'spool')).length, 8)
    for (const name of readdirSync(folder))
      if (name.startsWith('state.before-')) rmSync(join(folder, name), { recursive: true })
  }
  const last = await run('backup', 'restore', whole, '-i', identity, '--replace')
  assert.equal(last.status, 0, last.err)
  assert.equal(existsSync(aside), false)
  const gateway = await startTestGateway({ folder, upstreams: [] })
  await gateway.close()
  t.diagnostic(`${finished} of ${KILLS} had come to their end`)
})
