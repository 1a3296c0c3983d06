import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keptCedar } from '../../../src/gateway/cedar-answers.ts'
import { askCedarApart } from '../../../src/gateway/cedar-apart.ts'
import { isAnswered, loadPolicies } from '../../../src/policy/load.ts'

const tool = {
  upstream: 'files',
  name: 'read',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
}
const vocabulary = { roles: ['user'], upstreams: ['files'], tools: new Map([['files', [tool]]]) } as never
const source = (condition: string) => [
  {
    file: 'access.cedar',
    text: `@id("a") permit (principal in Role::"user", action == Action::"tools/call", resource) when { ${condition} };`,
  },
]
const GOOD = source('context.args has path && context.args.path == "a"')

test('a process apart answers what a load of the same policies asks, and nothing is missing for the next start', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'portcullis-apart-'))
  t.after(() => rmSync(state, { recursive: true, force: true }))
  assert.equal(await isAnswered(GOOD, vocabulary, keptCedar(state).known), false)
  const answers = await askCedarApart(GOOD, vocabulary)
  assert(answers !== undefined)
  assert.equal(await isAnswered(GOOD, vocabulary, answers), true)
  const kept = keptCedar(state, answers)
  await loadPolicies(GOOD, vocabulary, kept.cedar)
  kept.keep()
  assert.equal(await isAnswered(GOOD, vocabulary, keptCedar(state).known), true)
})

test('a mistake in the policies is left to the process that can tell it', async () => {
  assert.equal(await askCedarApart(source('context.args has pth'), vocabulary), undefined)
  assert.equal(await askCedarApart(source('nonsense ('), vocabulary), undefined)
})

test('the rules of a tenant are judged by what that tenant has', async () => {
  const tenants = new Map([['acme', { upstreams: ['files'], roles: ['clerk'] }]])
  const text = 'permit (principal in Role::"clerk", action, resource);'
  const sources = [{ file: 'acme.cedar', text, tenant: 'acme' }]
  const words = { roles: [], upstreams: ['files'], tools: new Map(), tenants }
  const answers = await askCedarApart(sources, words)
  assert(answers !== undefined)
  assert.equal(await isAnswered(sources, words, answers), true)
})
