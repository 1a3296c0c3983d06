import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { desk } from './desk.ts'

const CONFIG = 'version: 1\nstate: state\nstore: { kind: memory }\n'

test('a valid configuration is told with its weaknesses', async (context) => {
  const { status, out } = await desk(context, CONFIG).run('config', 'validate')
  assert.equal(status, 0)
  assert.match(out.join('\n'), /is valid\.\nweakness store\.kind: memory: Keys and revocations are forgotten/)
})

test('mistakes are told all at once, with status 3', async (context) => {
  const { status, err, out } = await desk(context, 'version: 1\nstate: 5\nsize: 1\n').run('config', 'validate')
  assert.equal(status, 3)
  assert.match(err.join('\n'), /portcullis\.yaml:2:8 state: .*\n.*portcullis\.yaml:3:1 size: unknown key/)
  assert.deepEqual(out, [])
})

test('a configuration that is not there is one sentence, with status 3', async (context) => {
  const { status, err } = await desk(context).run('config', 'validate')
  assert.equal(status, 3)
  assert.match(err.join('\n'), /there is no such file/)
})

test('the configuration in force can be printed and read again', async (context) => {
  const { out } = await desk(context, CONFIG).run('config', 'print')
  const printed = parse(out.join('\n')) as { listen: { port: number }; audit: { durability: string } }
  assert.equal(printed.listen.port, 8443)
  assert.equal(printed.audit.durability, 'before-answer')
})

test('a key is explained, and one that is none gets a suggestion', async (context) => {
  const { run } = desk(context, CONFIG)
  const explained = await run('config', 'explain', 'store.kind', '-c', 'unused')
  assert.equal(explained.status, 3)
  assert.match((await run('config', 'explain', 'store.kind')).out.join('\n'), /expected +one of sqlite, memory/)
  const unknown = await run('config', 'explain', 'store.kidn')
  assert.equal(unknown.status, 2)
  assert.match(unknown.err.join(''), /did you mean "kind"/)
})

test('the schema is JSON', async (context) => {
  const { out } = await desk(context).run('config', 'schema')
  assert.equal((JSON.parse(out.join('')) as { type: string }).type, 'object')
})
