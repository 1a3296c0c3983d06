/** A list is followed as a whole, however it is written. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '../../src/audit/log.ts'
import { Followed } from '../../src/gateway/list-files.ts'

function* lines(bytes: Buffer): Generator<void, string> {
  yield
  return bytes.toString('utf8')
}

test('a file that is written in place counts when it is left alone, one that is put there counts at once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-followed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'list.txt')
  writeFileSync(file, 'old\n')
  const seen: string[] = []
  const log = createLogger({ level: 'error', format: 'json', sink: { write: () => {} } })
  const followed = await Followed.open({ file, read: lines, onChange: () => seen.push(followed.current), log })
  t.after(() => followed.close())
  const until = async (text: string) => {
    while (followed.current !== text) await sleep(10)
  }
  // Emptied, then written in two pieces with a pause that is longer than any event takes to be heard.
  writeFileSync(file, '')
  await sleep(250)
  appendFileSync(file, '10.0.0.0/2')
  await sleep(250)
  appendFileSync(file, '4\n')
  await until('10.0.0.0/24\n')
  assert.deepEqual(seen, ['10.0.0.0/24\n'])
  writeFileSync(`${file}.new`, 'whole\n')
  renameSync(`${file}.new`, file)
  await until('whole\n')
  assert.deepEqual(seen, ['10.0.0.0/24\n', 'whole\n'])
})
