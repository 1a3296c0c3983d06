/** `portcullis user …`: the people who sign in at the authorization server of the gateway. */
import type { Config } from '../config/schema.ts'
import type { Account } from '../identity/server/account-store.ts'
import { CommandError, EXIT } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import { type ServerDesk, serverUrl, withServer } from './open-server.ts'
import { requireRoles } from './require-roles.ts'
import { printable, table, type Terminal } from './terminal.ts'

export interface UserOptions extends ConfigOption {
  readonly tenant: string
  readonly json?: boolean
}

export interface UserAddOptions extends UserOptions {
  readonly role: readonly string[]
}

/** Makes an account and shows a link with which the person chooses a password, once. */
export async function userAdd(name: string, options: UserAddOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const { tenant, role: roles } = options
  requireRoles(config, tenant, roles)
  await withServer(config, terminal, async ({ accounts }) => {
    const account = await accounts.add({ tenant, name, roles })
    if (account === undefined)
      throw new CommandError(
        EXIT.findings,
        `${JSON.stringify(printable(name))} is taken, or is not a name to sign in by.`,
      )
    const link = serverUrl(config) + (await accounts.invite(account))
    if (options.json === true) return terminal.out(JSON.stringify({ ...shown(account), link }))
    terminal.err(`User ${account.name} of tenant ${tenant}. This link sets the password, once, within a day:`)
    terminal.out(link)
  })
}

export async function userList(options: UserOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const users = await withServer(config, terminal, ({ accounts }) => accounts.list(options.tenant))
  if (options.json === true) {
    for (const user of users) terminal.out(JSON.stringify(shown(user)))
    return
  }
  if (users.length === 0) terminal.err(`Tenant ${options.tenant} has no users; make one with: portcullis user add`)
  const rows = users.map((user) => [
    user.name,
    user.roles.join(','),
    user.totp === undefined ? 'no' : 'yes',
    state(user),
  ])
  if (rows.length > 0)
    for (const line of table([['NAME', 'ROLES', 'ONE-TIME CODE', 'STATE'], ...rows])) terminal.out(line)
}

/** Ends what the user may do, at once. */
export async function userDisable(
  name: string,
  options: UserOptions & { enable?: boolean },
  terminal: Terminal,
): Promise<void> {
  await withUser(name, options, terminal, async ({ accounts }, account) => {
    if (options.enable === true) await accounts.enable(account)
    else await accounts.disable(account)
    terminal.err(
      `User ${account.name} is ${options.enable === true ? 'enabled' : 'disabled; all sign-ins have ended'}.`,
    )
  })
}

/** Shows a link with which the person chooses a new password; the old one works until then. */
export async function userPassword(name: string, options: UserOptions, terminal: Terminal): Promise<void> {
  await withUser(name, options, terminal, async ({ accounts }, account, config) => {
    const link = serverUrl(config) + (await accounts.invite(account))
    if (options.json === true) return terminal.out(JSON.stringify({ ...shown(account), link }))
    terminal.err(`This link sets the password of ${account.name}, once, within a day:`)
    terminal.out(link)
  })
}

/** Gives the account a second factor, or takes it away. */
export async function userTotp(
  name: string,
  options: UserOptions & { remove?: boolean },
  terminal: Terminal,
): Promise<void> {
  await withUser(name, options, terminal, async ({ accounts }, account, config) => {
    if (options.remove === true) {
      await accounts.removeTotp(account)
      return terminal.err(`User ${account.name} signs in without a one-time code.`)
    }
    const uri = await accounts.enrolTotp(account, `Portcullis ${new URL(serverUrl(config).replace(':PORT', '')).host}`)
    if (options.json === true) return terminal.out(JSON.stringify({ ...shown(account), uri }))
    terminal.err(
      `From now on ${account.name} needs a one-time code. Put this into an authenticator; it is shown only now:`,
    )
    terminal.out(uri)
  })
}

async function withUser(
  name: string,
  options: UserOptions,
  terminal: Terminal,
  use: (desk: ServerDesk, account: Account, config: Config) => Promise<void>,
): Promise<void> {
  const { config } = openConfig(options, terminal)
  await withServer(config, terminal, async (desk) => {
    const account = await desk.accounts.find(options.tenant, name)
    if (account === undefined)
      throw new CommandError(EXIT.findings, `Tenant ${options.tenant} has no user ${JSON.stringify(printable(name))}.`)
    await use(desk, account, config)
  })
}

const shown = ({ id, tenant, name, roles, createdAt, disabledAt }: Account): object => ({
  id,
  tenant,
  name,
  roles,
  createdAt,
  ...(disabledAt !== undefined && { disabledAt }),
})

function state({ disabledAt, password }: Account): string {
  if (disabledAt !== undefined) return 'disabled'
  return password === undefined ? 'invited' : 'active'
}
