import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSecret, SecretError } from '../../src/config/secret-source.ts'
import { workspace } from './workspace.ts'

test('a secret comes from a variable or a private file, without its line end', (context) => {
  const file = join(workspace(context), 'secret')
  writeFileSync(file, 'hush\n', { mode: 0o600 })
  assert.equal(readSecret({ file }, {}).reveal(), 'hush')
  assert.equal(readSecret({ env: 'A' }, { A: 'hush' }).reveal(), 'hush')
  assert.equal(`${readSecret({ file }, {})}`, '[secret]')
})

test('nothing that others can read, that is empty or no file counts as a secret', (context) => {
  const folder = workspace(context)
  const bad: readonly (readonly [string, RegExp])[] = [
    ['open', /can be read or changed by others/],
    ['group', /can be read or changed by others/],
    ['empty', /is empty/],
    ['folder', /is not a file/],
    ['absent', /does not exist/],
    ['large', /larger than/],
  ]
  writeFileSync(join(folder, 'open'), 'x', { mode: 0o644 })
  writeFileSync(join(folder, 'group'), 'x', { mode: 0o640 })
  writeFileSync(join(folder, 'empty'), '', { mode: 0o600 })
  writeFileSync(join(folder, 'large'), 'x'.repeat(70_000), { mode: 0o600 })
  mkdirSync(join(folder, 'folder'))
  for (const [name, pattern] of bad) {
    assert.throws(
      () => readSecret({ file: join(folder, name) }, {}),
      (thrown: unknown) => {
        assert(thrown instanceof SecretError)
        assert.match(thrown.wrong, pattern)
        return true
      },
    )
  }
  assert.throws(() => readSecret({ env: 'A' }, { A: '' }), SecretError)
})
