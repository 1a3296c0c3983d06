/** `/sessions`: MCP sessions of the 2025 revisions, and browsers that are signed in. */
import { createHash } from 'node:crypto'
import type { AdminView } from '../gateway/administration.ts'
import { accountPrincipal } from '../identity/server/families.ts'
import type { Session } from '../upstream/relay/session.ts'
import { optional, text, word } from './fields.ts'
import { unknownThing } from './known.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, OPERATORS, READERS, route } from './route.ts'

const FILTER = {
  ...PAGE_FIELDS,
  principal: optional(text('only of this principal', { max: 512 })),
  kind: optional(word('only of this kind', ['mcp', 'sign-in'])),
}

interface Shown {
  readonly id: string
  readonly kind: 'mcp' | 'sign-in'
  readonly tenant: string
  readonly principal: string
  readonly [further: string]: unknown
}

/** With how it is ended. */
interface Ending extends Shown {
  readonly end: () => Promise<void>
}

export const SESSION_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/sessions', name: 'listSessions' },
    summary: 'Sessions that are open: of MCP clients, and of browsers at the sign-in page.',
    may: READERS,
    query: FILTER,
    async run({ view, tenant, query }) {
      const { principal, kind, ...asked } = query
      const all = (await sessionsOf(view, tenant)).filter(
        (one) => (principal === undefined || one.principal === principal) && (kind === undefined || one.kind === kind),
      )
      const { items, next } = pageOf(all, ({ id }) => id, asked)
      return { document: { sessions: items.map(({ end: _end, ...shown }) => shown), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'DELETE', path: '/sessions/{id}', name: 'endSession' },
    summary: 'Ends a session at once, with its streams and calls.',
    may: OPERATORS,
    urgent: true,
    run: endSession,
  }),
]

async function endSession({ view, tenant, path, change }: AdminCall) {
  const { id = '' } = path
  return change(async (announce) => {
    const session = (await sessionsOf(view, tenant)).find((one) => one.id === id)
    if (session === undefined) throw unknownThing('session', id)
    const { kind, principal, end } = session
    await announce({
      what: 'session.ended',
      id,
      before: { id, kind, tenant, principal },
      detail: { of: kind, principal },
    })
    await end()
    return { document: { id, ended: true } }
  })
}

async function sessionsOf(view: AdminView, tenant: string): Promise<readonly Ending[]> {
  const own = view.live?.sessions.ofTenant(tenant) ?? []
  return [...own.map(mcpSession), ...(await signIns(view, tenant))]
}

function mcpSession(session: Session): Ending {
  const { principal, route: to, client, lastUsedAt, busy } = session
  return {
    ...{ id: publicId(session.id), kind: 'mcp', tenant: principal.tenant, principal: principal.id },
    upstream: to.kind === 'upstream' ? to.upstream : '*',
    ...{ client: client.info['name'], version: client.version, lastUsedAt, busy },
    end: () => Promise.resolve(session.end('revoked')),
  }
}

async function signIns({ stores, config }: AdminView, tenant: string): Promise<readonly Ending[]> {
  if (config.identity.server === undefined) return []
  const accounts = new Map((await stores.accounts.list(tenant)).map((account) => [account.id, account]))
  const entries = await stores.grants.ofAccounts([...accounts.keys()])
  return entries
    .filter(({ kind }) => kind === 'Session')
    .map(({ digest, account = '', expiresAt }) => ({
      ...{ id: `browser-${digest.slice(0, 22)}`, kind: 'sign-in', tenant, principal: accountPrincipal(account) },
      ...{ user: accounts.get(account)?.name, expiresAt },
      end: async () => void (await stores.grants.remove('Session', digest)),
    }))
}

/** A session's own id is what its client presents, so nobody else is shown it. */
const publicId = (id: string): string => `mcp-${createHash('sha256').update(id).digest('base64url').slice(0, 22)}`
