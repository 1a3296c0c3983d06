import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool } from './scripted.ts'
import { type Caller, errorOf, type Json, modern, resultOf, textOf } from './wire.ts'

const SHAPE = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { word: { type: 'string', minLength: 2 } },
  properties: { word: { $ref: '#/$defs/word' }, n: { type: 'integer', exclusiveMinimum: 0, multipleOf: 2 } },
  required: ['word'],
  additionalProperties: false,
  'x-unknown-keyword': { kept: true },
}
const elsewhere = { type: 'object', properties: { x: { $ref: 'https://evil.example/schema.json' } } }
const oldDialect = { $schema: 'https://example.org/another-dialect', type: 'object' }
const twice = {
  type: 'object',
  properties: { a: { type: 'string', 'x-mcp-header': 'Same' }, b: { type: 'string', 'x-mcp-header': 'same' } },
}
const TOOLS = [
  tool('zebra', { inputSchema: SHAPE, annotations: { readOnlyHint: true }, 'com.example/x': 1 }),
  tool('secret'),
  tool('ape'),
  tool('elsewhere', { inputSchema: elsewhere }),
  tool('dialect', { inputSchema: oldDialect }),
  tool('twice', { inputSchema: twice }),
]
const POLICY = `@id("administrators")
permit (principal in Role::"admin", action, resource);
@id("users-use-what-is-open")
permit (principal in Role::"user", action, resource)
unless { resource == Tool::"one/secret" || resource == Prompt::"one/hidden" || resource == Resource::"one/file:///hidden" };
`
const PROMPTS = [{ name: 'open' }, { name: 'hidden' }]
const page = (more: Json) => ({ resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public', ...more })

describe('checklist: answers', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway
  let user: Caller

  before(async () => {
    upstream = await startModern(TOOLS, {
      'tools/call': (turn) =>
        turn.result({ resultType: 'complete', content: [{ type: 'text', text: String(turn.params['name']) }] }),
      'prompts/list': (turn) =>
        turn.result(
          turn.params['cursor'] === undefined
            ? page({ prompts: PROMPTS, nextCursor: 'more' })
            : page({ prompts: [{ name: 'last' }] }),
        ),
      'resources/list': (turn) =>
        turn.result(
          page({
            resources: [
              { uri: 'file:///hidden', name: 'h' },
              { uri: 'file:///open', name: 'o' },
            ],
          }),
        ),
      'resources/read': (turn) => turn.result(page({ contents: [] })),
    })
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], policy: POLICY })
    user = { ...gateway, token: await gateway.issue(['user']) }
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const names = async (caller: Caller): Promise<readonly string[]> => {
    const { tools } = resultOf(await modern(caller, { method: 'tools/list' })) as { tools: Array<{ name: string }> }
    return tools.map(({ name }) => name)
  }
  const call = (caller: Caller, name: string, args: Json = {}) =>
    modern(caller, { method: 'tools/call', params: { name, arguments: args } })

  it('row 12: a tool with ambiguous header annotations is left out, the others stay', async () => {
    assert.ok(!(await names(gateway)).includes('twice'))
    assert.ok((await names(gateway)).includes('zebra'))
  })

  it('row 16: a hidden tool is an unknown tool, and wrong arguments are a result', async () => {
    const earlier = upstream.of('tools/call').length
    const hidden = await call(user, 'secret')
    const unknown = await call(user, 'nothing')
    assert.deepEqual([hidden.status, errorOf(hidden).code], [200, -32602])
    assert.deepEqual([unknown.status, errorOf(unknown).code], [200, -32602])
    assert.equal(errorOf(hidden).message, errorOf(unknown).message)
    const wrong = await call(user, 'zebra', { word: 'x', other: 1 })
    assert.deepEqual([wrong.status, resultOf(wrong)['isError'], resultOf(wrong)['resultType']], [200, true, 'complete'])
    assert.match(textOf(wrong), /other|word/)
    assert.equal(upstream.of('tools/call').length, earlier)
  })

  it('row 18: server/discover says what is spoken and offered here', async () => {
    const told = resultOf(await modern(user, { method: 'server/discover' }))
    assert.ok((told['supportedVersions'] as string[]).includes('2026-07-28'))
    const { tools, prompts, resources } = told['capabilities'] as Json
    assert.ok(tools && prompts && resources)
    assert.deepEqual([told['resultType'], told['cacheScope']], ['complete', 'private'])
  })

  it('row 19: what is trimmed to its reader is private on every page and soon stale', async () => {
    const asked = [
      { method: 'tools/list' },
      { method: 'prompts/list' },
      { method: 'prompts/list', params: { cursor: 'more' } },
      { method: 'resources/list' },
      { method: 'resources/read', params: { uri: 'file:///open' } },
    ]
    for (const request of asked) {
      const result = resultOf(await modern(user, request))
      assert.equal(result['cacheScope'], 'private', request.method)
      if (request.method !== 'resources/read') assert.ok(Number(result['ttlMs']) <= 60_000, request.method)
    }
    const seen = async (caller: Caller) =>
      (resultOf(await modern(caller, { method: 'prompts/list' }))['prompts'] as Array<{ name: string }>).length
    assert.deepEqual([await seen(user), await seen(gateway)], [1, 2])
    const { resources } = resultOf(await modern(user, { method: 'resources/list' })) as { resources: Json[] }
    assert.deepEqual(resources, [{ uri: 'file:///open', name: 'o' }])
  })

  it('row 20: lists differ by what their reader may do, and keep their order', async () => {
    assert.deepEqual((await names(gateway)).slice(0, 3), ['zebra', 'secret', 'ape'])
    assert.deepEqual((await names(user)).slice(0, 2), ['zebra', 'ape'])
    assert.deepEqual(await names(user), await names(user))
  })

  it('row 43: a schema of another dialect or place makes its tool unusable, and nothing is fetched', async () => {
    for (const name of ['elsewhere', 'dialect']) {
      assert.ok(!(await names(gateway)).includes(name), name)
      const refused = await call(gateway, name, { x: 1 })
      assert.ok(resultOf(refused)['isError'] === true || errorOf(refused).code !== undefined, name)
      assert.ok(!upstream.of('tools/call').some(({ body }) => (body['params'] as Json)['name'] === name))
    }
  })

  it('row 44: a tool keeps every keyword of its schema and every member', async () => {
    const { tools } = resultOf(await modern(gateway, { method: 'tools/list' })) as { tools: Json[] }
    assert.deepEqual(tools[0], TOOLS[0])
  })
})
