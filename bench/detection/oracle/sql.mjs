// Decides whether a value changes a query into which somebody pastes it, by asking real parsers: PostgreSQL's, SQLite's, and one that
// knows MySQL and SQL Server. No rule of the detectors is used.
import { DatabaseSync } from 'node:sqlite'
import { loadDialects, loadPostgresql } from '../../../packages/portcullis/src/inspection/sql/parsers.ts'

/** Where a value stands in a query; `§` is the value, `q` a quote. Something always follows that the value could cut off. */
const NUMBERS = [
  'SELECT a FROM t WHERE id = § AND b = 2 ORDER BY c',
  'SELECT a FROM t WHERE (id = §) AND b = 2',
  'SELECT a FROM t WHERE ((id = §)) AND b = 2',
  'SELECT a FROM t WHERE id IN (§) AND b = 2',
  'SELECT a FROM t WHERE b = 2 ORDER BY §',
  'SELECT a FROM t WHERE b = 2 LIMIT §',
  'SELECT § FROM t WHERE b = 2',
  'INSERT INTO t (a, b) VALUES (§, 2)',
  'UPDATE t SET a = § WHERE b = 2',
]
const STRINGS = [
  'SELECT a FROM t WHERE n = q§q AND b = 2 ORDER BY c',
  'SELECT a FROM t WHERE (n = q§q) AND b = 2',
  'SELECT a FROM t WHERE ((n = q§q)) AND b = 2',
  'SELECT a FROM t WHERE n LIKE q%§%q AND b = 2',
  'INSERT INTO t (a, b) VALUES (q§q, 2)',
  'UPDATE t SET a = q§q WHERE b = 2',
]
const NAMES = ['SELECT a FROM q§q WHERE b = 2', 'SELECT q§q FROM t WHERE b = 2 ORDER BY q§q']
/** Which quotes hold strings, and which names, by who reads. */
const READERS = {
  postgresql: { strings: ["'"], names: ['"'] },
  mysql: { strings: ["'", '"'], names: ['`'] },
  mssql: { strings: ["'"], names: ['"'] },
  sqlite: { strings: ["'", '"'], names: ['`', '"'] },
}
const HARMLESS_NUMBER = '1'
const HARMLESS_TEXT = 'x'

/** A function that says for a value in which place it changes the query (`mysql: SELECT …`), or undefined. */
export async function loadSqlOracle() {
  const [postgresql, dialects] = [await loadPostgresql(), await loadDialects()]
  const parsers = { postgresql, mysql: dialects('mysql'), mssql: dialects('mssql') }
  const database = new DatabaseSync(':memory:')
  const places = Object.entries(READERS).flatMap(([reader, { strings, names }]) => [
    ...NUMBERS.map((template) => ({ reader, template, harmless: HARMLESS_NUMBER })),
    ...strings.flatMap((quote) => STRINGS.map((template) => quoted(reader, template, quote))),
    ...names.flatMap((quote) => NAMES.map((template) => quoted(reader, template, quote))),
  ])
  const shapeOf = (reader, text) => {
    const parsed = parsers[reader](text)
    if (!('statements' in parsed)) return undefined
    const shape = JSON.stringify(parsed.statements.map(simple))
    return shape.includes(NO_OPERATOR) ? undefined : shape
  }
  const honest = places.map(({ reader, template, harmless }) =>
    reader === 'sqlite' ? undefined : shapeOf(reader, template.replaceAll('§', harmless)),
  )
  return (value) => {
    if (!MAY_CHANGE.test(value) || value.length > MAX_LENGTH) return undefined
    const at = places.findIndex(({ reader, template, quote }, index) => {
      if (quote !== undefined && !value.includes(quote) && !(reader === 'mysql' && value.includes('\\'))) return false
      const text = template.replaceAll('§', () => value)
      if (reader === 'sqlite') return leaves(value, quote) && reads(database, text)
      const shape = shapeOf(reader, text)
      return shape !== undefined && shape !== honest[index]
    })
    return at < 0 ? undefined : `${places[at].reader}: ${places[at].template}`
  }
}

const MAX_LENGTH = 4_096
/** A value of letters, digits and blanks alone changes nothing but where a word of SQL stands in it, which the parsers say. */
const MAY_CHANGE = /[^\w.]/

const quoted = (reader, template, quote) => ({
  reader,
  template: template.replaceAll('q', quote),
  harmless: HARMLESS_TEXT,
  quote,
})

/** SQLite has no tree to show: a string is left by a quote that is not doubled, a number by what no sum of names has. */
function leaves(value, quote) {
  if (quote !== undefined) return value.replaceAll(quote + quote, '').includes(quote)
  return /[^\w\s.,+*/%()-]|\b(?:and|or|union|select|is|in|like|glob|between|limit|collate)\b/i.test(
    value.replace(/'[^']*'|"[^"]*"|`[^`]*`/g, '1'),
  )
}

/** It compiles the first statement; that a table or a function is missing says that it was read. */
function reads(database, text) {
  try {
    database.prepare(text)
    return true
  } catch ({ message }) {
    return !/syntax error|unrecognized token|incomplete input|malformed|contains a NUL|too (?:large|big|deep)|no such collation/i.test(
      message,
    )
  }
}

// biome-ignore format: names of one tree, then of the other
const SKIPPED = new Set([
  'location', 'stmt_location', 'stmt_len', 'sortby_dir', 'sortby_nulls', 'rexpr_list_start', 'rexpr_list_end', 'list_start', 'list_end',
  'span', 'options', 'quote_style',
])
const SUMS = new Set(['+', '-', '*', '/', '%', 'Plus', 'Minus', 'Multiply', 'Divide', 'Modulo'])

/** PostgreSQL's parser takes any row of signs for an operator, and the other one colons and brackets of every dialect; no database has these. */
const NO_OPERATOR = 'no operator of any database'
const OPERATORS = new Set(
  '+ - * / % ^ = <> != < > <= >= || ~ ~* !~ !~* ~~ ~~* !~~ !~~* & | # << >> && @> <@ -> ->> #> #>> ? ?| ?& @? @@ #- |/ ||/ @ BETWEEN'.split(
    ' ',
  ),
)

/** A tree in which values, names and sums of them are all the same, so that only what does more is a difference. */
function simple(node) {
  if (Array.isArray(node)) {
    const parts = node.map(simple)
    return parts.length > 0 && parts.every((part) => part === 'V') ? 'V' : parts
  }
  if (node === null || typeof node !== 'object') return node
  const [[kind, body] = [], ...others] = Object.entries(node)
  if (others.length === 0) {
    const one = simpleKind(kind, body)
    if (one !== undefined) return one
  }
  if ('token' in node && 'value' in node) return 'V'
  return Object.fromEntries(
    Object.entries(node).flatMap(([name, value]) => (SKIPPED.has(name) ? [] : [[name, simple(value)]])),
  )
}

function simpleKind(kind, body) {
  switch (kind) {
    case 'A_Const':
    case 'ColumnRef':
    case 'Value':
    case 'Identifier':
    case 'CompoundIdentifier':
      return 'V'
    case 'JsonAccess':
    case 'CompoundFieldAccess':
      return NO_OPERATOR
    case 'A_Expr': {
      const sign = body.name?.[0]?.String?.sval
      if (body.kind === 'AEXPR_OP' && !OPERATORS.has(sign)) return NO_OPERATOR
      const sum = body.kind === 'AEXPR_OP' && SUMS.has(sign)
      return sum && [body.lexpr, body.rexpr].every((side) => side === undefined || simple(side) === 'V')
        ? 'V'
        : undefined
    }
    case 'BinaryOp':
      return SUMS.has(body.op) && simple(body.left) === 'V' && simple(body.right) === 'V' ? 'V' : undefined
    case 'UnaryOp':
      return simple(body.expr) === 'V' ? 'V' : undefined
    case 'Nested':
    case 'UnnamedExpr':
    case 'Expr':
      return simple(body) === 'V' ? 'V' : undefined
    case 'ResTarget':
      return simple(body.val) === 'V' ? 'V' : undefined
    case 'ExprWithAlias':
      return simple(body.expr) === 'V' ? 'V' : undefined
    case 'SortBy':
      return simple(body.node) === 'V' ? 'V' : undefined
    case 'List':
      return simple(body.items) === 'V' ? 'V' : undefined
    default:
      return undefined
  }
}
