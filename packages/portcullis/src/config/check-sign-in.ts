/** Looks for what the ways to sign in refer to. A way that nobody could go is a mistake, and so is one that leads to two places. */
import { isIP } from 'node:net'
import { everyRole } from './check-tenants.ts'
import type { Environment } from './environment.ts'
import { attempt, type Finding, readable } from './finding.ts'
import { hostInUrl } from './host-in-url.ts'
import type { Config } from './schema.ts'
import { readSecret, SecretError } from './secret-source.ts'

type Provider = NonNullable<Config['identity']['server']>['providers'][number]

const BASE = ['identity', 'server'] as const

/** `config` has absolute paths. Reads secrets only to see that they can be read. */
export function checkSignIn(config: Config, environment: Environment): readonly Finding[] {
  const { server } = config.identity
  if (server === undefined) return []
  return [
    ...checkWays(config, server),
    ...server.providers.flatMap((provider, index) => checkProvider(config, provider, index, environment)),
  ]
}

function checkWays({ listen }: Config, { signIn, providers }: NonNullable<Config['identity']['server']>) {
  const path = [...BASE, 'signIn']
  const right = 'name a way in signIn, or add a provider'
  if (signIn.length === 0 && providers.length === 0) return [{ path, wrong: 'nobody could sign in', right }]
  const only = signIn.every((way) => way === 'passkey') && signIn.length > 0 && providers.length === 0
  const host = new URL(listen.publicUrl ?? `https://${hostInUrl(listen.host)}`).hostname
  if (!only || isIP(host.replace(/^\[(.*)\]$/, '$1')) === 0) return []
  return [{ path, wrong: 'browsers have no passkeys for an address', right: 'set listen.publicUrl to a host name' }]
}

function checkProvider(
  config: Config,
  { name, issuer, ca, clientSecret, clientKey, everyone, roles }: Provider,
  index: number,
  environment: Environment,
): readonly Finding[] {
  const base = [...BASE, 'providers', index]
  const { providers } = config.identity.server as { readonly providers: readonly Provider[] }
  const isSecond = (same: (other: Provider) => boolean) => providers.findIndex(same) < index
  const second = (key: string) => ({ path: [...base, key], wrong: `this ${key} is listed twice`, right: 'keep one' })
  const known = everyRole(config)
  const strangers = (names: readonly string[], path: readonly PropertyKey[]) =>
    names
      .filter((role) => !known.includes(role))
      .map((role) => ({ path, wrong: `there is no role ${role}`, right: 'list it in policy.roles, or correct it' }))
  return [
    ...(isSecond((other) => other.name === name) ? [second('name')] : []),
    ...(isSecond((other) => other.issuer === issuer) ? [second('issuer')] : []),
    ...(ca === undefined ? [] : readable(ca, [...base, 'ca'], 'file')),
    ...(clientSecret === undefined
      ? []
      : attempt([...base, 'clientSecret'], () => readSecret(clientSecret, environment))),
    ...(clientKey === undefined
      ? []
      : attempt([...base, 'clientKey'], () => requireKey(readSecret(clientKey, environment).reveal()))),
    ...strangers(everyone, [...base, 'everyone']),
    ...Object.entries(roles?.map ?? {}).flatMap(([value, names]) => strangers(names, [...base, 'roles', 'map', value])),
  ]
}

/** Throws SecretError. */
function requireKey(text: string): void {
  const right = 'store a private JSON Web Key with kty, alg and d'
  let jwk: unknown
  try {
    jwk = JSON.parse(text)
  } catch {
    throw new SecretError('this is not JSON', right)
  }
  const { kty, alg, d } = { ...(jwk as Record<string, unknown> | null) }
  if (typeof kty !== 'string' || typeof alg !== 'string' || typeof d !== 'string')
    throw new SecretError('this is not a private key', right)
}
