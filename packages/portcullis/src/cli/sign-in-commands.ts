/** `portcullis user passkeys …` and `portcullis user link`: how people sign in beside their password. */
import type { Config } from '../config/schema.ts'
import type { Passkey } from '../identity/server/passkeys/passkey-store.ts'
import type { AccountLink } from '../identity/server/providers/account-link-store.ts'
import { type AdminRequest, at } from './admin-call.ts'
import { CommandError, EXIT } from './exit.ts'
import { withAdmin } from './open-admin.ts'
import { showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'
import type { UserOptions } from './user-commands.ts'

interface ShownLink extends Omit<AccountLink, 'account'> {
  /** Absent for one that is configured no more. */
  readonly provider?: string
}

export interface LinkOptions extends UserOptions {
  readonly provider?: string
  readonly subject?: string
  readonly remove?: boolean
}

export async function passkeyList(name: string, options: UserOptions, terminal: Terminal): Promise<void> {
  const { passkeys } = await askUser({ method: 'GET', path: at`/users/${name}/passkeys` }, name, options, terminal)
  showList(passkeys as readonly Passkey[], options, terminal, {
    heads: ['ID', 'NAME', 'KEPT', 'MADE', 'USED'],
    row: ({ id, label, synced, createdAt, lastUsedAt }) => [
      ...[id, printable(label), synced ? 'synced' : 'one device', day(createdAt)],
      lastUsedAt === undefined ? 'never' : day(lastUsedAt),
    ],
    none: `User ${printable(name)} has no passkeys.`,
  })
}

/** Ends all sign-ins of the account, because whoever had the passkey may have used it. */
export async function passkeyRemove(name: string, id: string, options: UserOptions, terminal: Terminal): Promise<void> {
  const none = `Tenant ${options.tenant} has no user ${JSON.stringify(printable(name))} with the passkey ${JSON.stringify(printable(id))}.`
  await withAdmin(options, terminal, ({ ask }) =>
    ask({ method: 'DELETE', path: at`/users/${name}/passkeys/${id}` }, none),
  )
  terminal.err(`The passkey of ${printable(name)} is removed; all sign-ins have ended.`)
}

/** Without a provider the links are listed. */
export async function userLink(name: string, options: LinkOptions, terminal: Terminal): Promise<void> {
  const { provider, subject, remove } = options
  if (provider === undefined) return listLinks(name, options, terminal)
  if (subject === undefined || subject === '' || subject.length > 255)
    throw new CommandError(EXIT.usage, 'Name the subject: what the provider calls the person.')
  const path = remove === true ? at`/users/${name}/links/remove` : at`/users/${name}/links`
  const none = `Tenant ${options.tenant} has no user ${JSON.stringify(printable(name))} with such a link.`
  await withAdmin(options, terminal, ({ config, ask }) => {
    if (config) requireProvider(config, provider)
    return ask({ method: 'POST', path, body: { provider, subject } }, none)
  })
  terminal.err(
    remove === true
      ? `User ${printable(name)} does not sign in there any more; all sign-ins have ended.`
      : `User ${printable(name)} can sign in with ${provider}.`,
  )
}

async function askUser(request: AdminRequest, name: string, options: UserOptions, terminal: Terminal) {
  const none = `Tenant ${options.tenant} has no user ${JSON.stringify(printable(name))}.`
  return withAdmin(options, terminal, ({ ask }) => ask(request, none))
}

function requireProvider({ identity }: Config, name: string): void {
  const known = (identity.server?.providers ?? []).map((provider) => provider.name)
  if (known.includes(name)) return
  const hint = known.length === 0 ? 'add one to identity.server.providers' : `known are ${known.join(', ')}`
  throw new CommandError(EXIT.usage, `There is no provider ${JSON.stringify(printable(name))}; ${hint}.`)
}

async function listLinks(name: string, options: LinkOptions, terminal: Terminal): Promise<void> {
  const { links } = await askUser({ method: 'GET', path: at`/users/${name}/links` }, name, options, terminal)
  showList(links as readonly ShownLink[], options, terminal, {
    heads: ['PROVIDER', 'SUBJECT', 'MADE BY'],
    row: ({ provider, issuer, subject, origin }) => [provider ?? issuer, printable(subject), origin],
    none: 'There are no links.',
  })
}

const day = (instant: number): string => new Date(instant).toISOString().slice(0, 10)
