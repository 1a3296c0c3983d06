import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isApiKey } from '../../src/identity/api-key.ts'
import { desk } from './desk.ts'

test('a first init makes everything, shows the key once, and closes what is secret', async (context) => {
  const { folder, run } = desk(context)
  const made = await run('init', '--dir', folder)
  assert.equal(made.status, 0, made.err.join('\n'))
  const shown = made.out.map((line) => line.trim()).filter(isApiKey)
  assert.equal(shown.length, 1)
  assert.equal(readFileSync(join(folder, 'state', 'admin.key'), 'utf8').trim(), shown[0])
  for (const secret of [
    'admin.key',
    'audit.key',
    'store.sqlite',
    'authority/issuer/root.key',
    'authority/server.pem',
  ]) {
    assert.equal(statSync(join(folder, 'state', secret)).mode & 0o777, 0o600, secret)
  }
  assert.equal(statSync(join(folder, 'state')).mode & 0o777, 0o700)
  assert.equal((await run('config', 'validate')).status, 0)
  assert.equal((await run('policy', 'check')).status, 0)
})

test('a second init changes nothing and shows no key', async (context) => {
  const { folder, run } = desk(context)
  await run('init', '--dir', folder)
  const files = ['portcullis.yaml', 'state/admin.key', 'state/authority/ca.crt', 'state/authority/server.pem']
  const before = files.map((file) => readFileSync(join(folder, file), 'utf8'))
  const again = await run('init', '--dir', folder)
  assert.equal(again.status, 0)
  assert.deepEqual(again.out.map((line) => line.trim()).filter(isApiKey), [])
  assert.deepEqual(
    files.map((file) => readFileSync(join(folder, file), 'utf8')),
    before,
  )
})

test('half an authority stops init with a sentence, and no new one is made', async (context) => {
  const { folder, run } = desk(context)
  await run('init', '--dir', folder)
  rmSync(join(folder, 'state', 'authority', 'issuer'), { recursive: true })
  const { status, err } = await run('init', '--dir', folder)
  assert.equal(status, 69)
  assert.match(err.join('\n'), /lacks a file; restore it, or remove the folder/)
})
