/** `portcullis credential …`: what the vault holds for upstreams. A value comes from standard input, never from the command line. */
import type { Config } from '../config/schema.ts'
import { Secret } from '../core/secret.ts'
import type { Listed } from '../data-protection/vault/vault.ts'
import { at } from './admin-call.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface CredentialOptions extends AdminOptions {
  readonly tenant: string
  readonly upstream: string
  readonly principal?: string
}

const MAX_BYTES = 65_536

export async function credentialSet(options: CredentialOptions, terminal: Terminal): Promise<void> {
  const { upstream, principal } = options
  await withAdmin(options, terminal, async ({ config, ask }) => {
    if (config) requireFitting(config, options)
    const value = await readValue(terminal)
    await ask({ method: 'PUT', path: at`/credentials/${upstream}`, body: { principal, value: value.reveal() } })
  })
  terminal.err(`A secret for ${ownerOf(options)} at ${upstream} is in the vault.`)
}

export interface CredentialListOptions extends AdminOptions {
  readonly tenant: string
}

export async function credentialList(options: CredentialListOptions, terminal: Terminal): Promise<void> {
  const found = await withAdmin(options, terminal, ({ all }) =>
    all({ method: 'GET', path: '/credentials' }, 'credentials'),
  )
  showList(found as readonly object[] as readonly Listed[], options, terminal, {
    heads: ['UPSTREAM', 'KIND', 'CHANGED', 'OF'],
    row: ({ upstream, principal, kind, updatedAt }) => [
      ...[upstream, kind, minute(updatedAt)],
      principal === undefined ? 'the tenant' : printable(principal),
    ],
    none: `Tenant ${options.tenant} has no credentials in the vault.`,
  })
}

export interface CredentialRemoveOptions extends CredentialOptions {
  readonly kind: string
}

export async function credentialRemove(options: CredentialRemoveOptions, terminal: Terminal): Promise<void> {
  const { kind, upstream, principal } = options
  if (kind !== 'static' && kind !== 'oauth') throw new CommandError(EXIT.usage, 'the kind is static or oauth')
  const none = `There is no such credential of ${ownerOf(options)} at ${upstream}.`
  await withAdmin(options, terminal, ({ ask }) =>
    ask({ method: 'DELETE', path: at`/credentials/${upstream}/${kind}`, query: { principal } }, none),
  )
  terminal.err(`The credential of ${ownerOf(options)} at ${upstream} is removed.`)
}

/** A secret that nothing would ever send is a mistake. */
function requireFitting({ upstreams }: Config, { upstream, principal }: CredentialOptions): void {
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

const ownerOf = ({ tenant, principal }: CredentialOptions): string =>
  principal === undefined ? `tenant ${tenant}` : `${printable(principal)} of tenant ${tenant}`
