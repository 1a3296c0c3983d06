import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { loadTokenKeys } from '../../src/pki/token-keys.ts'

const RULE = { rotateMs: 1_000 }

function place(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-keys-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'tokens.key')
}

test('the keys are made once, for their owner alone', (context) => {
  const file = place(context)
  const keys = loadTokenKeys(file, 5_000, RULE)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(loadTokenKeys(file, 5_999, RULE), keys)
  assert.equal(keys.signing.length, 1)
})

test('when its time is over a key is followed by another one, and is believed for one turn more', (context) => {
  const file = place(context)
  const first = loadTokenKeys(file, 0, RULE)
  const second = loadTokenKeys(file, 1_000, RULE)
  const third = loadTokenKeys(file, 2_000, RULE)
  const kids = ({ signing }: typeof first) => signing.map(({ kid }) => kid)
  assert.deepEqual(kids(second).slice(1), kids(first))
  assert.deepEqual(kids(third).slice(1), kids(second).slice(0, 1))
  assert.equal(new Set([...kids(first), ...kids(second), ...kids(third)]).size, 3)
  assert.deepEqual([third.cookies, third.nonces], [first.cookies, first.nonces], 'who is signed in stays so')
})

test('a file that others can read is refused', (context) => {
  const file = place(context)
  loadTokenKeys(file, 0, RULE)
  chmodSync(file, 0o640)
  assert.throws(() => loadTokenKeys(file, 0, RULE), /can be read by others/)
})

for (const [what, spoil] of [
  ['is cut off', (text: string) => text.slice(0, -20)],
  ['has no key', (text: string) => JSON.stringify({ ...(JSON.parse(text) as object), signing: [] })],
  ['has a short secret', (text: string) => JSON.stringify({ ...(JSON.parse(text) as object), cookies: 'eA' })],
  ['is empty', () => ''],
] as const) {
  test(`a file that ${what} is told, and not replaced`, (context) => {
    const file = place(context)
    loadTokenKeys(file, 0, RULE)
    const spoilt = spoil(readFileSync(file, 'utf8'))
    writeFileSync(file, spoilt)
    assert.throws(() => loadTokenKeys(file, 10_000, RULE), /is damaged/)
    assert.equal(readFileSync(file, 'utf8'), spoilt)
  })
}
