import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ToolSchemas } from '../../src/inspection/tool-schemas.ts'
import { toolWith } from './fixtures.ts'

test('a definition is compiled once, and a changed definition is another one', () => {
  const schemas = new ToolSchemas()
  const tool = toolWith({ type: 'object', properties: { a: { type: 'string' } } })
  assert.equal(schemas.compile(tool), schemas.compile({ ...tool }))
  const changed = toolWith({ type: 'object', properties: { a: { type: 'number' } } })
  assert.notEqual(schemas.compile(tool), schemas.compile(changed))
})

test('compiling ahead leaves turns of the event loop to others and finds the unusable', async () => {
  const schemas = new ToolSchemas()
  const tools = Array.from({ length: 5 }, (_, i) => toolWith({ type: i === 3 ? 'objekt' : 'object', title: `${i}` }))
  let turns = 0
  const beat = setInterval(() => turns++, 0)
  await schemas.precompile(tools)
  clearInterval(beat)
  assert(turns > 0)
  assert.deepEqual(
    tools.map((tool) => schemas.problem(tool) === undefined),
    [true, true, true, false, true],
  )
})

test('the advertised schema is the one that is enforced', () => {
  const schemas = new ToolSchemas()
  const tool = toolWith({ type: 'object', properties: { a: { type: 'object', properties: {} } }, 'x-kept': 1 })
  assert.deepEqual(schemas.advertised(tool), {
    type: 'object',
    properties: { a: { type: 'object', properties: {}, additionalProperties: false } },
    'x-kept': 1,
    additionalProperties: false,
  })
  assert.equal(schemas.advertised(tool), schemas.advertised(tool))
})

test('the schema of an unavailable tool is advertised as it is', () => {
  const schemas = new ToolSchemas()
  const tool = toolWith({ $ref: 'https://evil.example/' })
  assert.equal(schemas.advertised(tool), tool.inputSchema)
})

test('memory is bounded', () => {
  const schemas = new ToolSchemas({ maxTools: 2 })
  const [first, ...others] = [1, 2, 3].map((i) => ({ ...toolWith({ type: 'object', title: `${i}` }), name: `t${i}` }))
  assert(first !== undefined)
  const before = schemas.compile(first)
  for (const tool of others) schemas.compile(tool)
  assert.notEqual(schemas.compile(first), before)
})

test('a tool whose definition changes all day has one entry and drives out nobody', () => {
  const schemas = new ToolSchemas({ maxTools: 2 })
  const steady = { ...toolWith({ type: 'object', title: 'steady' }), name: 'steady' }
  const kept = schemas.compile(steady)
  const advertised = schemas.advertised(steady)
  for (let day = 0; day < 50; day++) {
    const restless = toolWith({ type: 'object', properties: { [`a${day}`]: { type: 'string' } } })
    assert.ok(schemas.compile(restless).usable)
    assert.deepEqual(Object.keys(schemas.advertised(restless)['properties'] as object), [`a${day}`])
  }
  assert.equal(schemas.compile(steady), kept)
  assert.equal(schemas.advertised(steady), advertised)
})

test('tools of one family share their validator', () => {
  const schemas = new ToolSchemas()
  const [one, other] = ['one', 'other'].map((name) => schemas.compile({ ...toolWith({ type: 'object' }), name }))
  assert.ok(one?.usable === true && other?.usable === true)
  assert.equal(one.validateArguments, other.validateArguments)
})
