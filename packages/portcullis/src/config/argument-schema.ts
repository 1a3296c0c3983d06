/** What one argument means, and the rules that its value has to obey. */
import { z } from 'zod'
import { ROLES, SHELL_FEATURES, SQL_DIALECTS, STATEMENT_KINDS } from '../core/inspection-words.ts'
import { count, text } from './fields.ts'

const patterns = z.array(text).max(1000)

const sql = z.strictObject({
  dialect: z.enum(SQL_DIALECTS).default('generic').describe('The database whose language it is.'),
  statements: z
    .array(z.enum(STATEMENT_KINDS))
    .min(1)
    .default(['select'])
    .describe('Kinds that may occur anywhere in the one statement.'),
  readOnly: z
    .boolean()
    .default(true)
    .describe(
      'Refuses what writes, locks or sets anything, whatever `statements` says. Weakness: with `false` callers can change the database.',
    ),
  tables: patterns
    .optional()
    .describe('Tables, as `schema.table` or `table`; `*` for any characters. Default: all but the system’s.'),
  defaultSchema: text.optional().describe('Schema of a table that is named without one.'),
  columns: z
    .strictObject({
      allow: patterns.optional().describe('The only columns, as `table.column` or `column`.'),
      deny: patterns.optional().describe('Columns that may not be named.'),
    })
    .optional()
    .describe('Columns that may be read and written.'),
  star: z.enum(['allowed', 'refused']).default('allowed').describe('`SELECT *` and whole rows.'),
  functions: z
    .strictObject({
      allow: patterns
        .optional()
        .describe(
          'The only functions. Default: those that are known to compute and do nothing else, where `readOnly` holds, else any. Weakness: a name without `*` also lifts a built-in refusal, and `*` lets any other function be called.',
        ),
      deny: patterns.optional().describe('Functions that are refused beside those that always are.'),
    })
    .optional()
    .describe('Functions that may be called.'),
  maxLimit: count(1, 10_000_000)
    .optional()
    .describe('Rows: the outermost query must have a constant limit of at most so many.'),
  maxBytes: count(1, 65_536).default(16_384).describe('Length of the statement in bytes.'),
})

const folder = z
  .string()
  .regex(/^\/[^\0\r\n]*$/)
  .meta({ title: 'an absolute folder as the tool sees it' })

const shell = z.strictObject({
  programs: z
    .record(
      text,
      z.strictObject({
        allowedFlags: patterns.optional().describe('The only flags: `-l`, `--all`, and `--max=` for one with a value.'),
        deniedFlags: patterns.optional().describe('Flags that are refused.'),
        operands: z.enum(['any', 'paths', 'none']).optional().describe('What words beside flags may be. Default: any.'),
        runsOthers: z
          .literal('allowed')
          .optional()
          .describe('Weakness. The program may run other programs, which nobody looks at.'),
      }),
    )
    .default({})
    .describe('The programs that may be run, by the word that stands in the command.'),
  allow: z
    .array(z.enum(SHELL_FEATURES))
    .optional()
    .describe('Parts of the shell’s language beyond one program with fixed arguments. Weakness: whatever is named.'),
  variant: z.enum(['bash', 'posix', 'mksh']).optional().describe('Grammar of the tool’s shell. Default: bash.'),
  roots: z.array(folder).max(100).optional().describe('Every word that looks like a path must lie under one of these.'),
  directory: folder.optional().describe('Folder in which the shell starts. Default: the first of `roots`.'),
  maxLength: count(1, 4096).optional().describe('Characters of the command line. Default: 2048.'),
})

const path = z.strictObject({
  style: z.enum(['posix', 'win32']).optional().describe('Whose paths they are. Default: posix.'),
  form: z
    .enum(['relative', 'absolute', 'either'])
    .optional()
    .describe(
      'Default: either when there are `roots`, else relative. Weakness: anything but `relative` without `roots`.',
    ),
  roots: z
    .array(text)
    .max(100)
    .optional()
    .describe('Absolute folders as the tool sees them; the path has to lead into one of them.'),
  base: text.optional().describe('Folder from which relative paths start. Default: the first of `roots`.'),
  extensions: z
    .array(
      z
        .string()
        .regex(/^\.[^\0\r\n/\\.]+$/)
        .meta({ title: 'an extension with its dot, such as .txt' }),
    )
    .max(1000)
    .optional()
    .describe('The only extensions, in lower case.'),
  parents: z
    .enum(['refused', 'within-roots'])
    .optional()
    .describe('Weakness: with `within-roots` a path may contain `..` as long as it leads into a root.'),
  maxLength: count(1, 65_536).optional().describe('Characters. Default: 4096.'),
})

const hosts = {
  hosts: z
    .array(
      z
        .string()
        .regex(/^(?:\*\.)?[^\s*]+$/)
        .meta({ title: 'a host, or *.example.com for every name below' }),
    )
    .max(1000)
    .optional()
    .describe('The only hosts. Default: any public one.'),
  insideHosts: z
    .enum(['refused', 'allowed'])
    .optional()
    .describe('Weakness: with `allowed` hosts and addresses of this house may be named.'),
  addresses: z
    .enum(['public', 'refused'])
    .optional()
    .describe('Whether an address may stand for a name. Default: public.'),
}

const url = z.strictObject({
  ...hosts,
  schemes: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9+.-]*$/)
        .meta({ title: 'a scheme in lower case' }),
    )
    .max(20)
    .optional()
    .describe('The only schemes. Default: https.'),
  ports: z.array(count(1, 65_535)).max(100).optional().describe('Ports beside the usual one of the scheme.'),
  credentials: z
    .enum(['refused', 'allowed'])
    .optional()
    .describe('Weakness: with `allowed` a URL may carry user and password.'),
  maxLength: count(1, 65_536).optional().describe('Characters. Default: 2048.'),
})

const host = z.strictObject({
  ...hosts,
  port: z.enum(['refused', 'allowed']).optional().describe('Whether a port may follow. Default: refused.'),
})

export const argument = z
  .strictObject({
    role: z
      .enum(ROLES)
      .optional()
      .describe('What the argument means. Default: what its rules say, else what is proposed.'),
    sql: sql.optional().describe('Rules of an argument that is SQL.'),
    shell: shell.optional().describe('Rules of an argument that is a command line.'),
    path: path.optional().describe('Rules of an argument that is a path.'),
    url: url.optional().describe('Rules of an argument that is a URL.'),
    host: host.optional().describe('Rules of an argument that is a host.'),
  })
  .refine(hasRulesOfItsRole, { error: 'may have the rules of one role only, and only those of its own role' })

/** Rules of another role would be kept and never asked. */
function hasRulesOfItsRole({ role, ...rules }: Readonly<Record<string, unknown>>): boolean {
  const ruled = Object.keys(rules).filter((name) => rules[name] !== undefined)
  return ruled.length === 0 || (ruled.length === 1 && (role === undefined || role === ruled[0]))
}
