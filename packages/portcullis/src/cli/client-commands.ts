/** `portcullis client …`: the OAuth clients that the authorization server knows by name. */
import { readFileSync } from 'node:fs'
import { type AdminRequest, at } from './admin-call.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { requireRoles } from './require-roles.ts'
import { showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface ClientOptions extends AdminOptions {
  readonly tenant: string
}

export interface ClientAddOptions extends ClientOptions {
  readonly redirect?: readonly string[]
  readonly role?: readonly string[]
  readonly secret?: boolean
  readonly keys?: string
  readonly device?: boolean
  readonly assertions?: boolean
}

interface ShownClient {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly origin: string
  readonly disabledAt?: number
}

interface ProofBody {
  readonly proof: 'none' | 'secret' | 'keys'
  readonly jwks?: object
}

/** Makes a client and shows its id, and its secret if it has one, which is shown only now. */
export async function clientAdd(name: string, options: ClientAddOptions, terminal: Terminal): Promise<void> {
  const { tenant, redirect: redirects = [], role: roles = [], device = false, assertions } = options
  await withAdmin(options, terminal, async ({ config, ask }) => {
    if (config) requireRoles(config, tenant, roles)
    const asserting = assertions === true && { assertions }
    const body = { name, redirects, roles, device, ...asserting, ...proofOf(options) }
    const made = await ask({ method: 'POST', path: '/clients', body })
    if (options.json === true) return terminal.out(JSON.stringify(made))
    const secret = made['secret'] === undefined ? undefined : printable(String(made['secret']))
    const told = secret === undefined ? 'Its id' : 'Its id, and its secret, shown only now'
    terminal.err(`Client ${printable(name)} of tenant ${tenant}. ${told}:`)
    terminal.out(printable(String(made['id'])))
    if (secret !== undefined) terminal.out(secret)
  })
}

export async function clientList(options: ClientOptions, terminal: Terminal): Promise<void> {
  const clients = await withAdmin(options, terminal, ({ all }) => all({ method: 'GET', path: '/clients' }, 'clients'))
  showList(clients as readonly object[] as readonly ShownClient[], options, terminal, {
    heads: ['ID', 'NAME', 'ROLES', 'MADE BY', 'STATE'],
    row: ({ id, name, roles, origin, disabledAt }) => [
      ...[id, printable(name), roles.join(',') || '-', origin],
      disabledAt === undefined ? 'active' : 'disabled',
    ],
    none: `Tenant ${options.tenant} has no clients; make one with: portcullis client add`,
  })
}

/** Ends what the client has got, at once. */
export async function clientRemove(id: string, options: ClientOptions, terminal: Terminal): Promise<void> {
  await askAbout(id, options, terminal, (path) => ({ method: 'DELETE', path }))
  terminal.err(`Client ${id} is removed; its tokens have ended.`)
}

/** Ends what the client has got, until it is enabled again. */
export async function clientDisable(
  id: string,
  options: ClientOptions & { readonly enable?: boolean },
  terminal: Terminal,
): Promise<void> {
  const verb = options.enable === true ? 'enable' : 'disable'
  await askAbout(id, options, terminal, (path) => ({ method: 'POST', path: `${path}/${verb}`, body: {} }))
  terminal.err(`Client ${id} is ${verb === 'enable' ? 'enabled' : 'disabled; its tokens have ended'}.`)
}

/** Shows a new secret; the old one ends. */
export async function clientRotate(id: string, options: ClientOptions, terminal: Terminal): Promise<void> {
  const request = (path: string): AdminRequest => ({ method: 'POST', path: `${path}/rotate-secret`, body: {} })
  const client = await askAbout(id, options, terminal, request)
  if (options.json === true) return terminal.out(JSON.stringify(client))
  terminal.err(`Client ${id} has a new secret; the old one has ended. It is shown only now:`)
  terminal.out(printable(String(client['secret'])))
}

async function askAbout(
  id: string,
  options: ClientOptions,
  terminal: Terminal,
  request: (path: string) => AdminRequest,
) {
  const none = `Tenant ${options.tenant} has no client ${JSON.stringify(printable(id))}.`
  return withAdmin(options, terminal, ({ ask }) => ask(request(at`/clients/${id}`), none))
}

function proofOf({ secret, keys }: ClientAddOptions): ProofBody {
  if (keys === undefined) return { proof: secret === true ? 'secret' : 'none' }
  if (secret === true) throw new CommandError(EXIT.usage, '--secret and --keys exclude each other')
  try {
    return { proof: 'keys', jwks: JSON.parse(readFileSync(keys, 'utf8')) as object }
  } catch (thrown) {
    throw new CommandError(EXIT.usage, `${keys} is not a JSON Web Key Set that can be read`, thrown)
  }
}
