import { readFile } from 'node:fs/promises'
import type * as libpgQuery from 'libpg-query'
import { Breakable, type Parse } from './breakable.ts'
import type { SqlDialect } from './sql-rules.ts'

/** PostgreSQL's own parser, in WebAssembly. */
export async function loadPostgresql(): Promise<Parse> {
  const parser = await (postgresql ??= Breakable.load(newPostgresql))
  return (text) =>
    parser.use(
      ({ parseSync }) => (parseSync(text).stmts ?? []).map(({ stmt }) => stmt),
      (thrown) => thrown instanceof Error && thrown.name === 'SqlError',
    )
}

/** Its bindings, of which the package hands out a module that cannot be loaded anew. */
interface Bindings {
  readonly initSync: (options: { readonly module: Uint8Array }) => unknown
  readonly parse_sql: (dialect: string, text: string) => readonly unknown[]
}

/** The parser of many dialects, in WebAssembly; returns one function for each. */
export async function loadDialects(): Promise<(dialect: SqlDialect) => Parse> {
  const parser = await (dialects ??= Breakable.load(newBindings))
  return (dialect) => (text) => parser.use(({ parse_sql }) => parse_sql(dialect, text), isParserError)
}

/** One for the process: a module that broke in one place is replaced in all. */
let postgresql: Promise<Breakable<typeof libpgQuery>> | undefined
let dialects: Promise<Breakable<Bindings>> | undefined

async function newPostgresql(generation: number): Promise<typeof libpgQuery> {
  const url = new URL(`index.js?generation=${generation}`, import.meta.resolve('libpg-query'))
  const parser = (await import(url.href)) as typeof libpgQuery
  await parser.loadModule()
  return parser
}

async function newBindings(generation: number): Promise<Bindings> {
  const home = new URL('../wasm/', import.meta.resolve('@guanmingchiu/sqlparser-ts'))
  const url = new URL(`sqlparser_rs_wasm.js?generation=${generation}`, home)
  const bindings = (await import(url.href)) as Bindings
  bindings.initSync({ module: await readFile(new URL('sqlparser_rs_wasm_bg.wasm', home)) })
  return bindings
}

/** A text that is no SQL is told by a plain object; what is an Error comes from WebAssembly or the engine: a broken module. */
const isParserError = (thrown: unknown): boolean => !(thrown instanceof Error)
