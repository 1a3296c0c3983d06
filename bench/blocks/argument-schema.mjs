// Prints what it costs to compile a tool's schema and to check a call against it: `node bench/blocks/argument-schema.mjs`.
import { checkArguments } from '../../packages/portcullis/src/inspection/check-arguments.ts'
import { ToolSchemas } from '../../packages/portcullis/src/inspection/tool-schemas.ts'

let digests = 0
const toolOf = (inputSchema) => ({ upstream: 'bench', name: 'tool', inputSchema, raw: {}, digest: `${digests++}` })
const text = { type: 'string', description: 'Some text.' }
const echo = { type: 'object', properties: { message: text }, required: ['message'] }
const search = {
  type: 'object',
  properties: {
    query: { ...text, minLength: 1 },
    limit: { type: 'integer', minimum: 1, maximum: 100 },
    order: { enum: ['asc', 'desc'] },
    since: { type: 'string', format: 'date-time' },
    id: { type: 'string', pattern: '^[a-z]{2}-[0-9]+$' },
    filters: {
      type: 'array',
      items: { type: 'object', properties: { field: text, value: text }, required: ['field'] },
    },
  },
  required: ['query'],
}
const found = {
  query: 'x',
  limit: 5,
  order: 'asc',
  since: '2026-01-01T00:00:00Z',
  id: 'ab-12',
  filters: [{ field: 'a', value: 'b' }, { field: 'c' }],
}

const median = (figures) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)]
const rounds = (times, run) =>
  median(
    Array.from({ length: 9 }, () => {
      const start = performance.now()
      for (let i = 0; i < times; i++) run(i)
      return (performance.now() - start) / times
    }),
  )

const schemas = new ToolSchemas()
schemas.compile(toolOf(echo))
for (const [name, schema, args] of [
  ['echo, 1 KB', echo, { message: 'x'.repeat(1024) }],
  ['search, all arguments', search, found],
]) {
  const tool = toolOf(schema)
  const compile = rounds(30, () => schemas.compile(toolOf({ ...schema })))
  const check = rounds(100_000, () => checkArguments(schemas, tool, args))
  console.log(`${name.padEnd(24)} compile ${compile.toFixed(2)} ms, check ${(check * 1000).toFixed(2)} µs`)
}
