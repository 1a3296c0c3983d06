/** `portcullis credential …` and `portcullis vault …`: what the vault holds for upstreams. A value comes from standard input, never from the command line. */
import type { Config } from '../config/schema.ts'
import { Secret } from '../core/secret.ts'
import type { VaultName } from '../data-protection/vault/credential-store.ts'
import { CommandError, EXIT } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import { withVault } from './open-vault.ts'
import { printable, table, type Terminal } from './terminal.ts'

export interface CredentialOptions extends ConfigOption {
  readonly tenant: string
  readonly upstream: string
  readonly principal?: string
}

const MAX_BYTES = 65_536

export async function credentialSet(options: CredentialOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const name = nameOf(options, 'static')
  requireFitting(config, name)
  const value = await readValue(terminal)
  await withVault(config, terminal, ({ vault }) => vault.put(name, value))
  terminal.err(`A secret for ${ownerOf(name)} at ${name.upstream} is in the vault.`)
}

export interface CredentialListOptions extends ConfigOption {
  readonly tenant: string
  readonly json?: boolean
}

export async function credentialList(options: CredentialListOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const listed = await withVault(config, terminal, ({ vault }) => vault.list(options.tenant))
  if (options.json === true) {
    for (const one of listed) terminal.out(JSON.stringify(one))
    return
  }
  if (listed.length === 0) return terminal.err(`Tenant ${options.tenant} has no credentials in the vault.`)
  const rows = listed.map(({ upstream, principal, kind, updatedAt }) => [
    upstream,
    kind,
    new Date(updatedAt).toISOString().slice(0, 16).replace('T', ' '),
    principal === undefined ? 'the tenant' : printable(principal),
  ])
  for (const line of table([['UPSTREAM', 'KIND', 'CHANGED', 'OF'], ...rows])) terminal.out(line)
}

export interface CredentialRemoveOptions extends CredentialOptions {
  readonly kind: string
}

export async function credentialRemove(options: CredentialRemoveOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const { kind } = options
  if (kind !== 'static' && kind !== 'oauth') throw new CommandError(EXIT.usage, 'the kind is static or oauth')
  const name = nameOf(options, kind)
  const removed = await withVault(config, terminal, ({ vault }) => vault.remove(name))
  if (!removed)
    throw new CommandError(EXIT.findings, `There is no such credential of ${ownerOf(name)} at ${name.upstream}.`)
  terminal.err(`The credential of ${ownerOf(name)} at ${name.upstream} is removed.`)
}

/** New keys, and everything sealed anew with them. The gateway may run on meanwhile. */
export async function vaultRotate(
  options: { readonly tenant?: string } & ConfigOption,
  terminal: Terminal,
): Promise<void> {
  const { config } = openConfig(options, terminal)
  await withVault(config, terminal, async ({ encryption, keyring, vault }) => {
    if (options.tenant !== undefined) {
      const version = await keyring.rotate(options.tenant)
      const entries = await vault.reseal(options.tenant)
      return terminal.err(
        `Data key ${version} of tenant ${options.tenant} seals now; ${entries} credentials are sealed anew.`,
      )
    }
    encryption.rotate()
    const keys = await keyring.rewrapAll()
    encryption.dropOld()
    terminal.err(`A new key-encryption key wraps ${keys} data keys; the old ones are gone.`)
  })
}

export async function vaultShred(
  options: { readonly tenant: string; readonly yes?: boolean } & ConfigOption,
  terminal: Terminal,
) {
  if (options.yes !== true) throw new CommandError(EXIT.usage, 'what is shredded cannot be had back; repeat with --yes')
  const { config } = openConfig(options, terminal)
  const removed = await withVault(config, terminal, ({ vault }) => vault.shred(options.tenant))
  terminal.err(`The data keys of tenant ${options.tenant} and ${removed} credentials are gone.`)
}

function nameOf({ tenant, upstream, principal }: CredentialOptions, kind: VaultName['kind']): VaultName {
  return { tenant, upstream, ...(principal !== undefined && { principal }), kind }
}

/** A secret that nothing would ever send is a mistake. */
function requireFitting({ upstreams }: Config, { upstream, principal }: VaultName): void {
  const of = upstreams[upstream]?.http?.vault?.of
  if (of === undefined) {
    throw new CommandError(
      EXIT.usage,
      `the upstream ${JSON.stringify(upstream)} takes no secret from the vault (http.vault)`,
    )
  }
  if (of === 'tenant' && principal !== undefined)
    throw new CommandError(
      EXIT.usage,
      `the upstream ${upstream} takes one secret for each tenant; leave --principal out`,
    )
}

async function readValue({ input }: Terminal): Promise<Secret> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input?.() ?? []) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw new CommandError(EXIT.usage, `a secret has at most ${MAX_BYTES} bytes`)
    chunks.push(Buffer.from(chunk))
  }
  const value = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/[\r\n]+$/, '')
  if (!/^[\x20-\x7e]+$/.test(value))
    throw new CommandError(EXIT.usage, 'give the secret on standard input, as one line of plain ASCII')
  return new Secret(value)
}

const ownerOf = ({ tenant, principal }: VaultName): string =>
  principal === undefined ? `tenant ${tenant}` : `${printable(principal)} of tenant ${tenant}`
