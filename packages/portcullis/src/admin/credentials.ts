/** `/credentials`: what a tenant and its principals have in the vault. A value goes in and never comes out. */
import { Fault } from '../core/fault.ts'
import { Secret } from '../core/secret.ts'
import type { Config } from '../config/schema.ts'
import type { VaultName } from '../data-protection/vault/credential-store.ts'
import type { Listed } from '../data-protection/vault/vault.ts'
import { type Fields, optional, text, word } from './fields.ts'
import { conflict, requireUpstreams, unknownThing } from './known.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminAnswer, type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const OF = { principal: optional(text('of this principal only; of the tenant when absent', { max: 512 })) }
const DEPOSIT = {
  ...OF,
  value: text('the secret: visible ASCII and spaces', { max: 65_536, pattern: /^[\x20-\x7e]+$/ }),
}
const FILTER = { ...PAGE_FIELDS, ...OF }
const KINDS = ['static', 'oauth', 'client'] as const

export const CREDENTIAL_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/credentials', name: 'listCredentials' },
    summary: 'Names and times of what is in the vault, never a value.',
    may: AUDITORS,
    query: FILTER,
    async run({ view, tenant, query }) {
      const { principal, ...asked } = query
      const all = await view.vault().list(tenant)
      const chosen = all.filter((one) => principal === undefined || one.principal === principal)
      const { items, next } = pageOf(chosen, keyOf, asked)
      return { document: { credentials: items.map(shown), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'PUT', path: '/credentials/{upstream}', name: 'depositCredential' },
    summary: 'Puts a secret for an upstream into the vault, in the place of whatever was there.',
    may: ADMINISTRATORS,
    body: DEPOSIT,
    run: deposit,
  }),
  route({
    ...{ method: 'DELETE', path: '/credentials/{upstream}/{kind}', name: 'removeCredential' },
    summary: 'Removes a secret or a grant from the vault at once.',
    may: ADMINISTRATORS,
    urgent: true,
    query: OF,
    run: remove,
  }),
]

async function deposit(call: AdminCall<Fields, typeof DEPOSIT>): Promise<AdminAnswer> {
  const { view, tenant, path, body, change } = call
  const { upstream = '' } = path
  const { principal, value } = body
  requireUpstreams(view, tenant, [upstream])
  const name = { tenant, upstream, ...(principal !== undefined && { principal }), kind: 'static' } as const
  requireFitting(view.config, name)
  return change(async (announce) => {
    const before = (await view.vault().list(tenant)).find((one) => isNamed(one, name))
    const facts = {
      what: 'credential.deposited',
      id: idOf(name),
      after: name,
      ...(before && { before: shown(before) }),
    }
    await announce({ ...facts, detail: { ...name } })
    await view.vault().put(name, new Secret(value))
    return { document: { ...name, deposited: true } }
  })
}

async function remove(call: AdminCall<typeof OF>): Promise<AdminAnswer> {
  const { view, tenant, path, query, change } = call
  const kind = word('kind', KINDS).read(path['kind'], 'kind')
  const { principal } = query
  const name = { tenant, upstream: path['upstream'] ?? '', ...(principal !== undefined && { principal }), kind }
  return change(async (announce) => {
    const before = (await view.vault().list(tenant)).find((one) => isNamed(one, name))
    if (before === undefined) throw unknownThing('credential', idOf(name))
    await announce({ what: 'credential.removed', id: idOf(name), before: shown(before), detail: { ...name } })
    await view.vault().remove(name)
    return { document: { ...name, removed: true } }
  })
}

/** A secret that nothing would ever send is a mistake. */
function requireFitting({ upstreams }: Config, { upstream, principal }: VaultName): void {
  const of = upstreams[upstream]?.http?.vault?.of
  if (of === undefined) throw conflict('This upstream takes no secret from the vault (http.vault).', { upstream })
  if (of === 'tenant' && principal !== undefined)
    throw new Fault(
      'administration.conflict',
      { upstream },
      { says: 'This upstream takes one secret for each tenant.' },
    )
}

const isNamed = (one: Listed, { upstream, principal, kind }: VaultName): boolean =>
  one.upstream === upstream && one.principal === principal && one.kind === kind

const idOf = ({ upstream, principal = '*', kind }: VaultName): string => `${upstream}/${kind}/${principal}`
const keyOf = (one: Listed): string => `${one.upstream} ${one.principal ?? ''} ${one.kind}`

const shown = ({ tenant, upstream, principal, kind, updatedAt }: Listed) => ({
  ...{ tenant, upstream, kind, updatedAt },
  ...(principal !== undefined && { principal }),
})
