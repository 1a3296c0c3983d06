import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cedar, openCedar } from '../../src/policy/cedar.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type CedarAnswers, RememberedCedar } from '../../src/policy/remembered-cedar.ts'

const NOTHING: CedarAnswers = { parsed: {}, fitting: {} }
const VOCABULARY = { roles: ['user'], upstreams: ['files'], tools: new Map() }
const TEXT = `@id("a") permit (principal in Role::"user", action, resource) when { context.time.hour < 12 };
@id("b") forbid (principal, action, resource == Tool::"files/x") when { principal.tenant == "évil \\u{1F600}" && context.encrypted };`

const refusing: Cedar = {
  parse: () => assert.fail('Cedar was asked to parse'),
  validate: () => assert.fail('Cedar was asked to validate'),
  print: () => assert.fail('Cedar was asked to print'),
}

const load = (cedar: Cedar, text = TEXT, vocabulary = VOCABULARY) =>
  loadPolicies([{ file: 'a.cedar', text }], vocabulary, cedar)

async function answersTo(text: string): Promise<CedarAnswers> {
  const cedar = new RememberedCedar(openCedar(), NOTHING)
  await load(cedar, text)
  assert(cedar.fresh)
  return JSON.parse(JSON.stringify(cedar.answers())) as CedarAnswers
}

test('policies that did not change are loaded without asking Cedar, and are the same', async () => {
  const cedar = new RememberedCedar(refusing, await answersTo(TEXT))
  const [remembered, asked] = [await load(cedar), await load(openCedar())]
  assert.deepEqual(
    remembered.policies.map(({ json }) => json),
    asked.policies.map(({ json }) => json),
  )
  assert.equal(remembered.revision, asked.revision)
  assert.equal(cedar.fresh, false)
})

test('a policy that changed is asked for, and only that one', async () => {
  const changed = TEXT.replace('< 12', '< 13')
  const asked: string[] = []
  const real = openCedar()
  const cedar: Cedar = {
    ...real,
    parse: (text) => (asked.push(text), real.parse(text)),
    validate: (schema, texts) => (asked.push(...texts), real.validate(schema, texts)),
  }
  await load(new RememberedCedar(cedar, await answersTo(TEXT)), changed)
  assert.equal(asked.length, 2)
  for (const text of asked) assert.match(text, /< 13/)
})

test('what fitted to other names is judged anew', async () => {
  const cedar = new RememberedCedar(openCedar(), await answersTo(TEXT))
  await assert.rejects(load(cedar, TEXT, { ...VOCABULARY, roles: ['admin'] }), { name: 'PolicyError' })
})

const MISTAKES: readonly (readonly [string, string])[] = [
  ['a mistake in the syntax', 'permit (principal, action, resource'],
  ['an unknown attribute', 'permit (principal, action, resource) when { principal.shoe == 3 };'],
]
for (const [what, text] of MISTAKES) {
  test(`${what} is told each time and never remembered`, async () => {
    const cedar = new RememberedCedar(openCedar(), NOTHING)
    await assert.rejects(load(cedar, text), { name: 'PolicyError' })
    await assert.rejects(load(cedar, text), { name: 'PolicyError' })
    assert.deepEqual(cedar.answers().fitting, {})
  })
}

test('a policy that can never apply stays a mistake when it is remembered', async () => {
  const text = 'permit(principal, action, resource) when { false };'
  const cedar = new RememberedCedar(openCedar(), NOTHING)
  await assert.rejects(load(cedar, text), /can never apply/)
  await assert.rejects(load(new RememberedCedar(refusing, cedar.answers()), text), /can never apply/)
})

test('names of object members do not pass for answers', () => {
  const cedar = new RememberedCedar(openCedar(), JSON.parse('{"parsed":{"__proto__":{}},"fitting":{}}') as CedarAnswers)
  assert('effect' in cedar.parse('permit (principal, action, resource);'))
})
