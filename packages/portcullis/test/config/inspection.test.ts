import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'
import type { Config } from '../../src/config/schema.ts'
import { weaknesses } from '../../src/config/weaknesses.ts'
import { ROLES, SHELL_FEATURES, SQL_DIALECTS, STATEMENT_KINDS, VERDICTS } from '../../src/core/inspection-words.ts'
import { SQL_RULES } from '../../src/inspection/sql/sql-rules.ts'

const parse = (inspection: object, all: object = {}): Config =>
  configSchema.parse({
    version: 1,
    state: 'state',
    inspection: all,
    upstreams: { a: { http: { url: 'https://a.example/' }, inspection } },
  }) as Config

const argument = (rule: object) => ({ tools: { t: { arguments: { x: rule } } } })
const ruleOf = (config: Config) => config.upstreams['a']?.inspection.tools?.['t']?.arguments?.['x']

describe('every word that the inspection knows can be written', () => {
  for (const role of ROLES)
    test(`role ${role}`, () => {
      assert.equal(ruleOf(parse(argument({ role })))?.role, role)
      parse({ roles: { [role]: { strong: 'refuse' } } })
    })
  for (const verdict of VERDICTS)
    test(`verdict ${verdict}`, () =>
      assert.equal(parse({}, { on: { sql: { hint: verdict } } }).inspection.on?.sql?.hint, verdict))
  for (const dialect of SQL_DIALECTS) test(`dialect ${dialect}`, () => void parse(argument({ sql: { dialect } })))
  for (const kind of STATEMENT_KINDS)
    test(`statement ${kind}`, () => void parse(argument({ sql: { statements: [kind] } })))
  for (const feature of SHELL_FEATURES)
    test(`feature ${feature}`, () => void parse(argument({ shell: { allow: [feature] } })))
})

test('rules that say nothing are those of the inspection itself', () => {
  assert.deepEqual(ruleOf(parse(argument({ sql: {} })))?.sql, { ...SQL_RULES, statements: ['select'] })
})

const WRONG: readonly (readonly [title: string, inspection: object])[] = [
  ['a family that is none', { on: { sqli: { strong: 'refuse' } } }],
  ['a weight that is none', { on: { sql: { medium: 'refuse' } } }],
  ['a verdict that is none', { on: { sql: { strong: 'block' } } }],
  ['a place that is none', { roles: { body: { strong: 'refuse' } } }],
  ['a mode that is none', { mode: 'off' }],
  ['a role that is none', argument({ role: 'file' })],
  ['a member that is none', argument({ pattern: '^a$' })],
  ['rules for a role that has none', argument({ text: {} })],
  ['rules of another role than the one that is named', argument({ role: 'text', sql: {} })],
  ['rules of two roles', argument({ shell: {}, path: {} })],
  ['no statement at all', argument({ sql: { statements: [] } })],
  ['a root that is relative', argument({ shell: { roots: ['srv'] } })],
  ['a host with a path', argument({ url: { hosts: ['a.example /x'] } })],
  ['an extension without a dot', argument({ path: { extensions: ['txt'] } })],
]
for (const [title, inspection] of WRONG) {
  test(`${title} is refused`, () => assert.throws(() => parse(inspection)))
}

const AT = 'upstreams.a.inspection'
const ARGUMENT = `${AT}.tools.t.arguments.x`
const WEAK: readonly (readonly [path: string, word: string, inspection: object])[] = [
  [`${AT}.mode`, 'shadow', { mode: 'shadow' }],
  [`${AT}.tools.t.mode`, 'shadow', { tools: { t: { mode: 'shadow' } } }],
  [`${AT}.on.sql.breach`, 'annotate', { on: { sql: { breach: 'annotate' } } }],
  [`${AT}.on.sql.strong`, 'allow', { on: { sql: { strong: 'allow' } } }],
  [`${AT}.roles.identifier.strong`, 'annotate', { roles: { identifier: { strong: 'annotate' } } }],
  [`${AT}.roles.text.breach`, 'allow', { roles: { text: { breach: 'allow' } } }],
  [`${ARGUMENT}.sql.readOnly`, 'false', argument({ sql: { readOnly: false } })],
  [`${ARGUMENT}.shell.allow`, 'pipes', argument({ shell: { allow: ['pipes'] } })],
  [
    `${ARGUMENT}.shell.programs.env.runsOthers`,
    'allowed',
    argument({ shell: { programs: { env: { runsOthers: 'allowed' } } } }),
  ],
  [`${ARGUMENT}.path.parents`, 'within-roots', argument({ path: { roots: ['/a'], parents: 'within-roots' } })],
  [`${ARGUMENT}.url.insideHosts`, 'allowed', argument({ url: { insideHosts: 'allowed' } })],
  [`${ARGUMENT}.host.insideHosts`, 'allowed', argument({ host: { insideHosts: 'allowed' } })],
  [`${ARGUMENT}.url.credentials`, 'allowed', argument({ url: { credentials: 'allowed' } })],
]
describe('what is weaker than by default is listed', () => {
  for (const [path, word, inspection] of WEAK)
    test(`${path}: ${word}`, () => {
      assert.deepEqual(
        weaknesses(parse(inspection)).map((weakness) => [weakness.path, weakness.word]),
        [[path, word]],
      )
    })
  test('for all upstreams too', () => {
    assert.deepEqual(
      weaknesses(parse({}, { mode: 'shadow' })).map(({ path }) => path),
      ['inspection.mode'],
    )
  })
})

const STRICT: readonly object[] = [
  {},
  { mode: 'enforce' },
  { on: { sql: { breach: 'refuse', strong: 'mask', hint: 'allow' }, prompt: { strong: 'ask' } } },
  { roles: { text: { strong: 'annotate' }, identifier: { strong: 'ask' } } },
  argument({ role: 'text' }),
  argument({ sql: { statements: ['select', 'insert'] } }),
]
for (const [index, inspection] of STRICT.entries()) {
  test(`what is as strict or stricter is no weakness (${index + 1})`, () =>
    assert.deepEqual(weaknesses(parse(inspection)), []))
}
