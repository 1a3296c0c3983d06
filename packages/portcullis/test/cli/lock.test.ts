/** What `portcullis lock` approves. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../../src/cli/main.ts'
import { itemOf } from '../../src/inspection/definitions/item.ts'
import { parseConfig } from '../../src/config/load.ts'
import { LockFile } from '../../src/gateway/lock-file.ts'

test('--approve takes only what was asked for now: another upstream goes on waiting', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-lock-'))
  context.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'state'), { mode: 0o700 })
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies', 'a.cedar'), '')
  const http = { url: 'https://one.example/mcp' }
  const text = JSON.stringify({ version: 1, state: 'state', upstreams: { a: { http }, b: { http } } })
  const file = join(folder, 'portcullis.yaml')
  writeFileSync(file, text)
  const item = itemOf('tool', { name: 'do', description: 'Does it.', inputSchema: { type: 'object' } })
  assert(item !== undefined)
  const told = [{ key: 'tool/do', digest: item.digest, fields: Object.fromEntries(item.fields) }]
  writeFileSync(join(folder, 'state', 'told.json'), JSON.stringify({ a: told, b: told }))
  const run = (...args: readonly string[]) =>
    runCommand(['lock', '--told', ...args, '--config', file], {
      out() {},
      err() {},
      environment: {},
      clock: { now: () => Date.parse('2026-06-01T00:00:00Z') },
      interrupted: new AbortController().signal,
    })
  assert.equal(await run(), 1, 'both wait')
  assert.equal(await run('--upstream', 'a', '--approve'), 1, 'one still waits')
  const { upstreams } = new LockFile(parseConfig(text, file, {})).readTrusted()
  const keys = [...upstreams].map(([name, { approved, waiting }]) => [name, [...approved.keys()], [...waiting.keys()]])
  assert.deepEqual(keys, [
    ['a', ['tool/do'], []],
    ['b', [], ['tool/do']],
  ])
  assert.equal(await run('--approve'), 0)
})
