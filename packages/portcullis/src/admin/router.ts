/** Decides what happens to a request to the administration: who may, where, with what, and only then what is done. */
import type { Answer } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Principal } from '../core/principal.ts'
import type { Administration, AdminView } from '../gateway/administration.ts'
import { type AdminRole, adminRolesOf, looksAfter, oversees } from '../gateway/administrators.ts'
import { parseStrict } from '../inspection/strict-json.ts'
import { StoreError } from '../stores/store-error.ts'
import { Changes } from './changes.ts'
import { type Fields, readFields, type Told } from './fields.ts'
import { isAdminPath, matcher } from './match.ts'
import { type AdminAnswer, type AdminCall, type AdminRoute, queryOf } from './route.ts'

type Request = Parameters<Administration['serve']>[0]

/** Of a route of the gateway, never with a tenant. */
type AdminQuery = Told<Fields> & { readonly tenant?: string }

const MAX_BODY_BYTES = 262_144
const JSON_LIMITS = { maxDepth: 16, maxMembers: 10_000 }

/** The administration of one gateway, by its table of routes. */
export function routed(routes: readonly AdminRoute[], view: AdminView): Administration {
  const match = matcher(routes)
  const changes = new Changes(view.ledger, view.stores.turns)
  const rolesOf = adminRolesOf(view.config)
  return {
    takes: isAdminPath,
    async serve(exchange) {
      const { head, principal, incident, cancellation, peer } = exchange
      const found = match(head.path)
      if (found === undefined) throw notThere(head.path)
      const route = found.routes.get(head.method)
      if (route === undefined) throw wrongMethod(head.method, [...found.routes.keys()])
      mayUse(route, rolesOf(principal), principal)
      if (route.reach === 'gateway') mustOversee(route, view, principal)
      const { tenant: asked = principal.tenant, ...query } = readQuery(queryOf(route), head.query) as AdminQuery
      if (route.reach === 'tenant') mustLookAfter(route, view, principal, asked)
      const body = await readBody(route, exchange)
      const ifMatch = revisionIn(route, exchange)
      const maker = { tenant: asked, asker: principal, incident, ...(cancellation && { ended: cancellation }) }
      const call: AdminCall = {
        ...{ view, asker: principal, address: peer.address, tenant: asked, path: found.path },
        query,
        body,
        mustMatch: (revision) => mustMatch(ifMatch, revision),
        change: (work, of = asked) => changes.make({ ...maker, tenant: of }, work, route.urgent),
      }
      return answerOf(route, await answered(route, call))
    },
  }
}

async function answered({ run }: AdminRoute, call: AdminCall): Promise<AdminAnswer> {
  try {
    return await run(call)
  } catch (thrown) {
    if (!(thrown instanceof StoreError)) throw thrown
    throw new Fault('administration.no_store', { reason: thrown.code }, { cause: thrown })
  }
}

const notThere = (path: string): Fault => new Fault('transport.not_found', { path, reason: 'no such route' })

const wrongMethod = (method: string, known: readonly string[]): Fault =>
  new Fault('transport.method_not_allowed', { method }, { headers: { allow: known.join(', ') } })

/** A credential for some upstreams only must not make one for all of them, so it administers nothing but looks at these. */
function mayUse(route: AdminRoute, roles: readonly AdminRole[], { id, upstreams }: Principal): void {
  if (!roles.some((role) => route.may.includes(role))) {
    const says = `This needs the role ${route.may.join(' or ')}.`
    throw new Fault('policy.denied', { principal: id, route: route.name, roles }, { says })
  }
  if (upstreams !== undefined && route.name !== 'listUpstreams')
    throw new Fault('policy.denied', { principal: id, route: route.name, reason: 'limited to upstreams' })
}

/** What there is for those who look after all looks like nothing. */
function mustOversee({ name }: AdminRoute, { config }: AdminView, asker: Principal): void {
  if (!oversees(config, asker)) throw new Fault('transport.not_found', { principal: asker.id, route: name })
}

/** What another tenant has looks like nothing. */
function mustLookAfter({ name }: AdminRoute, { config }: AdminView, asker: Principal, tenant: string): void {
  if (!looksAfter(config, asker, tenant))
    throw new Fault('transport.not_found', { principal: asker.id, route: name, tenant })
}

function readQuery<F extends Fields>(fields: F, query: string): Told<F> {
  const params = [...new URLSearchParams(query)]
  const given = Object.fromEntries(params)
  if (Object.keys(given).length < params.length)
    throw new Fault('message.invalid_params', { at: 'query' }, { says: 'The query must name each member once.' })
  return readFields(fields, given, 'The query')
}

/** Only JSON that says that it is JSON: a page of a stranger can send anything else without asking first. */
async function readBody({ method, body }: AdminRoute, { head, body: given }: Request): Promise<Told<Fields>> {
  if (method === 'GET' || method === 'DELETE') {
    const announced = head.headers['content-length']
    if ((announced !== undefined && announced !== '0') || head.headers['transfer-encoding'] !== undefined)
      throw new Fault('message.invalid_params', { at: 'body' }, { says: 'This request has no body.' })
    return {}
  }
  if (!isJson(head.headers['content-type'])) throw new Fault('transport.unsupported_media')
  const bytes = await given.read(MAX_BODY_BYTES)
  const value = bytes.length === 0 ? {} : parseStrict(bytes, JSON_LIMITS)
  return readFields(body ?? {}, value, 'The body')
}

const isJson = (type: unknown): boolean =>
  typeof type === 'string' && /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i.test(type.trim())

/** `If-Match` with one strong entity tag (RFC 9110 §13.1.1). */
function revisionIn({ ifMatch }: AdminRoute, { head }: Request): string | undefined {
  const given = head.headers['if-match']
  if (given === undefined) {
    if (ifMatch === 'needed') throw new Fault('administration.unconditional')
    return undefined
  }
  const revision = typeof given === 'string' ? /^"([0-9a-f]{64})"$/.exec(given)?.[1] : undefined
  if (ifMatch === 'never' || revision === undefined)
    throw new Fault(
      'message.invalid_params',
      { at: 'If-Match' },
      { says: 'If-Match is not a revision that was given here.' },
    )
  return revision
}

function mustMatch(named: string | undefined, revision: string): void {
  if (named !== undefined && named !== revision) throw new Fault('administration.changed', { named, revision })
}

const answerOf = ({ status }: AdminRoute, { document, revision }: { document: object; revision?: string }): Answer => ({
  status,
  ...(revision !== undefined && { headers: { etag: `"${revision}"` } }),
  document,
})
