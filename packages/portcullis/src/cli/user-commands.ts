/** `portcullis user …`: the people who sign in at the authorization server of the gateway. */
import { type AdminRequest, at } from './admin-call.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { requireRoles } from './require-roles.ts'
import { showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface UserOptions extends AdminOptions {
  readonly tenant: string
}

export interface UserRolesOptions extends UserOptions {
  readonly role: readonly string[]
}

interface ShownUser {
  readonly name: string
  readonly roles: readonly string[]
  readonly oneTimeCode: boolean
  readonly disabled: boolean
  readonly hasPassword: boolean
  readonly revision: string
}

/** Makes an account and shows a link with which the person chooses a password, once. */
export async function userAdd(name: string, options: UserRolesOptions, terminal: Terminal): Promise<void> {
  const { tenant, role: roles } = options
  await withAdmin(options, terminal, async ({ config, ask }) => {
    if (config) requireRoles(config, tenant, roles)
    const made = await ask({ method: 'POST', path: '/users', body: { name, roles } })
    if (options.json === true) return terminal.out(JSON.stringify(made))
    const whose = `User ${printable(String(made['name']))} of tenant ${tenant}.`
    terminal.err(`${whose} This link sets the password or a passkey, once, within a day:`)
    terminal.out(printable(String(made['link'])))
  })
}

export async function userList(options: UserOptions, terminal: Terminal): Promise<void> {
  const users = await withAdmin(options, terminal, ({ all }) => all({ method: 'GET', path: '/users' }, 'users'))
  showList(users as readonly object[] as readonly ShownUser[], options, terminal, {
    heads: ['NAME', 'ROLES', 'ONE-TIME CODE', 'STATE'],
    row: (user) => [printable(user.name), user.roles.join(','), user.oneTimeCode ? 'yes' : 'no', state(user)],
    none: `Tenant ${options.tenant} has no users; make one with: portcullis user add`,
  })
}

/** Ends what the user may do, at once; or lets the user in again. */
export async function userDisable(
  name: string,
  options: UserOptions & { readonly enable?: boolean },
  terminal: Terminal,
): Promise<void> {
  const verb = options.enable === true ? 'enable' : 'disable'
  const user = await askAbout(name, options, terminal, (path) => ({
    method: 'POST',
    path: `${path}/${verb}`,
    body: {},
  }))
  if (options.json === true) terminal.out(JSON.stringify(user))
  const told = verb === 'enable' ? 'enabled' : 'disabled; all sign-ins have ended'
  terminal.err(`User ${printable(String(user['name']))} is ${told}.`)
}

/** Gives the account other roles; whoever else changes it at the same time is not overwritten. */
export async function userRoles(name: string, options: UserRolesOptions, terminal: Terminal): Promise<void> {
  const { tenant, role: roles } = options
  await withAdmin(options, terminal, async ({ config, ask }) => {
    if (config) requireRoles(config, tenant, roles)
    const none = noUser(tenant, name)
    const before = await ask({ method: 'GET', path: at`/users/${name}` }, none)
    const ifMatch = String(before['revision'])
    const user = await ask({ method: 'PUT', path: at`/users/${name}/roles`, body: { roles }, ifMatch }, none)
    if (options.json === true) terminal.out(JSON.stringify(user))
    const told = `User ${printable(String(user['name']))} has these roles from now on: ${roles.map(printable).join(', ')}.`
    terminal.err(`${told} All sign-ins have ended.`)
  })
}

/** Ends an account for good, with what it has deposited. */
export async function userRemove(name: string, options: UserOptions, terminal: Terminal): Promise<void> {
  const user = await askAbout(name, options, terminal, (path) => ({ method: 'DELETE', path }))
  if (options.json === true) terminal.out(JSON.stringify(user))
  terminal.err(`User ${printable(String(user['name']))} is removed; all sign-ins have ended.`)
}

/** Shows a link with which the person chooses a new password; the old one works until then. */
export async function userPassword(name: string, options: UserOptions, terminal: Terminal): Promise<void> {
  const user = await askAbout(name, options, terminal, (path) => ({
    method: 'POST',
    path: `${path}/invitation`,
    body: {},
  }))
  if (options.json === true) return terminal.out(JSON.stringify(user))
  terminal.err(`This link sets the password or a passkey of ${printable(String(user['name']))}, once, within a day:`)
  terminal.out(printable(String(user['link'])))
}

/** Gives the account a second factor, or takes it away. */
export async function userTotp(
  name: string,
  options: UserOptions & { readonly remove?: boolean },
  terminal: Terminal,
): Promise<void> {
  const remove = options.remove === true
  const user = await askAbout(name, options, terminal, (path) =>
    remove ? { method: 'DELETE', path: `${path}/totp` } : { method: 'POST', path: `${path}/totp`, body: {} },
  )
  if (options.json === true) return terminal.out(JSON.stringify(user))
  if (remove) return terminal.err(`User ${printable(String(user['name']))} signs in without a one-time code.`)
  const who = `From now on ${printable(String(user['name']))} needs a one-time code.`
  terminal.err(`${who} Put this into an authenticator; it is shown only now:`)
  terminal.out(printable(String(user['uri'])))
}

function askAbout(name: string, options: UserOptions, terminal: Terminal, request: (path: string) => AdminRequest) {
  return withAdmin(options, terminal, ({ ask }) => ask(request(at`/users/${name}`), noUser(options.tenant, name)))
}

const noUser = (tenant: string, name: string): string =>
  `Tenant ${tenant} has no user ${JSON.stringify(printable(name))}.`

function state({ disabled, hasPassword }: ShownUser): string {
  if (disabled) return 'disabled'
  return hasPassword ? 'active' : 'invited'
}
