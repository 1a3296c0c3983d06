import { DIALECT_FIELDS, DIALECT_IGNORED, DIALECT_NODES } from './dialect-grammar.ts'
import { dialectLimit } from './dialect-limit.ts'
import type { SqlDialect, StatementKind } from './sql-rules.ts'
import type { StatementFacts } from './statement-facts.ts'
import { isTree, listOf, textOf, type Tree, Walk } from './tree-walk.ts'

/**
 * Decides what one statement does that the parser of many dialects has read. A variant is an object with one member, named
 * after it; a structure has its fields and no name.
 */
export function dialectFacts(statement: unknown, dialect: SqlDialect): StatementFacts {
  const walk = new Walk({
    nodes: DIALECT_NODES,
    fields: DIALECT_FIELDS,
    ignored: DIALECT_IGNORED,
    enter: (node, field, at) => enter(node, field, at, dialect),
  })
  const outermost = isTree(statement) ? statement['Query'] : undefined
  if (isTree(outermost)) walk.facts.limit = dialectLimit(outermost)
  if (isTree(statement) && STATEMENTS[Object.keys(statement)[0] ?? ''] === undefined) {
    walk.facts.unknown = Object.keys(statement)[0] ?? 'nothing'
  }
  return walk.run(statement)
}

const STATEMENTS: Readonly<Record<string, StatementKind>> = {
  Query: 'select',
  Insert: 'insert',
  Update: 'update',
  Delete: 'delete',
  Merge: 'merge',
  Explain: 'explain',
  ExplainTable: 'show',
  ShowTables: 'show',
  ShowColumns: 'show',
  ShowDatabases: 'show',
  ShowSchemas: 'show',
  ShowViews: 'show',
  ShowCreate: 'show',
  CreateTable: 'create',
  CreateView: 'create',
  CreateIndex: 'create',
  AlterTable: 'alter',
  Drop: 'drop',
  Truncate: 'truncate',
}

/** T-SQL needs no semicolon: what our parser takes for a name without AS, SQL Server would run as the next statement. */
const TSQL_STATEMENTS: ReadonlySet<string> = new Set(
  `alter backup begin break bulk checkpoint close commit continue create dbcc deallocate declare delete deny disable drop
  enable exec execute fetch go goto grant if insert kill lineno load merge open print raiserror readtext reconfigure restore
  return revert revoke rollback save select set setuser shutdown throw truncate update updatetext use waitfor while
  writetext`.split(/\s+/),
)

function enter(node: Tree, field: string, walk: Walk, dialect: SqlDialect): boolean {
  const [tag = ''] = Object.keys(node)
  const body = node[tag]
  if (/^[A-Z]/.test(tag)) {
    if (!DIALECT_NODES.has(tag)) walk.facts.unknown ??= tag
    // To Snowflake, `$2` is the second column.
    if (dialect === 'snowflake' && tag === 'Placeholder') walk.facts.star = true
    return variant(tag, body, field, walk)
  }
  if (typeof node['value'] === 'string' && 'span' in node) return name(node, field, walk, dialect)
  return structure(node, field, walk)
}

function variant(tag: string, body: unknown, field: string, walk: Walk): boolean {
  const kind = STATEMENTS[tag]
  if (kind !== undefined && !(tag === 'Query' && field !== '')) walk.facts.kinds.push(kind)
  const special = VARIANTS[tag]
  if (special === undefined) return false
  special(isTree(body) ? body : {}, body, walk)
  return true
}

type Variant = (node: Tree, body: unknown, walk: Walk) => void

const VARIANTS: Readonly<Record<string, Variant>> = {
  Table: (node, _, walk) => {
    if ('table_name' in node) {
      // TABLE users, which reads all columns.
      walk.facts.star = true
      const parts = ['schema_name', 'table_name'].map((key) => textOf(node[key])).filter((part) => part !== undefined)
      walk.facts.table(parts, parts.at(-1) ?? '', undefined, walk.scope)
    } else if (isTree(node['args'])) {
      walk.facts.functions.push(partsOf(node['name']))
      aliased(node, walk, null)
      walk.rest(node, ['name', 'alias'])
    } else {
      tableNamed(node['name'], node, walk)
      walk.rest(node, ['name', 'alias'])
    }
  },
  Function: (node, _, walk) => {
    const called = partsOf(node['name'])
    walk.facts.functions.push(called)
    if (readsAll(called.at(-1)?.toLowerCase(), node['args'])) walk.facts.star = true
    aliased(node, walk, null)
    walk.rest(node, ['name', 'alias'])
  },
  TableName: (_, body, walk) => tableNamed(body, {}, walk),
  Derived: fromElsewhere,
  // A string would be the name of a table that no rule has seen.
  TableFunction: (node, body, walk) => {
    if (!isTree(node['expr']) || !isTree(node['expr']['Function'])) walk.facts.unknown ??= 'TableFunction'
    fromElsewhere(node, body, walk)
  },
  UNNEST: fromElsewhere,
  JsonTable: fromElsewhere,
  Pivot: renaming,
  Unpivot: renaming,
  NestedJoin: renaming,
  Wildcard: starred,
  QualifiedWildcard: starred,
  CompoundIdentifier: (_, body, walk) => {
    const parts = listOf(body).map((part) => textOf(isTree(part) ? part['value'] : undefined) ?? '')
    // `@@global.secure_file_priv`
    if (parts[0]?.startsWith('@@') === true) walk.facts.functions.push([parts.join('.')])
    else walk.facts.columns.push(parts)
    if (parts.at(-1)?.startsWith('$') === true) walk.facts.star = true
  },
  // `(row).secret` and `row.list[0].secret` read a column too.
  ColumnName: (_, body, walk) => {
    walk.facts.columns.push(partsOf(body))
  },
  ExprWithAlias: (node, _, walk) => {
    walk.later(node['alias'], 'alias')
    walk.later(node['expr'], 'expr')
  },
  Named: (node, body, walk) => {
    walk.rest(isTree(body) ? node : {}, ['name'])
  },
  BinaryOp: (node, _, walk) => {
    if (node['op'] === 'Assignment') walk.facts.effects.add('assignment')
    // Operators that a user defined call functions nobody has named.
    if (isTree(node['op'])) walk.facts.effects.add('operator')
    walk.rest(node)
  },
  // A string, or a column where the server is set to ANSI_QUOTES.
  DoubleQuotedString: (_, __, walk) => {
    walk.facts.effects.add('double-quoted')
  },
  Cast: (node, _, walk) => walk.later(node['expr'], 'expr'),
  ExplainTable: (node, _, walk) => tableNamed(node['table_name'], {}, walk),
  ShowCreate: (node, _, walk) => tableNamed(node['obj_name'], {}, walk),
  CreateTable: defining,
  CreateView: defining,
  CreateIndex: (node, _, walk) => {
    tableNamed(node['table_name'], {}, walk)
    walk.rest(node, ['name', 'table_name'])
  },
  AlterTable: defining,
  ForeignKey: (node, _, walk) => {
    tableNamed(node['foreign_table'], {}, walk)
    walk.rest(node, ['foreign_table', 'name'])
  },
  // AUTO_INCREMENT and its like.
  DialectSpecific: () => {},
  Drop: (node, _, walk) => {
    if (!['Table', 'View', 'Index'].includes(String(node['object_type']))) walk.facts.unknown ??= 'Drop'
    for (const item of listOf(node['names'])) tableNamed(item, {}, walk)
    walk.rest(node, ['names', 'object_type'])
  },
}

/** Structures are told by the fields that they alone have. */
function structure(node: Tree, field: string, walk: Walk): boolean {
  if ('cte_tables' in node) return true
  if (isTree(node['with'])) declare(node['with'], walk)
  if (listOf(node['locks']).length > 0) walk.facts.effects.add('lock')
  // FROM without SELECT, and a join that compares every column that has a twin.
  if (node['flavor'] === 'FromFirstNoSelect' || isNatural(node['join_operator'])) walk.facts.star = true
  if ('projection' in node && isTree(node['into'])) walk.facts.effects.add('into')
  if ('projection' in node && isTree(node['into'])) tableNamed(node['into']['name'], {}, walk)
  if ('parent_name' in node) tableNamed(node['parent_name'], {}, walk)
  if (field === 'table_names') tableNamed(node['name'], {}, walk)
  const named =
    'projection' in node ? ['into'] : ['table_names', 'alias', 'columns', 'relation'].includes(field) ? ['name'] : []
  walk.rest(node, ['with', 'locks', 'parent_name', ...(isSortedByGivenNames(node) ? ['order_by'] : []), ...named])
  if (field === 'columns' && isTree(node['name'])) walk.later(node['name'], 'columns')
  return true
}

const isNatural = (join: unknown): boolean => isTree(join) && Object.values(join).includes('Natural')

/** `f(*)` reads whole rows unless it counts them; `COLUMNS('se.*')` reads what it matches. */
function readsAll(called: string | undefined, args: unknown): boolean {
  const list = isTree(args) && isTree(args['List']) ? listOf(args['List']['args']) : []
  const isWhole = list.some((arg) => isTree(arg) && Object.values(arg).includes('Wildcard'))
  return called === 'columns' || (isWhole && called !== 'count')
}

/** Bare names in ORDER BY that the same SELECT gave to expressions are those expressions, which are judged already. */
function isSortedByGivenNames(query: Tree): boolean {
  const order = isTree(query['order_by']) && isTree(query['order_by']['kind']) ? query['order_by']['kind'] : {}
  const select = isTree(query['body']) && isTree(query['body']['Select']) ? query['body']['Select'] : {}
  const given = new Set(
    listOf(select['projection']).map((item) =>
      isTree(item) && isTree(item['ExprWithAlias']) ? aliasOf(item['ExprWithAlias']).name : undefined,
    ),
  )
  const keys = listOf(order['Expressions']).map((key) =>
    isTree(key) && isTree(key['expr']) ? key['expr']['Identifier'] : undefined,
  )
  return keys.length > 0 && keys.every((ident) => isTree(ident) && given.has(textOf(ident['value'])))
}

/** Each name is known to what comes after it; to itself only with RECURSIVE, else the table of that name is meant. */
function declare(clause: Tree, walk: Walk): void {
  for (const item of listOf(clause['cte_tables'])) {
    const cte = isTree(item) ? item : {}
    const alias = isTree(cte['alias']) ? cte['alias']['name'] : undefined
    const strange = Object.keys(cte).find((field) => !CTE_FIELDS.has(field))
    if (strange !== undefined || !isTree(cte['query'])) walk.facts.unknown ??= strange ?? 'cte_tables'
    const before = walk.scope
    const after = { name: keyOf(alias), outer: before }
    walk.later(cte['query'], 'query', clause['recursive'] === true ? after : before)
    walk.facts.source(isTree(alias) ? String(alias['value']) : '', null)
    walk.scope = after
  }
}

const CTE_FIELDS: ReadonlySet<string> = new Set(['alias', 'query', 'from', 'materialized', 'closing_paren_token'])

function tableNamed(value: unknown, node: Tree, walk: Walk): void {
  const last = listOf(value).at(-1)
  const ident = isTree(last) ? last['Identifier'] : undefined
  // A table that a function names, as Snowflake's IDENTIFIER('…') does, is known to nobody.
  if (!listOf(value).every((part) => isTree(part) && isTree(part['Identifier']))) walk.facts.unknown ??= 'ObjectName'
  const alias = aliasOf(node)
  if (alias.ident !== undefined) walk.later(alias.ident, 'alias')
  if (alias.renames) walk.facts.star = true
  walk.facts.table(partsOf(value), keyOf(ident), alias.name, walk.scope)
}

function fromElsewhere(node: Tree, _: unknown, walk: Walk): void {
  aliased(node, walk, null)
  walk.rest(node, ['alias'])
}

/** A join, pivot or unpivot with a name of its own hides whose columns are meant. */
function renaming(node: Tree, _: unknown, walk: Walk): void {
  if (isTree(node['alias'])) walk.facts.star = true
  walk.rest(node, ['name'])
}

function starred(node: Tree, _: unknown, walk: Walk): void {
  walk.facts.star = true
  walk.rest(node)
}

function defining(node: Tree, _: unknown, walk: Walk): void {
  tableNamed(node['name'], {}, walk)
  walk.rest(node, ['name'])
}

function aliased(node: Tree, walk: Walk, table: string | null): void {
  const alias = aliasOf(node)
  if (alias.ident !== undefined) walk.later(alias.ident, 'alias')
  if (alias.name !== undefined) walk.facts.source(alias.name, table)
}

function aliasOf(node: Tree): { readonly ident?: Tree; readonly name: string | undefined; readonly renames: boolean } {
  const alias = isTree(node['alias']) ? node['alias'] : {}
  const ident = isTree(alias['name']) ? alias['name'] : alias
  const named = { name: textOf(ident['value']), renames: listOf(alias['columns']).length > 0 }
  return 'value' in ident ? { ...named, ident } : named
}

/** A bare name: a column, unless it is a name that the author gave. */
function name(node: Tree, field: string, walk: Walk, dialect: SqlDialect): true {
  const word = String(node['value'])
  const quoted = node['quote_style'] !== undefined && node['quote_style'] !== null
  if (dialect === 'mssql' && !quoted && TSQL_STATEMENTS.has(word.toLowerCase()))
    walk.facts.effects.add('reserved-alias')
  if (field === 'alias') return true
  if (word.startsWith('@@')) walk.facts.functions.push([word])
  else walk.facts.columns.push([word])
  return true
}

/** The words of a name; a part that is made by a function is told by `tableNamed`. */
function partsOf(value: unknown): string[] {
  return listOf(value).flatMap((part) => {
    const ident = isTree(part) && isTree(part['Identifier']) ? part['Identifier'] : undefined
    return ident === undefined ? [] : [String(ident['value'])]
  })
}

/** Tells a quoted name from an unquoted one. Where names keep their case, one in another case is a table and not this. */
function keyOf(ident: unknown): string {
  if (!isTree(ident)) return ''
  const value = String(ident['value'])
  return ident['quote_style'] ? `"${value}` : value
}
