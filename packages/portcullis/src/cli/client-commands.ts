/** `portcullis client …`: the OAuth clients that the authorization server knows by name. */
import { readFileSync } from 'node:fs'
import type { ClientRequest } from '../identity/server/client-lifecycle.ts'
import { MetadataError } from '../identity/server/client-metadata.ts'
import { CommandError, EXIT } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import { withServer } from './open-server.ts'
import { requireRoles } from './require-roles.ts'
import { printable, table, type Terminal } from './terminal.ts'

export interface ClientOptions extends ConfigOption {
  readonly tenant: string
  readonly json?: boolean
}

export interface ClientAddOptions extends ClientOptions {
  readonly redirect?: readonly string[]
  readonly role?: readonly string[]
  readonly secret?: boolean
  readonly keys?: string
  readonly device?: boolean
}

/** Makes a client and shows its id, and its secret if it has one, which is shown only now. */
export async function clientAdd(name: string, options: ClientAddOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const { tenant, redirect: redirects = [], role: roles = [], device = false } = options
  requireRoles(config, tenant, roles)
  const request: ClientRequest = { tenant, name, redirects, roles, device, proof: proofOf(options) }
  const { client, secret } = await withServer(config, terminal, ({ clients }) => clients.add(request)).catch(explain)
  if (options.json === true) {
    terminal.out(JSON.stringify({ id: client.id, tenant, name, ...(secret && { secret: secret.reveal() }) }))
    return
  }
  terminal.err(
    `Client ${printable(name)} of tenant ${tenant}. Its id${secret ? ', and its secret, shown only now' : ''}:`,
  )
  terminal.out(client.id)
  if (secret !== undefined) terminal.out(secret.reveal())
}

export async function clientList(options: ClientOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const clients = await withServer(config, terminal, (desk) => desk.clients.list(options.tenant))
  if (options.json === true) {
    for (const { secretDigest: _digest, ...client } of clients) terminal.out(JSON.stringify(client))
    return
  }
  if (clients.length === 0)
    terminal.err(`Tenant ${options.tenant} has no clients; make one with: portcullis client add`)
  const rows = clients.map(({ id, name, roles, origin }) => [id, printable(name), roles.join(',') || '-', origin])
  if (rows.length > 0) for (const line of table([['ID', 'NAME', 'ROLES', 'MADE BY'], ...rows])) terminal.out(line)
}

/** Ends what the client has got, at once. */
export async function clientRemove(id: string, options: ClientOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const removed = await withServer(config, terminal, ({ clients }) => clients.remove(options.tenant, id))
  if (!removed)
    throw new CommandError(EXIT.findings, `Tenant ${options.tenant} has no client ${JSON.stringify(printable(id))}.`)
  terminal.err(`Client ${id} is removed; its tokens have ended.`)
}

function proofOf({ secret, keys }: ClientAddOptions): ClientRequest['proof'] {
  if (keys === undefined) return { kind: secret === true ? 'secret' : 'none' }
  if (secret === true) throw new CommandError(EXIT.usage, '--secret and --keys exclude each other')
  try {
    return { kind: 'keys', jwks: JSON.parse(readFileSync(keys, 'utf8')) as object }
  } catch (thrown) {
    throw new CommandError(EXIT.usage, `${keys} is not a JSON Web Key Set that can be read`, thrown)
  }
}

function explain(thrown: unknown): never {
  if (thrown instanceof MetadataError) throw new CommandError(EXIT.usage, thrown.message, thrown)
  throw thrown
}
