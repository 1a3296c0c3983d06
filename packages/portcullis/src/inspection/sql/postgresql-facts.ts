import { POSTGRESQL_FIELDS, POSTGRESQL_IGNORED, POSTGRESQL_NODES } from './postgresql-grammar.ts'
import type { StatementKind } from './sql-rules.ts'
import type { Limit, StatementFacts } from './statement-facts.ts'
import { isTree, listOf, textOf, type Tree, Walk } from './tree-walk.ts'

/**
 * Decides what one statement does that PostgreSQL's own parser has read. A node is an object with one member, named after its
 * kind; a part that can only be of one kind comes without that name.
 */
export function postgresqlFacts(statement: unknown): StatementFacts {
  const walk = new Walk({
    nodes: POSTGRESQL_NODES,
    fields: POSTGRESQL_FIELDS,
    ignored: POSTGRESQL_IGNORED,
    enter: (node, field, at) => enter(node, field, at),
  })
  const outermost = isTree(statement) ? statement['SelectStmt'] : undefined
  if (isTree(outermost)) walk.facts.limit = limitOf(outermost)
  walk.run(statement)
  for (const name of walk.facts.columns) if (isCall(name, walk)) walk.facts.attributes.push(name.slice(-1))
  return walk.facts.facts()
}

/** PostgreSQL takes `f.pg_read_file` for `pg_read_file(f)` where `f` is no row that has such a column. */
function isCall(name: readonly string[], { facts: { sources, values } }: Walk): boolean {
  const qualifier = name.at(-2)?.toLowerCase()
  return qualifier !== undefined && (!sources.has(qualifier) || values.has(qualifier) || values.has('*'))
}

/** Attributes of any row that are calls with the whole of it, where it has no such column. */
const OF_ROWS: ReadonlySet<string> = new Set(
  `any_value array_agg concat hash_record json_agg json_agg_strict json_build_array json_build_object jsonb_agg jsonb_agg_strict
  jsonb_build_array jsonb_build_object max min quote_literal quote_nullable record_out record_send row_to_json to_json to_jsonb`.split(
    /\s+/,
  ),
)

const KINDS: Readonly<Record<string, StatementKind>> = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
  ExplainStmt: 'explain',
  VariableShowStmt: 'show',
  CreateStmt: 'create',
  CreateTableAsStmt: 'create',
  ViewStmt: 'create',
  IndexStmt: 'create',
  AlterTableStmt: 'alter',
  RenameStmt: 'alter',
  DropStmt: 'drop',
  TruncateStmt: 'truncate',
}

/** What is dropped or renamed must be judged as a table is. */
const OBJECTS: ReadonlySet<unknown> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_INDEX',
  'OBJECT_COLUMN',
])

/** Owners, triggers, row security, inheritance and table spaces are not for callers. */
const ALTERATIONS: ReadonlySet<unknown> = new Set([
  'AT_AddColumn',
  'AT_DropColumn',
  'AT_ColumnDefault',
  'AT_AlterColumnType',
  'AT_SetNotNull',
  'AT_DropNotNull',
  'AT_AddConstraint',
  'AT_DropConstraint',
])

function enter(node: Tree, field: string, walk: Walk): boolean {
  const [tag = ''] = Object.keys(node)
  const body = node[tag]
  if (/^[A-Z]/.test(tag) && isTree(body)) {
    if (!POSTGRESQL_NODES.has(tag)) return unknown(walk, tag)
    if (tag.endsWith('Stmt')) walk.facts.kinds.push(KINDS[tag])
    return typed(tag, body, walk)
  }
  if (typeof node['relname'] === 'string') return table(node, walk)
  if (field === 'alias') return true
  if (field === 'intoClause') walk.facts.effects.add('into')
  return plain(node, walk)
}

function typed(tag: string, node: Tree, walk: Walk): boolean {
  const special = SPECIAL[tag]
  if (special !== undefined) special(node, walk)
  else plain(node, walk)
  return true
}

/** Names of WITH are known to what stands beside it, and each to those after it; to itself only with RECURSIVE. */
function plain(node: Tree, walk: Walk): true {
  const clause = node['withClause']
  if (isTree(clause)) {
    for (const item of listOf(clause['ctes'])) {
      const cte = isTree(item) && isTree(item['CommonTableExpr']) ? item['CommonTableExpr'] : {}
      const name = textOf(cte['ctename']) ?? ''
      const before = walk.scope
      const after = { name, outer: before }
      walk.later(cte['ctequery'], 'ctequery', clause['recursive'] === true ? after : before)
      const strange = Object.keys(cte).find((field) => !CTE_FIELDS.has(field))
      if (strange !== undefined || cte['ctequery'] === undefined) unknown(walk, strange ?? 'ctes')
      walk.facts.source(name, null)
      walk.scope = after
    }
  }
  if (node['op'] !== undefined && Array.isArray(node['sortClause'])) sortedBy(node, walk)
  else walk.rest(node, ['withClause'])
  return true
}

/** Without SEARCH and CYCLE. */
const CTE_FIELDS: ReadonlySet<string> = new Set(['ctename', 'aliascolnames', 'ctematerialized', 'ctequery', 'location'])

/** A bare name in ORDER BY that the same SELECT gave to an expression is that expression, which is judged already. */
function sortedBy(node: Tree, walk: Walk): void {
  const given = new Set(listOf(node['targetList']).map((item) => part(item, 'ResTarget')['name']))
  for (const item of listOf(node['sortClause'])) {
    const [name, ...more] = names(part(part(item, 'SortBy')['node'], 'ColumnRef')['fields'])
    if (name === undefined || more.length > 0 || !given.has(name)) walk.later(item, 'sortClause')
  }
  walk.rest(node, ['withClause', 'sortClause'])
}

const SPECIAL: Readonly<Record<string, (node: Tree, walk: Walk) => void>> = {
  RangeVar: table,
  ColumnRef: (node, walk) => {
    const parts = names(node['fields'])
    if (parts.length < listOf(node['fields']).length) walk.facts.star = true
    else if (parts.length > 1 && OF_ROWS.has(parts.at(-1) as string)) walk.facts.star = true
    else walk.facts.columns.push(parts)
  },
  A_Star: (_, walk) => {
    walk.facts.star = true
  },
  A_Indirection: (node, walk) => {
    // `(row).secret` reads a column as `row.secret` does, and `(value).f` calls f.
    for (const name of names(node['indirection'])) {
      walk.facts.columns.push([name])
      walk.facts.attributes.push([name])
      if (OF_ROWS.has(name)) walk.facts.star = true
    }
    walk.rest(node)
  },
  FuncCall: (node, walk) => {
    walk.facts.functions.push(names(node['funcname']))
    walk.rest(node, ['funcname'])
  },
  RangeTableSample: (node, walk) => {
    walk.facts.functions.push(names(node['method']))
    walk.rest(node, ['method'])
  },
  A_Expr: (node, walk) => {
    const [first, ...more] = names(node['name'])
    if (more.length > 0 && first !== 'pg_catalog') walk.facts.effects.add('operator')
    walk.rest(node, ['name'])
  },
  JoinExpr: (node, walk) => {
    for (const name of names(node['usingClause'])) walk.facts.columns.push([name])
    // NATURAL compares every column that has a twin.
    if (node['isNatural'] === true) walk.facts.star = true
    // A join with a name of its own hides whose columns are meant.
    if (node['alias'] !== undefined || node['join_using_alias'] !== undefined) walk.facts.star = true
    walk.rest(node, ['usingClause', 'alias', 'join_using_alias'])
  },
  RangeSubselect: derived,
  RangeFunction: (node, walk) => {
    // Without an alias it is called like its function.
    const [called] = listOf(part(listOf(node['functions'])[0], 'List')['items'])
    const known = textOf(part(node, 'alias')['aliasname']) ?? names(part(called, 'FuncCall')['funcname']).at(-1)
    walk.facts.values.add(known?.toLowerCase() ?? '*')
    derived(node, walk)
  },
  RangeTableFunc: derived,
  JsonTable: derived,
  LockingClause: (_, walk) => {
    walk.facts.effects.add('lock')
  },
  InsertStmt: (node, walk) => assigns(node, 'cols', walk),
  UpdateStmt: (node, walk) => assigns(node, 'targetList', walk),
  OnConflictClause: (node, walk) => assigns(node, 'targetList', walk),
  MergeWhenClause: (node, walk) => assigns(node, 'targetList', walk),
  ColumnDef: (node, walk) => {
    walk.facts.columns.push([textOf(node['colname']) ?? ''])
    walk.rest(node)
  },
  IndexElem: (node, walk) => {
    if (typeof node['name'] === 'string') walk.facts.columns.push([node['name']])
    walk.rest(node)
  },
  Constraint: (node, walk) => {
    for (const list of ['keys', 'fk_attrs', 'pk_attrs'])
      for (const name of names(node[list])) walk.facts.columns.push([name])
    walk.rest(node)
  },
  AlterTableCmd: (node, walk) => {
    if (!ALTERATIONS.has(node['subtype'])) unknown(walk, String(node['subtype']))
    if (typeof node['name'] === 'string') walk.facts.columns.push([node['name']])
    walk.rest(node)
  },
  RenameStmt: (node, walk) => {
    if (!OBJECTS.has(node['renameType'])) unknown(walk, String(node['renameType']))
    const renamed = [textOf(node['newname']) ?? '']
    if (node['renameType'] === 'OBJECT_COLUMN') walk.facts.columns.push(renamed, [textOf(node['subname']) ?? ''])
    else walk.facts.tables.push(renamed)
    walk.rest(node)
  },
  DropStmt: (node, walk) => {
    if (!OBJECTS.has(node['removeType'])) unknown(walk, String(node['removeType']))
    for (const item of listOf(node['objects'])) walk.facts.tables.push(names(part(item, 'List')['items']))
  },
  ExplainStmt: (node, walk) => walk.later(node['query'], 'query'),
  VariableShowStmt: () => {},
  SQLValueFunction: () => {},
  CurrentOfExpr: () => {},
  DefElem: () => {},
  String: () => {},
  A_Const: () => {},
}

function table(node: Tree, walk: Walk): true {
  const parts = ['catalogname', 'schemaname', 'relname']
    .map((name) => textOf(node[name]))
    .filter((name) => name !== undefined)
  const alias = isTree(node['alias']) ? node['alias'] : undefined
  // `users AS u(a, b)` gives the columns new names, behind which no rule would know them.
  if (alias?.['colnames'] !== undefined) walk.facts.star = true
  walk.facts.table(parts, parts.at(-1) ?? '', textOf(alias?.['aliasname']), walk.scope)
  return true
}

function derived(node: Tree, walk: Walk): void {
  const alias = isTree(node['alias']) ? textOf(node['alias']['aliasname']) : undefined
  if (alias !== undefined) walk.facts.source(alias, null)
  walk.rest(node, ['alias'])
}

function assigns(node: Tree, list: string, walk: Walk): void {
  for (const item of listOf(node[list])) {
    const name = textOf(part(item, 'ResTarget')['name'])
    if (name !== undefined) walk.facts.columns.push([name])
  }
  plain(node, walk)
}

function limitOf(node: Tree): Limit {
  const count = node['limitCount']
  if (count === undefined) return 'none'
  const constant = part(count, 'A_Const')
  if (constant['isnull'] === true) return 'none'
  if (node['limitOption'] !== 'LIMIT_OPTION_COUNT' || !isTree(constant['ival'])) return 'unclear'
  // Zero is left out of the tree.
  const rows = constant['ival']['ival'] ?? 0
  return typeof rows === 'number' ? rows : 'unclear'
}

const part = (value: unknown, tag: string): Tree => (isTree(value) && isTree(value[tag]) ? value[tag] : {})

/** The strings of a list of names. */
function names(value: unknown): string[] {
  return listOf(value).flatMap((item) => textOf(part(item, 'String')['sval']) ?? [])
}

function unknown(walk: Walk, what: string): true {
  walk.facts.unknown ??= what
  return true
}
