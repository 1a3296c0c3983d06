/** IN-1: arguments by the approved schema, the bad one named; the advertised schema is closed; results by theirs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, callTool, openSession, send } from '../fixtures/client.ts'
import { type CountedTool, type CountingUpstream, respond, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const TOOLS: readonly CountedTool[] = [
  {
    name: 'book',
    inputSchema: {
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 1, maxLength: 20 },
        copies: { type: 'integer', minimum: 1, maximum: 9 },
        kind: { enum: ['paper', 'audio'] },
        mail: { type: 'string', format: 'email' },
        isbn: { type: 'string', pattern: '^[0-9]{4}$' },
        author: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
      },
      required: ['title'],
    },
  },
  { name: 'plain', inputSchema: { type: 'object', properties: {} } },
  { name: 'open', inputSchema: { type: 'object', additionalProperties: true } },
  ...[
    ['good', { structuredContent: { total: 1 } }],
    ['wrong_type', { structuredContent: { total: 'SAID-BY-THE-UPSTREAM' } }],
    ['missing', {}],
    ['extra', { structuredContent: { total: 1, more: 'SAID-BY-THE-UPSTREAM' } }],
  ].map(([name, result]) => ({
    name: String(name),
    outputSchema: {
      type: 'object',
      properties: { total: { type: 'integer' } },
      required: ['total'],
      additionalProperties: false,
    },
    run: () => ({ content: [{ type: 'text', text: 'x' }], ...(result as object) }),
  })),
]

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting(TOOLS)
  gateway = await startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url }] })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

/** Arguments, and what the sentence has to say. */
const BAD: readonly (readonly [unknown, RegExp])[] = [
  [{}, /^Argument "title" is required\./],
  [{ title: 'x', price: 1 }, /^Unknown argument "price"\./],
  [{ title: 'x', copeis: 1 }, /^Unknown argument "copeis"; did you mean "copies"\?/],
  [{ title: 'x', Title: 'y' }, /^Unknown argument "Title"; did you mean "title"\?/],
  [{ title: 1 }, /^Argument "title" must be string\./],
  [{ title: null }, /^Argument "title" must be string\./],
  [{ title: '' }, /^Argument "title" must/],
  [{ title: 'x'.repeat(21) }, /^Argument "title" must/],
  [{ title: 'x', copies: '1' }, /^Argument "copies" must be integer\./],
  [{ title: 'x', copies: 1.5 }, /^Argument "copies" must be integer\./],
  [{ title: 'x', copies: 0 }, /^Argument "copies" must/],
  [{ title: 'x', copies: 10 }, /^Argument "copies" must/],
  [{ title: 'x', kind: 'film' }, /^Argument "kind" must be one of "paper", "audio"\./],
  [{ title: 'x', mail: 'nobody' }, /^Argument "mail" must/],
  [{ title: 'x', isbn: '12345' }, /^Argument "isbn" must/],
  [{ title: 'x', author: {} }, /"\/author\/name" is required\./],
  [{ title: 'x', author: { name: 'a', age: 1 } }, /^Unknown argument "\/author\/age"/],
  [{ title: 'x', tags: ['a', 'b', 'c'] }, /^Argument "tags" must/],
  [{ title: 'x', tags: [1] }, /^Argument "\/tags\/0" must be string\./],
  ['title', /^The arguments must be object\./],
  [['x'], /^The arguments must be object\./],
  [null, /^The arguments must be object\./],
]

for (const [args, says] of BAD) {
  test(`${JSON.stringify(args)} is refused and the bad argument named`, async () => {
    const earlier = upstream.count()
    const { status, json } = await callTool(gateway, 'book', args)
    assert.equal(status, 200)
    assert.equal(json.result.isError, true)
    assert.match(json.result.content[0].text, says)
    assert.equal(json.result._meta['dev.portcullis/code'], 'arguments.invalid')
    assert.equal(upstream.count(), earlier)
  })
}

test('the sentence does not repeat what the caller sent as a value', async () => {
  const { text } = await callTool(gateway, 'book', { title: 'x', kind: 'CANARY', isbn: 'CANARY', mail: 'CANARY' })
  assert.ok(!text.includes('CANARY'))
})

test('good arguments pass unchanged, and omitted ones mean an empty object', async () => {
  const args = { title: 'x', copies: 9, author: { name: 'a' }, tags: [] }
  assert.equal((await callTool(gateway, 'book', args)).status, 200)
  assert.deepEqual(upstream.seen.at(-1)?.message.params.arguments, args)
  for (const none of [undefined, {}]) {
    assert.equal((await callTool(gateway, 'plain', none)).json.result.isError, undefined)
  }
})

test('no properties are declared, none is allowed, unless the schema says that any is', async () => {
  const earlier = upstream.count()
  assert.equal((await callTool(gateway, 'plain', { a: 1 })).json.result.isError, true)
  assert.equal(upstream.count(), earlier)
  assert.equal((await callTool(gateway, 'open', { a: 1 })).json.result.isError, undefined)
})

test('the schema that is advertised is the one that is enforced: closed', async () => {
  const { tools } = (await ask(gateway, 'tools/list')).json.result
  const schemaOf = (name: string) => tools.find((tool: { name: string }) => tool.name === name).inputSchema
  assert.equal(schemaOf('book').additionalProperties, false)
  assert.equal(schemaOf('book').properties.author.additionalProperties, false)
  assert.equal(schemaOf('plain').additionalProperties, false)
  assert.equal(schemaOf('open').additionalProperties, true)
})

test('legacy clients are held to the same schema', async () => {
  const headers = await openSession(gateway)
  const earlier = upstream.count()
  const params = { name: 'book', arguments: { title: 'x', price: 1 } }
  const { json } = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { headers })
  assert.match(json.result.content[0].text, /^Unknown argument "price"/)
  assert.equal(upstream.count(), earlier)
})

test('structured content passes by its schema, and not otherwise', async () => {
  assert.deepEqual((await callTool(gateway, 'good')).json.result.structuredContent, { total: 1 })
  for (const name of ['wrong_type', 'missing', 'extra']) {
    const { status, json, text } = await callTool(gateway, name)
    assert.equal(status, 502, name)
    assert.equal(json.error.data.code, 'upstream.result_invalid', name)
    assert.ok(!text.includes('SAID-BY-THE-UPSTREAM'), name)
  }
})

test('a definition that changes while the gateway runs is enforced as it is then', async () => {
  const changed = { name: 'plain', inputSchema: { type: 'object', properties: { added: { type: 'string' } } } }
  assert.equal((await callTool(gateway, 'plain', { added: 'x' })).json.result.isError, true)
  upstream.misbehave((seen, response) => {
    if (seen.message?.method !== 'tools/list') return false
    const result = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: [changed] }
    respond(response, { jsonrpc: '2.0', id: seen.message.id, result })
    return true
  })
  // A name that is not known makes the gateway ask again.
  while ((await callTool(gateway, 'plain', { added: 'x' })).json.result.isError === true) {
    await callTool(gateway, 'not_known', {})
  }
  assert.equal((await callTool(gateway, 'book', { title: 'x' })).json.error.data.code, 'policy.unknown_target')
})
