import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { openToOthers, readRootLayout } from '../../src/sandbox/root.ts'

it('shows, copies or links each path once, and copies small files only', { skip: process.platform !== 'linux' }, () => {
  const { shown, copied, links } = readRootLayout()
  const paths = [...shown, ...[...copied, ...links].map(({ path }) => path)]
  assert.equal(new Set(paths).size, paths.length)
  assert.ok(shown.includes('/usr'))
  for (const { content } of copied) assert.ok(content.length <= 16_384)
})

it('hides what anybody but its owner could open', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-root-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const masks = [0o400, 0o200, 0o600, 0o440, 0o404, 0o444, 0o602].map((mode) => {
    const path = join(folder, mode.toString(8))
    writeFileSync(path, '')
    chmodSync(path, mode)
    return { path, kind: 'file' } as const
  })
  const kept = openToOthers(masks).map(({ path }) => path.slice(-3))
  assert.deepEqual(kept, ['440', '404', '444', '602'])
})
