import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { keptCedar } from '../../src/gateway/cedar-answers.ts'

const TEXT = 'permit (principal, action, resource);'
/** What no Cedar would answer, so that it can be told where an answer came from. */
const FORGED = 'forbid'

function stateFolder(t: TestContext): { readonly folder: string; readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-answers-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { folder, file: join(folder, 'policies.json') }
}

function keepOne(folder: string): void {
  const kept = keptCedar(folder)
  kept.cedar.parse(TEXT)
  kept.keep()
}

const effect = (folder: string): unknown => {
  const answer = keptCedar(folder).cedar.parse(TEXT)
  return 'effect' in answer ? answer.effect : 'mistakes'
}

test('answers are kept in a file for its owner alone, and read again', (t) => {
  const { folder, file } = stateFolder(t)
  keepOne(folder)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const again = keptCedar(folder)
  again.cedar.parse(TEXT)
  assert.equal(again.cedar.fresh, false)
})

const DAMAGES: readonly (readonly [string, (file: string) => void])[] = [
  ['others can read', (file) => chmodSync(file, 0o644)],
  ['others can write', (file) => chmodSync(file, 0o620)],
  ['was changed', (file) => rewrite(file, (text) => text.replace('"permit"', `"${FORGED}"`))],
  ['is cut off', (file) => rewrite(file, (text) => text.slice(0, -2))],
  ['another version wrote', (file) => rewrite(file, (text) => text.replace(/cedar \S+/, 'cedar 1.0.0'))],
  ['is empty', (file) => rewrite(file, () => '')],
  ['is a link', (file) => (renameSync(file, `${file}.real`), symlinkSync(`${file}.real`, file))],
]
for (const [what, damage] of DAMAGES) {
  test(`a file that ${what} is not believed: Cedar is asked again`, (t) => {
    const { folder, file } = stateFolder(t)
    keepOne(folder)
    damage(file)
    const kept = keptCedar(folder)
    assert.equal(effect(folder), 'permit')
    kept.cedar.parse(TEXT)
    assert.equal(kept.cedar.fresh, true)
  })
}

test('a folder that cannot be written keeps nobody from asking', () => {
  const kept = keptCedar(join(tmpdir(), 'there', 'is', 'no', 'such', 'folder'))
  assert('effect' in kept.cedar.parse(TEXT))
  kept.keep()
})

function rewrite(file: string, change: (text: string) => string): void {
  const changed = change(readFileSync(file, 'utf8'))
  writeFileSync(file, changed, { mode: 0o600 })
}
