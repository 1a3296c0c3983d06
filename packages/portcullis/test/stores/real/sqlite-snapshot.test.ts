// DP-3: a copy of the embedded store while 50 callers write: whatever was answered before the copy began is in it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openSqliteStores } from '../../../src/stores/sqlite/open.ts'
import { mustBeSoundSqlite, snapshotSqlite } from '../../../src/stores/sqlite/snapshot.ts'

const CALLERS = 50
const COPIES = 5

it('a copy under load is whole and lacks nothing that was acknowledged', { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-snapshot-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'store.sqlite')
  const stores = await openSqliteStores({ path })
  t.after(() => stores.close())
  const over = new AbortController()
  const acknowledged: string[] = []
  const caller = async (n: number) => {
    for (let count = 0; !over.signal.aborted; count++) {
      const id = `${n}-${count}`
      await stores.revocations.revoke({
        kind: 'token',
        tenant: 'default',
        id,
        from: 1,
        until: 8e12,
        reason: 'x'.repeat(100),
      })
      acknowledged.push(id)
      await turn()
    }
  }
  const callers = Array.from({ length: CALLERS }, (_, n) => caller(n))
  for (let copy = 0; copy < COPIES; copy++) {
    while (acknowledged.length < (copy + 1) * 500) await turn()
    const before = acknowledged.slice()
    const to = join(folder, `copy-${copy}.sqlite`)
    // Once through the port of the gateway, once from beside it.
    await (copy % 2 === 0 ? stores.backup?.(to) : snapshotSqlite(path, to))
    assert.equal(statSync(to).mode & 0o777, 0o600)
    await mustBeSoundSqlite(to)
    const found = await openSqliteStores({ path: to })
    const held = new Set<string>()
    for (let sequence = 0; ; ) {
      const news = await found.revocations.since(sequence, 1_000)
      for (const { id } of news) held.add(id)
      if (news.length === 0) break
      sequence = news.at(-1)?.sequence ?? sequence
    }
    await found.close()
    assert.deepEqual(
      before.filter((id) => !held.has(id)),
      [],
    )
  }
  over.abort()
  await Promise.all(callers)
})
