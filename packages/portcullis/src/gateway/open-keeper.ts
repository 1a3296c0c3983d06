/** From the configuration to a keeper of the key-encryption key. Of a keeper that is not configured no code is loaded. */
import { existsSync, readFileSync } from 'node:fs'
import type { Environment } from '../config/environment.ts'
import type { KeyKeeperConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import type { Prover } from '../core/tls-agent.ts'
import { type KeyEncryption, KeyServiceError } from '../data-protection/key-encryption.ts'
import type { Ask } from '../data-protection/kms/ask.ts'
import type { KeyService } from '../data-protection/kms/service-keys.ts'
import type { VaultLogin } from '../data-protection/kms/vault-transit.ts'
import { LocalKeys, type PrivateText } from '../data-protection/local-keys.ts'
import { readPrivate, writeFirst, writeWhole } from '../pki/private-file.ts'
import { trustedServer } from './trusted-server.ts'

export interface KeeperParts {
  readonly layout: Pick<StateLayout, 'vaultKeys'>
  readonly clock: Clock
  readonly environment: Environment
  readonly prover: Prover
  /** Whether any tenant key is wrapped by what is owned. */
  readonly wraps: (owns: (wrappedBy: string) => boolean) => Promise<boolean>
}

type Keeper<Name extends 'aws' | 'gcp' | 'azure' | 'vault'> = NonNullable<KeyKeeperConfig[Name]>

/** Rejects with KeyServiceError or SecretError. Nobody is asked anything yet. */
export async function openKeeper(config: KeyKeeperConfig, parts: KeeperParts): Promise<KeyEncryption> {
  const { driver, file, keychain, aws, gcp, azure, vault } = config
  if (driver === 'file') return new LocalKeys('file', privateText(file?.path ?? parts.layout.vaultKeys), parts.wraps)
  if (driver === 'keychain') return openKeychain(keychain?.account ?? 'default', parts)
  const { serviceKeys } = await import('../data-protection/kms/service-keys.ts')
  const ask = await askerOf(config, parts.prover)
  if (aws !== undefined) return serviceKeys(await openAws(aws, ask, parts))
  if (gcp !== undefined) return serviceKeys(await openGcp(gcp, ask, parts))
  if (azure !== undefined) return serviceKeys(await openAzure(azure, ask, parts))
  if (vault !== undefined) return serviceKeys(await openTransit(vault, ask, parts))
  throw new KeyServiceError('refused', `nothing is configured for the driver ${driver}`)
}

/** A file that only the gateway may read. */
export function privateText(path: string): PrivateText {
  return {
    read: () => (existsSync(path) ? readPrivate(path) : undefined),
    write: (text) => writeWhole(path, text, 0o600),
    begin: (text) => writeFirst(path, text, 0o600),
  }
}

/** Variables by which the programs of a keychain find the session of its user. */
const SESSION = ['HOME', 'USER', 'LOGNAME', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'LANG'] as const

async function openKeychain(account: string, { environment, wraps }: KeeperParts): Promise<KeyEncryption> {
  const { keychain } = await import('../data-protection/keychain.ts')
  const { feedTool, findTool } = await import('../sandbox/child.ts')
  const session: Record<string, string> = {}
  for (const name of SESSION) {
    const value = environment[name]
    if (value !== undefined) session[name] = value
  }
  const run = async (program: string, args: readonly string[], input: string) => {
    const found = findTool(program)
    if (found === undefined) throw new KeyServiceError('unavailable', `${program} is not installed`)
    return feedTool(found, args, input, session)
  }
  return new LocalKeys('keychain', keychain({ platform: process.platform, account, run }), wraps)
}

async function askerOf(config: KeyKeeperConfig, prover: Prover): Promise<Ask> {
  const { driver, deadlineSeconds, attempts, aws, gcp, azure, vault } = config
  const { asker } = await import('../data-protection/kms/ask.ts')
  const file = (aws ?? gcp ?? azure ?? vault)?.ca
  const trust = trustedServer(prover, `dataProtection.keyEncryption.${driver}`, file)
  return asker({ timeoutMs: deadlineSeconds * 1_000, attempts, ...trust })
}

async function openAws(aws: Keeper<'aws'>, ask: Ask, { clock, environment }: KeeperParts): Promise<KeyService> {
  const { key, region, endpoint, credentials: kind } = aws
  const { awsKms } = await import('../data-protection/kms/aws-kms.ts')
  const { awsCredentials } = await import('../data-protection/kms/aws-credentials.ts')
  const readFile = (path: string) => readFileSync(path, 'utf8')
  const credentials = awsCredentials({ kind, region, environment, readFile, ask, clock })
  return awsKms({ key, region, endpoint, credentials, ask, clock })
}

async function openGcp(gcp: Keeper<'gcp'>, ask: Ask, { clock, environment }: KeeperParts): Promise<KeyService> {
  const { key, account, endpoint } = gcp
  const { gcpKms } = await import('../data-protection/kms/gcp-kms.ts')
  const { gcpTokens } = await import('../data-protection/kms/gcp-token.ts')
  const secret = account && readSecret(account, environment)
  const tokens = gcpTokens({ account: secret, metadataHost: environment['GCE_METADATA_HOST'], ask, clock })
  return gcpKms({ key, endpoint, tokens, ask })
}

async function openAzure(azure: Keeper<'azure'>, ask: Ask, { clock, environment }: KeeperParts): Promise<KeyService> {
  const { vault, key, application, identity, authority, resource } = azure
  const { azureKeyVault, azureTokens } = await import('../data-protection/kms/azure-key-vault.ts')
  const known = application && { ...application, secret: readSecret(application.secret, environment) }
  const tokens = azureTokens({ application: known, identity, authority, resource, ask, clock })
  return azureKeyVault({ vault, key, tokens, ask })
}

async function openTransit(vault: Keeper<'vault'>, ask: Ask, { clock, environment }: KeeperParts): Promise<KeyService> {
  const { address, namespace, mount, key } = vault
  const { vaultTokens, vaultTransit } = await import('../data-protection/kms/vault-transit.ts')
  const tokens = vaultTokens({ address, namespace, login: loginOf(vault, environment), ask, clock })
  return vaultTransit({ address, namespace, mount, key, tokens, ask })
}

/** Secrets are read when they are used: whoever renews them in place needs no restart. */
function loginOf({ token, appRole, kubernetes }: Keeper<'vault'>, environment: Environment): VaultLogin {
  if (token !== undefined) return { kind: 'token', token: () => readSecret(token, environment) }
  if (appRole !== undefined) {
    const { mount, role, secret } = appRole
    return { kind: 'app-role', mount, role, secret: () => readSecret(secret, environment) }
  }
  if (kubernetes === undefined) throw new KeyServiceError('refused', 'no way to sign in at Vault is configured')
  const { mount, role, tokenFile } = kubernetes
  // The kubelet writes it for the group of the pod too, so its mode says nothing.
  return { kind: 'kubernetes', mount, role, token: () => new Secret(readFileSync(tokenFile, 'utf8').trim()) }
}
