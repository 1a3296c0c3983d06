/** `portcullis session|grant|tenant|role|revoke|upstream`: what is short enough to be done in one place. */
import { at, type AdminReply, type AdminRequest } from './admin-call.ts'
import { parseDuration } from './durations.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface GovernOptions extends AdminOptions {
  readonly principal?: string
  readonly client?: string
  readonly reason?: string
}

type Row = AdminReply['document']

export function sessionList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/sessions', 'sessions', options, terminal, {
    heads: ['ID', 'KIND', 'PRINCIPAL', 'LAST USED'],
    row: ({ id, kind, principal, lastUsedAt, user }) => [
      ...[String(id), String(kind), printable(String(user ?? principal))],
      lastUsedAt === undefined ? '-' : minute(Number(lastUsedAt)),
    ],
  })
}

export function sessionEnd(id: string, options: GovernOptions, terminal: Terminal): Promise<void> {
  return done({ method: 'DELETE', path: at`/sessions/${id}` }, `Session ${id} is ended.`, options, terminal)
}

export function grantList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/grants', 'grants', options, terminal, {
    heads: ['ID', 'PRINCIPAL', 'CLIENT', 'UNTIL'],
    row: ({ id, principal, client, expiresAt }) => [
      ...[String(id), printable(String(principal)), printable(String(client))],
      minute(Number(expiresAt)),
    ],
  })
}

export function grantRevoke(id: string, options: GovernOptions, terminal: Terminal): Promise<void> {
  const says = `Grant ${id} is revoked; its tokens have ended.`
  return done({ method: 'DELETE', path: at`/grants/${id}` }, says, options, terminal)
}

export function tenantList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/tenants', 'tenants', options, terminal, {
    heads: ['NAME', 'STATE', 'UPSTREAMS'],
    row: ({ name, suspended, upstreams }) => [
      ...[printable(String(name)), suspended === true ? 'suspended' : 'active'],
      (upstreams as readonly string[]).join(',') || '-',
    ],
  })
}

export function tenantSuspend(name: string, options: GovernOptions, terminal: Terminal): Promise<void> {
  const { reason } = options
  const request: AdminRequest = { method: 'POST', path: at`/tenants/${name}/suspend`, body: { reason } }
  return done(request, `Tenant ${printable(name)} is suspended.`, options, terminal)
}

export function tenantResume(name: string, options: GovernOptions, terminal: Terminal): Promise<void> {
  const request: AdminRequest = { method: 'POST', path: at`/tenants/${name}/resume`, body: {} }
  return done(request, `Tenant ${printable(name)} is let in again.`, options, terminal)
}

export function roleList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/roles', 'roles', options, terminal, {
    heads: ['NAME', 'ADMINISTERS AS', 'KEYS', 'USERS', 'CLIENTS', 'POLICIES'],
    row: ({ name, administers, holders, policies }) => [
      ...[String(name), (administers as readonly string[]).join(',') || '-'],
      ...['keys', 'users', 'clients'].map((kind) => String((holders as Record<string, number>)[kind])),
      (policies as readonly { readonly id: string }[]).map(({ id }) => printable(id)).join(',') || '-',
    ],
  })
}

export function policyList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/policies', 'policies', options, terminal, {
    heads: ['ID', 'EFFECT', 'PLACE', 'ONLY IN'],
    row: ({ id, effect, file, line, tenant }) => [
      ...[printable(String(id)), String(effect), printable(`${String(file)}:${String(line)}`)],
      tenant === undefined ? '-' : String(tenant),
    ],
  })
}

export function revoke(
  kind: string,
  id: string,
  options: GovernOptions & { readonly for: string },
  terminal: Terminal,
): Promise<void> {
  const body = { kind, id, reason: options.reason, forSeconds: parseDuration(options.for) }
  return done(
    { method: 'POST', path: '/revocations', body },
    `The ${kind} ${printable(id)} is revoked.`,
    options,
    terminal,
  )
}

export function revocationList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/revocations', 'revocations', options, terminal, {
    heads: ['KIND', 'ID', 'SINCE', 'REASON'],
    row: ({ kind, id, from, reason }) => [
      ...[String(kind), printable(String(id)), minute(Number(from))],
      printable(String(reason)),
    ],
  })
}

export function upstreamList(options: GovernOptions, terminal: Terminal): Promise<void> {
  return listed('/upstreams', 'upstreams', options, terminal, {
    heads: ['NAME', 'ERA', 'TOOLS', 'PROCESSES'],
    row: ({ name, era, tools, processes }) => [
      ...[String(name), String(era ?? '-'), String(tools)],
      String((processes as readonly object[]).length),
    ],
  })
}

export function upstreamRestart(
  name: string,
  options: GovernOptions & { readonly everybody?: boolean },
  terminal: Terminal,
): Promise<void> {
  const { everybody } = options
  const request: AdminRequest = { method: 'POST', path: at`/upstreams/${name}/restart`, body: { everybody } }
  return done(request, `Upstream ${printable(name)} starts anew with the next call.`, options, terminal)
}

interface Form {
  readonly heads: readonly string[]
  readonly row: (item: Row) => readonly string[]
}

async function listed(path: string, member: string, options: GovernOptions, terminal: Terminal, form: Form) {
  const { principal, client } = options
  const query = { principal, client }
  const items = await withAdmin(options, terminal, ({ all }) => all({ method: 'GET', path, query }, member))
  showList(items, options, terminal, { ...form, none: `There are no ${member}.` })
}

async function done(request: AdminRequest, says: string, options: GovernOptions, terminal: Terminal): Promise<void> {
  const document = await withAdmin(options, terminal, ({ ask }) => ask(request))
  if (options.json === true) terminal.out(JSON.stringify(document))
  terminal.err(says)
}
