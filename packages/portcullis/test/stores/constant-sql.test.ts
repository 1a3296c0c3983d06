/** The SQL of our own stores is constant: values go apart from the text, and nothing is written into it but what is listed here. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const STORES = resolve(import.meta.dirname, '../../src/stores')

/** What may stand in the text of a pragma, which takes no parameters. All of them are constants of the program. */
const WRITTEN_INTO_TEXT: ReadonlySet<string> = new Set([
  ...['synchronous', 'APPLICATION_ID', 'STEPS.length', 'name', 'SCHEMA_VERSION'],
])
/** What may be run besides a literal: a text that was joined of parts, a step of the migrations, and constants of the program. */
const RUN: ReadonlySet<string> = new Set([
  ...['text', 'step', 'query'],
  ...['REACH', 'FENCE', 'STANDING', 'OPEN_TABLES', 'ROW_SECURITY', 'RIGHTS', 'READER_RIGHTS'],
])

/** Makes statements alike for several tables and columns, all of them named in the file itself; nothing it exports takes such a name. */
const NAMES_ITS_OWN_TABLES: ReadonlySet<string> = new Set([join('sqlite', 'snapshot.ts')])

/** Where a text is given to a database: that of SQLite, and a connection or a pool of PostgreSQL. */
const RUNS = /\b(?:(?:db|file|#db)\.(?:exec|prepare)|\w+\.query(?:<[^(]*>)?)\(\s*(\S[^)\n]*)/g

const VERB =
  /^\s*(?:select|insert|update|delete|replace|create|alter|drop|pragma|begin|commit|rollback|with|attach|vacuum|values)\s/i

interface Literal {
  readonly text: string
  /** Of a template. */
  readonly inserts: readonly string[]
  /** What stands before and after it, without white space. */
  readonly before: string
  readonly after: string
}

test('no value is written into the text of a statement', () => {
  const files = readdirSync(STORES, { recursive: true, withFileTypes: true }).filter(({ name }) => name.endsWith('.ts'))
  assert.ok(files.length > 15)
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name)
    if (NAMES_ITS_OWN_TABLES.has(relative(STORES, path))) continue
    assert.deepEqual(problems(readFileSync(path, 'utf8')), [], relative(STORES, path))
  }
})

test('only the tag makes statements', () => {
  const makers = readdirSync(STORES, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && /\bparts\s*:|\bparts,/.test(readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  )
  assert.deepEqual(
    makers.map(({ name }) => name),
    ['statement.ts'],
  )
})

test('the rule sees what it is about', () => {
  const bad: readonly string[] = [
    'db.exec(`select * from t where a = ${value}`)',
    "db.exec('delete from t where a = ' + value)",
    "db.prepare(value + ' limit 1')",
    'db.prepare(value)',
    'const text = `update ${table} set a = 1`',
    "const text = 'select * from '.concat(table)",
    'db.exec(`pragma user_version = ${evil}`)',
    'const a = sql`select ${b}`; db.exec(`drop table ${c.d}`)',
    'this.#db.exec(build(`x`))',
    'client.query(`drop table ${table}`)',
    'pool.query<Row>(made, [value])',
    "client.query('delete from t where a = ' + value)",
  ]
  for (const code of bad) assert.notDeepEqual(problems(code), [], code)
  const good: readonly string[] = [
    'sql`select * from t where a = ${value} and ${sql`b = ${other}`}`',
    "db.exec('begin immediate')",
    'db.exec(`pragma user_version = ${STEPS.length}; commit`)',
    '// select * from `t`\ndb.prepare(text)',
    "new Error(`the store ${path} is locked; it's open`)",
    "pattern.exec('x')",
    "pool.query<Row>('select * from t where a = $1', [value])",
    'client.query(STANDING)',
  ]
  for (const code of good) assert.deepEqual(problems(code), [], code)
})

function problems(code: string): readonly string[] {
  const found: string[] = []
  for (const { text, inserts, before, after } of literals(code)) {
    if (/\bsql$/.test(before) || !VERB.test(`${text} `)) continue
    if (after.startsWith('+') || before.endsWith('+') || after.startsWith('.')) found.push(`joined: ${text}`)
    for (const insert of inserts) if (!WRITTEN_INTO_TEXT.has(insert)) found.push(`written into text: ${insert}`)
  }
  for (const [, argument = ''] of code.matchAll(RUNS)) {
    if (!/^['"`]/.test(argument) && !RUN.has(argument.replace(/,.*$/, ''))) found.push(`run: ${argument}`)
  }
  return found
}

/** All strings and templates of a source, those within templates too; comments are skipped. */
function literals(code: string): readonly Literal[] {
  const found: Literal[] = []
  let at = 0
  while (at < code.length) {
    if (code.startsWith('//', at)) at = lineEnd(code, at)
    else if (code.startsWith('/*', at)) at = code.indexOf('*/', at) + 2
    else if (code[at] === '`' || code[at] === "'" || code[at] === '"') at = literal(code, at, found)
    else at++
  }
  return found
}

function literal(code: string, start: number, found: Literal[]): number {
  const quote = code[start] as string
  const inserts: string[] = []
  let text = ''
  let at = start + 1
  while (at < code.length && code[at] !== quote) {
    if (quote === '`' && code.startsWith('${', at)) {
      const end = insertEnd(code, at + 2)
      inserts.push(code.slice(at + 2, end))
      found.push(...literals(code.slice(at + 2, end)))
      at = end + 1
      text += '?'
    } else {
      const length = code[at] === '\\' ? 2 : 1
      text += code.slice(at, at + length)
      at += length
    }
  }
  found.push({
    text,
    inserts,
    before: code.slice(0, start).trimEnd(),
    after: code
      .slice(at + 1)
      .trimStart()
      .slice(0, 8),
  })
  return at + 1
}

/** The bracket that closes an insert, past the strings and brackets in it. */
function insertEnd(code: string, from: number): number {
  let depth = 1
  let at = from
  while (at < code.length) {
    const char = code[at] as string
    if (char === '`' || char === "'" || char === '"') {
      at = literal(code, at, [])
      continue
    }
    if (char === '{') depth++
    if (char === '}' && --depth === 0) return at
    at++
  }
  return at
}

function lineEnd(code: string, at: number): number {
  const end = code.indexOf('\n', at)
  return end < 0 ? code.length : end
}
