/** What must not be passed over, and what must not go back, when an older state takes the place of a newer one. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { keepNewest } from '../../src/gateway/newest-lock.ts'
import { putBackCursors } from '../../src/gateway/restore-cursors.ts'

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-places-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('an exporter goes on where each chain was signed, and not where it stood when its place was copied', (t) => {
  const folder = scratch(t)
  putBackCursors(join(folder, 'none'), [])
  const [place, damaged, letters] = ['siem.json', 'other.json', 'siem.dead.jsonl'].map((name) => join(folder, name))
  const delivered = { ahead: 900, behind: 7, unknown: 3 }
  writeFileSync(place as string, `${JSON.stringify({ version: 1, delivered })}\n`, { mode: 0o600 })
  writeFileSync(damaged as string, 'x', { mode: 0o600 })
  writeFileSync(letters as string, '{}\n', { mode: 0o600 })
  const end = { folder: 'f', hash: 'a'.repeat(64), sequence: 400 }
  putBackCursors(folder, [
    { ...end, tenant: 'ahead' },
    { ...end, tenant: 'behind' },
  ])
  assert.deepEqual(JSON.parse(readFileSync(place as string, 'utf8')), {
    version: 1,
    delivered: { ahead: 400, behind: 7 },
  })
  assert.equal(readFileSync(damaged as string, 'utf8'), 'x')
  assert.equal(readFileSync(letters as string, 'utf8'), '{}\n')
})

test('the memory of the newest lock keeps the newer of both, and one that cannot be read is told', (t) => {
  const folder = scratch(t)
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  mkdirSync(folder, { recursive: true })
  writeFileSync(from, '{"/a":5,"/b":1}')
  writeFileSync(to, '{"/b":3,"/c":2}')
  keepNewest(from, to)
  assert.deepEqual(JSON.parse(readFileSync(to, 'utf8')), { '/a': 5, '/b': 3, '/c': 2 })
  for (const text of ['x', '[]', '{"/a":"5"}']) {
    writeFileSync(from, text)
    keepNewest(from, to)
    assert.equal(readFileSync(to, 'utf8'), text)
  }
})
