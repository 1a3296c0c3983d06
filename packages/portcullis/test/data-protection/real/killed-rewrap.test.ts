/** Rewrapping that is killed (SIGKILL) at random moments loses no key, and the next one goes on. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Secret } from '../../../src/core/secret.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { openSqliteStores } from '../../../src/stores/sqlite/open.ts'
import { testKeys } from '../../fixtures/keys.ts'

const TENANTS = Array.from({ length: 60 }, (_, at) => `tenant-${at}`)
const KILLS = 20
const CHILD = join(import.meta.dirname, '../../fixtures/rewrapping.ts')

test(`${KILLS} times killed while ${TENANTS.length} tenant keys are wrapped anew`, { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-rewrap-'))
  chmodSync(folder, 0o700)
  t.after(() => rmSync(folder, { recursive: true }))
  const stores = await openSqliteStores({ path: join(folder, 'store.sqlite') })
  t.after(() => stores.close())
  const nameOf = (tenant: string) => ({ tenant, upstream: 'mail', kind: 'static' }) as const
  const { vault } = testKeys(stores, folder, systemClock)
  for (const tenant of TENANTS) await vault.put(nameOf(tenant), new Secret(tenant))
  const readAll = async () => {
    // As another process would: without anything in memory.
    const { vault: fresh } = testKeys(stores, folder, systemClock)
    for (const tenant of TENANTS) assert.equal((await fresh.get(nameOf(tenant)))?.value.reveal(), tenant)
  }
  let unfinished = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [CHILD, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    child.stdout.on('data', (chunk: Buffer) => (told += String(chunk)))
    const ended = once(child, 'exit')
    while (!told.includes('begun') && child.exitCode === null) await pause(2)
    await pause(Math.random() * 250)
    child.kill('SIGKILL')
    await ended
    if (!told.includes('done')) unfinished++
    await readAll()
  }
  assert.ok(unfinished > 0, 'none was killed in between')
  const { keyring } = testKeys(stores, folder, systemClock)
  await keyring.rewrapAll()
  await readAll()
  assert.equal(readFileSync(join(folder, 'vault.keys'), 'utf8').trim().split('\n').length, 1)
  t.diagnostic(`${unfinished} of ${KILLS} were ended in between`)
})
