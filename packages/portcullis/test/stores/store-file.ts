import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A path in a folder of its own that is removed when the test ends. */
export function storeFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-store-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'store.db')
}
