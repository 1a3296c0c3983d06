/** `store`: where keys, accounts, revocations and what else the nodes must agree on is kept. */
import { z } from 'zod'
import { count, isMap, path, secretSource, text } from './fields.ts'
import { isLoopback } from './loopback.ts'

const POSTGRES_ONLY = ['url', 'socket', 'username', 'password', 'ca', 'plaintext'] as const

const fields = z.strictObject({
  kind: z
    .enum(['sqlite', 'memory', 'postgres'])
    .default('sqlite')
    .describe(
      '`sqlite`: a file in the state folder. `postgres`: for several gateways. Weakness: `memory` forgets keys and revocations when the gateway stops.',
    ),
  url: z
    .string()
    .regex(/^postgresql:\/\/(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?\/[A-Za-z_][\w-]{0,62}$/)
    .meta({ title: 'a URL such as postgresql://db.example.com:5432/portcullis, without user and password' })
    .optional()
    .describe('PostgreSQL 14 or later, and the database. For `postgres`.'),
  socket: path
    .optional()
    .describe('Folder of the unix socket of a PostgreSQL on this machine, in place of the host of `url`; without TLS.'),
  username: text
    .optional()
    .describe('Role of the gateways. It must not own the tables, nor be held less by row-level security than others.'),
  password: secretSource.optional().describe('Password of that role. Default: the server asks for none.'),
  ca: path.optional().describe('Authorities to trust instead of the usual ones, PEM. TLS 1.3 only.'),
  plaintext: z
    .literal('loopback-only')
    .optional()
    .describe('Weakness. Allows PostgreSQL without TLS, which is possible at a loopback address only.'),
  connections: count(1, 500)
    .default(10)
    .describe('Connections to PostgreSQL for the work of calls; three more are for news.'),
  timeoutMs: count(100, 60_000)
    .default(5_000)
    .describe('How long a connection to PostgreSQL, and each answer, may take, in milliseconds.'),
})

type Given = z.output<typeof fields>

export const store = fields
  .refine(({ kind, url, username }) => kind !== 'postgres' || (url !== undefined && username !== undefined), {
    path: ['url'],
    message: 'a store of the kind postgres needs url and username',
    when: isMap,
  })
  .refine((value) => value.kind === 'postgres' || POSTGRES_ONLY.every((key) => value[key] === undefined), {
    path: ['kind'],
    message: `${POSTGRES_ONLY.join(', ')} are for a store of the kind postgres`,
    when: isMap,
  })
  .refine(({ plaintext, url }) => plaintext === undefined || isLoopback(hostOf(url)), {
    path: ['plaintext'],
    message: 'PostgreSQL without TLS is possible at a loopback address only',
    when: isMap,
  })
  .refine(({ plaintext, ca, socket }) => [plaintext, ca, socket].filter((one) => one !== undefined).length < 2, {
    path: ['socket'],
    message: 'needs at most one of socket, ca and plaintext: only one of them says how PostgreSQL is reached',
    when: isMap,
  })

function hostOf(url: Given['url']): string {
  return url !== undefined && URL.canParse(url) ? new URL(url).hostname : ''
}
