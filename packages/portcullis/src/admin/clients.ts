/** `/clients`: the OAuth clients that the authorization server knows by name. */
import type { AdminView } from '../gateway/administration.ts'
import { ClientLifecycle } from '../identity/server/client-lifecycle.ts'
import { MetadataError } from '../identity/server/client-metadata.ts'
import type { OAuthClient } from '../identity/server/client-store.ts'
import { clientFamily, clientPrincipal } from '../identity/server/families.ts'
import { Fault } from '../core/fault.ts'
import { digestOf } from '../mcp/canonical.ts'
import { serverOf } from './authorization-server.ts'
import { type Fields, anyObject, flag, optional, refuseField, several, text, word } from './fields.ts'
import { conflict, familiesOf, requireRoles, unknownThing } from './known.ts'
import { byTime, PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

/** Without what turns a line around or cannot be seen, it looks like what it is. */
const VISIBLE = /^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+$/u

const NEW_CLIENT = {
  name: text('its name, as people are shown it: nothing that cannot be seen', { max: 100, pattern: VISIBLE }),
  redirects: optional(several(text('where people are sent back to', { max: 2_000 }), 20)),
  roles: optional(several(text('what it may be in its own name', { max: 64 }), 50)),
  device: optional(flag('it may use the device flow')),
  assertions: optional(flag('it may present identity assertions of people who sign in elsewhere')),
  proof: optional(word('how it proves itself', ['none', 'secret', 'keys'])),
  jwks: optional(anyObject('its public JSON Web Key Set, for `keys`')),
}

export const CLIENT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{
      method: 'GET',
      path: '/clients',
      name: 'listClients',
      summary: 'The OAuth clients of a tenant, oldest first.',
    },
    may: AUDITORS,
    query: PAGE_FIELDS,
    async run({ view, tenant, query }) {
      const all = await desk(view).list(tenant)
      const { items, next } = pageOf(all, (client) => byTime(client.createdAt, client.id), query)
      return { document: { clients: items.map(shown), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'GET', path: '/clients/{id}', name: 'readClient', summary: 'One OAuth client.' },
    may: AUDITORS,
    run: async (call) => answer(await find(call)),
  }),
  route({
    ...{ method: 'POST', path: '/clients', name: 'createClient' },
    summary: 'Makes a client. Its secret, if it has one, is shown this once.',
    may: ADMINISTRATORS,
    body: NEW_CLIENT,
    status: 201,
    run: createClient,
  }),
  route({
    ...{ method: 'POST', path: '/clients/{id}/rotate-secret', name: 'rotateClientSecret' },
    summary: 'Gives a client a new secret, which is shown this once; the old one ends.',
    may: ADMINISTRATORS,
    ifMatch: 'possible',
    run: rotateSecret,
  }),
  route({
    ...{ method: 'POST', path: '/clients/{id}/disable', name: 'disableClient' },
    summary: 'Ends a client and its tokens at once, until it is enabled again.',
    may: ADMINISTRATORS,
    urgent: true,
    ifMatch: 'possible',
    run: (call) => changed(call, 'client.disabled', true),
  }),
  route({
    ...{ method: 'POST', path: '/clients/{id}/enable', name: 'enableClient', summary: 'Lets a client in again.' },
    may: ADMINISTRATORS,
    ifMatch: 'possible',
    run: (call) => changed(call, 'client.enabled', false),
  }),
  route({
    ...{
      method: 'DELETE',
      path: '/clients/{id}',
      name: 'removeClient',
      summary: 'Ends a client and its tokens, for good.',
    },
    may: ADMINISTRATORS,
    urgent: true,
    ifMatch: 'possible',
    run: removeClient,
  }),
]

async function createClient({ view, tenant, body, change }: AdminCall<Fields, typeof NEW_CLIENT>) {
  const { name, redirects = [], roles = [], device = false, assertions = false, proof: kind = 'none', jwks } = body
  requireRoles(view, tenant, roles)
  if ((kind === 'keys') !== (jwks !== undefined)) throw conflict('`jwks` belongs to the proof `keys`, and that to it.')
  if (jwks !== undefined && !isPublic(jwks)) refuseField('jwks', 'a set of public keys (RFC 7517 §5)')
  const proof = kind === 'keys' ? { kind, jwks: jwks as object } : { kind }
  const made = await change((announce) =>
    desk(view).add({ tenant, name, redirects, roles, device, assertions, proof }, (client) =>
      announce({ what: 'client.created', id: client.id, after: core(client), detail: { roles } }),
    ),
  ).catch(explain)
  return answer(made.client, made.secret && { secret: made.secret.reveal() })
}

/** With a private key in it every auditor could read how to be this client (RFC 7518 §6). */
function isPublic({ keys }: Readonly<Record<string, unknown>>): boolean {
  const isOne = (key: unknown) =>
    typeof key === 'object' && key !== null && 'kty' in key && key.kty !== 'oct' && !('d' in key) && !('k' in key)
  return Array.isArray(keys) && keys.length > 0 && keys.every(isOne)
}

async function rotateSecret(call: AdminCall) {
  const { view, change, mustMatch } = call
  return change(async (announce) => {
    const client = await find(call)
    mustMatch(digestOf(core(client)))
    if (client.secretDigest === undefined) throw conflict('This client has no secret.')
    const facts = { what: 'client.secret-rotated', id: client.id, before: core(client) }
    const secret = await desk(view).rotateSecret(client, (next) => announce({ ...facts, after: core(next) }))
    return answer(await find(call), secret && { secret: secret.reveal() })
  })
}

async function changed(call: AdminCall, what: string, disabled: boolean) {
  const { view, tenant, change, mustMatch } = call
  return change(async (announce) => {
    const client = await find(call)
    mustMatch(digestOf(core(client)))
    const isNews = (client.disabledAt !== undefined) !== disabled
    if (disabled) refuseOwn(call, client)
    if (isNews) await announce({ what, id: client.id, before: core(client), after: { ...core(client), disabled } })
    if (disabled) await desk(view).disable(tenant, client.id)
    else if (isNews) await desk(view).enable(tenant, client.id)
    return answer(await find(call), { changed: isNews })
  })
}

async function removeClient(call: AdminCall) {
  const { view, tenant, change, mustMatch } = call
  return change(async (announce) => {
    const client = await find(call)
    mustMatch(digestOf(core(client)))
    refuseOwn(call, client)
    await announce({ what: 'client.removed', id: client.id, before: core(client) })
    // The client goes last: as long as it is there, a second try heals a first that failed in between.
    await desk(view).disable(tenant, client.id)
    await view.vault().removePrincipal(tenant, clientPrincipal(client.id))
    await desk(view).remove(tenant, client.id)
    return { document: { id: client.id, removed: true } }
  })
}

/** Nobody ends the client by which they are signed in. */
function refuseOwn({ asker }: Pick<AdminCall, 'asker'>, { id }: OAuthClient): void {
  if (familiesOf(asker).includes(clientFamily(id))) throw conflict('You are signed in by this client.')
}

async function find({ view, tenant, path }: Pick<AdminCall, 'view' | 'tenant' | 'path'>): Promise<OAuthClient> {
  const client = await desk(view).find(tenant, path['id'] ?? '')
  if (client === undefined) throw unknownThing('client', path['id'] ?? '')
  return client
}

function desk(view: AdminView): ClientLifecycle {
  const { accessTokenSeconds } = serverOf(view)
  const { stores, revocations, clock } = view
  return new ClientLifecycle({ clients: stores.clients, revocations, clock, accessTokenSeconds })
}

/** The sentence is for whoever wrote the metadata. */
function explain(thrown: unknown): never {
  if (thrown instanceof MetadataError)
    throw new Fault('message.invalid_params', { metadata: thrown.message }, { says: thrown.message })
  throw thrown
}

/** With a digest of the digest of its secret, so that a new secret is a new revision and neither is told. */
function core({ createdAt: _created, disabledAt, secretDigest, metadata, ...rest }: OAuthClient): object {
  const secret = secretDigest === undefined ? {} : { secret: digestOf(secretDigest) }
  return { ...rest, metadata: JSON.parse(metadata) as unknown, disabled: disabledAt !== undefined, ...secret }
}

function shown(client: OAuthClient): object {
  const { secretDigest, metadata, ...rest } = client
  const described = { metadata: JSON.parse(metadata) as unknown, hasSecret: secretDigest !== undefined }
  return { ...rest, ...described, revision: digestOf(core(client)) }
}

const answer = (client: OAuthClient, more: object = {}) => ({
  document: { ...shown(client), ...more },
  revision: digestOf(core(client)),
})
