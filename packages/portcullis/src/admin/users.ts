/** `/users`: the people who sign in at the authorization server. */
import type { AdminView } from '../gateway/administration.ts'
import type { Account, NewAccount } from '../identity/server/account-store.ts'
import { accountName } from '../identity/server/account-name.ts'
import { accountPrincipal } from '../identity/server/families.ts'
import { MOUNT_PATH } from '../identity/server/settings.ts'
import { digestOf } from '../mcp/canonical.ts'
import { accountsOf, findAccount } from './authorization-server.ts'
import type { Announce } from './changes.ts'
import { type Fields, several, text } from './fields.ts'
import { conflict, requireRoles } from './known.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminAnswer, type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const ROLES = { roles: several(text('a role of the tenant', { max: 64 }), 50, 1) }
const NEW_USER = { name: text('the name to sign in by', { max: 256 }), ...ROLES }

export const USER_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/users', name: 'listUsers', summary: 'The accounts of a tenant, by name.' },
    may: AUDITORS,
    query: PAGE_FIELDS,
    async run({ view, tenant, query }) {
      const { items, next } = pageOf(await accountsOf(view).list(tenant), ({ name }) => name, query)
      return { document: { users: items.map(shown), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'GET', path: '/users/{name}', name: 'readUser', summary: 'One account.' },
    may: AUDITORS,
    run: async (call) => answer(await findAccount(call)),
  }),
  route({
    ...{ method: 'POST', path: '/users', name: 'inviteUser' },
    summary: 'Makes an account. Its link, which sets the password once, is shown this once.',
    may: ADMINISTRATORS,
    body: NEW_USER,
    status: 201,
    run: inviteUser,
  }),
  route({
    ...{ method: 'POST', path: '/users/{name}/invitation', name: 'inviteUserAgain' },
    summary: 'A link that sets a new password, once; it is shown this once.',
    may: ADMINISTRATORS,
    run: (call) =>
      altering(call, 'user.invited', {}, async (account) => ({
        link: call.view.publicUrl + MOUNT_PATH + (await accountsOf(call.view).invite(account)),
      })),
  }),
  route({
    ...{ method: 'PUT', path: '/users/{name}/roles', name: 'setUserRoles' },
    summary: 'Gives an account other roles. What it could do before ends at once.',
    may: ADMINISTRATORS,
    body: ROLES,
    ifMatch: 'needed',
    run: setRoles,
  }),
  route({
    ...{ method: 'POST', path: '/users/{name}/disable', name: 'disableUser' },
    summary: 'Ends what an account may do, at once, until it is enabled again.',
    may: ADMINISTRATORS,
    urgent: true,
    ifMatch: 'possible',
    run: (call) => switched(call, 'user.disabled', true),
  }),
  route({
    ...{ method: 'POST', path: '/users/{name}/enable', name: 'enableUser', summary: 'Lets an account sign in again.' },
    may: ADMINISTRATORS,
    ifMatch: 'possible',
    run: (call) => switched(call, 'user.enabled', false),
  }),
  route({
    ...{ method: 'POST', path: '/users/{name}/totp', name: 'enrolUserTotp' },
    summary: 'Demands a one-time code of an account. What an authenticator needs is shown this once.',
    may: ADMINISTRATORS,
    run: (call) =>
      altering(call, 'user.totp-enrolled', { oneTimeCode: true }, (account) => enrolTotp(call.view, account)),
  }),
  route({
    ...{ method: 'DELETE', path: '/users/{name}/totp', name: 'resetUserTotp' },
    summary: 'Takes the second factor of an account away, as when it is lost.',
    may: ADMINISTRATORS,
    ifMatch: 'possible',
    run: (call) =>
      altering(call, 'user.totp-reset', { oneTimeCode: false }, (account) => accountsOf(call.view).removeTotp(account)),
  }),
  route({
    ...{ method: 'DELETE', path: '/users/{name}', name: 'removeUser' },
    summary: 'Ends an account for good, with its passkeys, its links and what it has deposited in the vault.',
    may: ADMINISTRATORS,
    urgent: true,
    ifMatch: 'possible',
    run: removeUser,
  }),
]

async function inviteUser({ view, tenant, body, change }: AdminCall<Fields, typeof NEW_USER>): Promise<AdminAnswer> {
  const { name, roles } = body
  requireRoles(view, tenant, roles)
  if (accountName(name) === undefined) throw conflict('This is not a name to sign in by.')
  const accounts = accountsOf(view)
  const account = await change(async (announce) => {
    const made = await accounts.add({ tenant, name, roles }, (planned) =>
      announce({ what: 'user.created', id: planned.id, after: core(planned), detail: { name: planned.name, roles } }),
    )
    return made ?? Promise.reject(conflict('This name is taken.'))
  })
  // No part of the change: the account is there, and stays, when only its first invitation fails.
  return answer(account, { link: view.publicUrl + MOUNT_PATH + (await accounts.invite(account)) })
}

async function setRoles(call: AdminCall<Fields, typeof ROLES>): Promise<AdminAnswer> {
  const { view, tenant, body } = call
  const { roles } = body
  requireRoles(view, tenant, roles)
  refuseOwn(call, await findAccount(call))
  return altering(call, 'user.roles-changed', { roles }, (account) => accountsOf(view).setRoles(account, roles), {
    roles,
  })
}

async function switched(call: AdminCall, what: string, disabled: boolean): Promise<AdminAnswer> {
  const accounts = accountsOf(call.view)
  return call.change(async (announce) => {
    const account = await found(call)
    if (disabled) refuseOwn(call, account)
    const isNews = (account.disabledAt !== undefined) !== disabled
    if (isNews) await tell(announce, what, account, { disabled })
    if (disabled) await accounts.disable(account)
    else if (isNews) await accounts.enable(account)
    return answer(await findAccount(call), { changed: isNews })
  })
}

async function enrolTotp(view: AdminView, account: Account): Promise<{ readonly uri: string }> {
  return {
    uri: await accountsOf(view).enrolTotp(account, `Portcullis ${URL.parse(view.publicUrl)?.host ?? ''}`.trim()),
  }
}

async function removeUser(call: AdminCall): Promise<AdminAnswer> {
  const { view, tenant } = call
  return call.change(async (announce) => {
    const account = await found(call)
    refuseOwn(call, account)
    await announce({ what: 'user.removed', id: account.id, before: core(account), detail: { name: account.name } })
    // The account goes last: as long as it is there, a second try heals a first that failed in between.
    await accountsOf(view).disable(account)
    await view.vault().removePrincipal(tenant, accountPrincipal(account.id))
    await accountsOf(view).remove(account)
    return { document: { id: account.id, name: account.name, removed: true } }
  })
}

/** Announces what will be different of the account, and does it. */
async function altering(
  call: AdminCall,
  what: string,
  difference: object,
  alter: (account: Account) => Promise<object | void>,
  detail: object = {},
): Promise<AdminAnswer> {
  return call.change(async (announce) => {
    const account = await found(call)
    await tell(announce, what, account, difference, detail)
    const more = (await alter(account)) ?? {}
    return answer(await findAccount(call), more)
  })
}

const tell = (announce: Announce, what: string, account: Account, difference: object, detail: object = {}) =>
  announce({
    ...{ what, id: account.id, before: core(account), after: { ...core(account), ...difference } },
    detail: { name: account.name, ...detail },
  })

/** Nobody locks themselves out, and the answer still reaches its caller. */
function refuseOwn({ asker }: Pick<AdminCall, 'asker'>, { id }: Account): void {
  if (asker.id === accountPrincipal(id)) throw conflict('This is your own account.')
}

/** The account in the state that the request means. */
async function found(call: Pick<AdminCall, 'view' | 'tenant' | 'path' | 'mustMatch'>): Promise<Account> {
  const account = await findAccount(call)
  call.mustMatch(digestOf(core(account)))
  return account
}

/** What an administrator decides about. */
function core({ id, tenant, name, roles, totp, disabledAt }: NewAccount): object {
  return { id, tenant, name, roles, oneTimeCode: totp !== undefined, disabled: disabledAt !== undefined }
}

function shown(account: Account): object {
  const { createdAt, disabledAt, password, lockedUntil } = account
  return {
    ...core(account),
    createdAt,
    hasPassword: password !== undefined,
    ...(disabledAt !== undefined && { disabledAt }),
    ...(lockedUntil > 0 && { lockedUntil }),
    revision: digestOf(core(account)),
  }
}

const answer = (account: Account, more: object = {}): AdminAnswer => ({
  document: { ...shown(account), ...more },
  revision: digestOf(core(account)),
})
