/** When a file counts as another one. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fingerprintAt, watchFile } from '../../src/gateway/file-watch.ts'

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-watch-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a folder that is not there yet is looked at all the same', async (context) => {
  const folder = join(scratch(context), 'later')
  const file = join(folder, 'file')
  const before = fingerprintAt(file)
  assert.equal(before, 'ENOENT')
  await new Promise<void>((resolve) => {
    context.after(watchFile(file, () => before, resolve))
    mkdirSync(folder)
    writeFileSync(file, 'x')
  })
})

test('a file that is as it was read is not read again, whatever happens beside it', async (context) => {
  const folder = scratch(context)
  const [file, other] = [join(folder, 'file'), join(folder, 'other')]
  writeFileSync(file, 'x')
  let known = fingerprintAt(file)
  const changes: string[] = []
  await new Promise<void>((resolve) => {
    const changed = () => {
      known = fingerprintAt(file)
      changes.push(known)
      resolve()
    }
    context.after(watchFile(file, () => known, changed))
    writeFileSync(other, 'y')
    setTimeout(() => writeFileSync(file, 'z'), 300)
  })
  assert.equal(changes.length, 1)
})
