import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ToolDefinition } from '../../src/mcp/definition.ts'
import type { Params } from '../../src/mcp/message.ts'
import { proposeRoles, surveyArguments } from '../../src/inspection/propose-roles.ts'
import type { Role } from '../../src/inspection/role.ts'

function tool(inputSchema: Params, name = 'do_it', description = 'Does it.'): ToolDefinition {
  return { upstream: 'u', name, inputSchema, raw: { name, description, inputSchema }, digest: 'd' }
}

const TEXT = { type: 'string' }

/** Name of an argument, what is proposed, and what schema and tool say where it matters. */
const CASES: readonly (readonly [
  name: string,
  role: Role | undefined,
  schema?: Params,
  tool?: readonly [string, string],
])[] = [
  // names alone
  ['id', 'identifier'],
  ['order_id', 'identifier'],
  ['orderId', 'identifier'],
  ['uuid', 'identifier'],
  ['email', 'identifier'],
  ['phoneNumber', 'identifier'],
  ['timezone', 'identifier'],
  ['branch_name', 'identifier'],
  ['sku', 'identifier'],
  ['sort_by', 'identifier'],
  ['next_page_token', 'identifier'],
  ['cursor', 'identifier'],
  ['zip_code', 'identifier'],
  ['countryCode', 'identifier'],
  ['commit_sha', 'identifier'],
  ['path', 'path'],
  ['file_path', 'path'],
  ['filePath', 'path'],
  ['filename', 'path'],
  ['directory', 'path'],
  ['working-directory', 'path'],
  ['outputDir', 'path'],
  ['log_path', 'path'],
  ['url', 'url'],
  ['callback_url', 'url'],
  ['imageUri', 'url'],
  ['webhook', 'url'],
  ['link', 'url'],
  ['host', 'host'],
  ['hostname', 'host'],
  ['ip_address', 'host'],
  ['email_domain', 'host'],
  ['sql', 'sql'],
  ['sqlQuery', 'sql'],
  ['raw_sql', 'sql'],
  ['bash_command', 'shell'],
  ['shellScript', 'shell'],
  ['html', 'html'],
  ['body_html', 'html'],
  ['code', 'code'],
  ['python_code', 'code'],
  ['regex', 'code'],
  ['search_pattern', 'text'],
  ['glob', 'code'],
  ['expression', 'expression'],
  ['formula', 'expression'],
  ['jsonpath', 'expression'],
  ['xpath', 'expression'],
  ['amount', 'number'],
  ['latitude', 'number'],
  ['total_price', 'number'],
  ['page_size', 'number'],
  ['password', 'secret'],
  ['api_key', 'secret'],
  ['apiKey', 'secret'],
  ['accessToken', 'secret'],
  ['client_secret', 'secret'],
  ['old_password', 'secret'],
  // nothing that could be sure
  ['name', 'text'],
  ['title', 'text'],
  ['message', 'text'],
  ['description', 'text'],
  ['location', 'text'],
  ['city', 'text'],
  ['address', 'text'],
  ['subject', 'text'],
  ['data', 'text'],
  ['value', 'text'],
  ['input', 'text'],
  ['address_book', 'text'],
  ['pathology', 'text'],
  ['curly', 'text'],
  ['urls', 'url'],
  ['country_codes', 'identifier'],
  ['codes', 'text'],
  ['hostage', 'text'],
  // the same name, by what the tool is for
  ['query', 'text'],
  ['query', 'text', TEXT, ['search', 'Searches the web for pages.']],
  ['query', 'sql', TEXT, ['read_query', 'Execute a SELECT query on the SQLite database']],
  ['query', 'sql', TEXT, ['query', 'Runs a read-only SQL query.']],
  ['statement', 'sql', TEXT, ['execute', 'Executes a statement on PostgreSQL.']],
  ['command', 'text'],
  ['command', 'text', TEXT, ['appliance', 'Sends a command to an appliance.']],
  ['command', 'shell', TEXT, ['run', 'Runs a command in a shell and returns its output.']],
  ['cmd', 'shell', TEXT, ['exec_bash', '']],
  ['content', 'text', TEXT, ['write_file', 'Writes a file.']],
  ['content', 'html', TEXT, ['render', 'Renders HTML to a picture.']],
  ['input', 'code', TEXT, ['python', 'Runs code in an interpreter.']],
  ['source', 'path', TEXT, ['move_file', 'Moves a file or directory.']],
  ['destination', 'path', TEXT, ['move_file', 'Moves a file or directory.']],
  ['destination', 'text', TEXT, ['book_flight', 'Books a flight.']],
  // what the schema says
  ['target', 'url', { type: 'string', format: 'uri' }],
  ['target', 'host', { type: 'string', format: 'ipv4' }],
  ['target', 'identifier', { type: 'string', format: 'date-time' }],
  ['target', 'path', { type: 'string', format: 'file-path' }],
  ['target', 'secret', { type: 'string', format: 'password' }],
  ['target', 'html', { type: 'string', contentMediaType: 'text/html' }],
  ['target', 'identifier', { type: 'string', pattern: '^[A-Z]{2}-\\d+$' }],
  ['target', 'text', { type: 'string', pattern: '^.*$' }],
  ['target', 'text', { type: 'string', pattern: '^[^;]+$' }],
  ['target', 'path', { type: 'string', description: 'Absolute path of the file to read' }],
  ['target', 'url', { type: 'string', description: 'The URL to fetch' }],
  ['target', 'sql', { type: 'string', description: 'SQL query to run' }],
  ['target', 'shell', { type: 'string', description: 'Shell command to execute' }],
  ['target', 'identifier', { type: 'string', description: 'Unique identifier of the user' }],
  ['target', 'text', { type: 'string', description: 'Say what the path to success is' }],
  ['file_path', 'path', { type: ['string', 'null'] }],
  ['file_path', 'path', { anyOf: [{ type: 'string' }, { type: 'null' }] }],
  ['file_path', 'path', {}],
  // no free text
  ['path', undefined, { enum: ['/a', '/b'] }],
  ['path', undefined, { const: '/a' }],
  ['url', undefined, { type: 'boolean' }],
  ['order_id', undefined, { type: 'integer' }],
  ['order_id', undefined, { type: ['number', 'null'] }],
]

describe('a role for each argument', () => {
  for (const [name, role, schema = TEXT, about = ['do_it', 'Does it.']] of CASES) {
    test(`${name} ${schema === TEXT ? '' : JSON.stringify(schema)} of ${about[0]} is ${role ?? 'nothing'}`, () => {
      const roles = proposeRoles(tool({ type: 'object', properties: { [name]: schema } }, ...about))
      assert.equal(roles.get(`/${name}`), role)
    })
  }
  test('there are enough of them to mean something', () => assert.ok(CASES.length >= 80))
})

test('members of members, elements of lists and tables have their own', () => {
  const roles = proposeRoles(
    tool({
      type: 'object',
      properties: {
        filters: { type: 'array', items: { type: 'object', properties: { user_id: TEXT, note: TEXT } } },
        paths: { type: 'array', items: { type: 'string' } },
        headers: { type: 'object', additionalProperties: TEXT },
        'a/b~c': TEXT,
        proxy: { $ref: '#/$defs/proxy' },
      },
      $defs: { proxy: { type: 'object', properties: { host: TEXT, next: { $ref: '#/$defs/proxy' } } } },
    }),
  )
  assert.deepEqual(Object.fromEntries(roles), {
    '/filters/*/user_id': 'identifier',
    '/filters/*/note': 'text',
    '/paths/*': 'path',
    '/headers/*': 'text',
    '/a~1b~0c': 'text',
    '/proxy/host': 'host',
  })
})

test('where two branches disagree it is text', () => {
  const properties = {
    target: {
      anyOf: [
        { type: 'string', format: 'uri' },
        { type: 'string', format: 'file-path' },
      ],
    },
  }
  assert.equal(proposeRoles(tool({ type: 'object', properties })).get('/target'), 'text')
})

test('what exists is known, what does not is not, and open objects take anything', () => {
  const { declared, open } = surveyArguments(
    tool({ type: 'object', properties: { a: { type: 'object', properties: { b: TEXT } }, c: { type: 'object' } } }),
  )
  assert.deepEqual([...declared], ['', '/a', '/a/b', '/c'])
  assert.deepEqual([...open], ['/c'])
})

test('no schema makes it slow or throws', () => {
  const branches = Array.from({ length: 50 }, () => ({ $ref: '#' }))
  const wide = { type: 'object', properties: { a: { anyOf: branches } }, anyOf: branches }
  assert.ok(proposeRoles(tool(wide)).size <= 2_000)
  fc.assert(
    fc.property(
      fc.object({ key: fc.constantFrom('type', 'properties', 'items', 'anyOf', '$ref', 'a'), maxDepth: 5 }),
      (schema) => {
        proposeRoles(tool(schema))
      },
    ),
  )
})
