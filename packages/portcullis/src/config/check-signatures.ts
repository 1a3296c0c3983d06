/** Looks for what signed messages refer to, and for demands that nobody could meet. */
import { everyRole } from './check-tenants.ts'
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import type { Config, SecretSource, UpstreamConfig } from './schema.ts'

type Path = readonly PropertyKey[]

/** `config` has absolute paths. Reads secrets only to see that they can be read. */
export function checkSignatures(config: Config, environment: Environment): readonly Finding[] {
  const path = ['identity', 'signatures']
  const { keys = [], required, answers } = config.identity.signatures ?? {}
  return [
    ...keys.flatMap((key, index) => [
      ...checkPublic(key, [...path, 'keys', index], environment),
      ...checkTenant(config, key.tenant, [...path, 'keys', index, 'tenant']),
    ]),
    ...checkNames(keys, path),
    ...roles(config, required?.roles ?? [], [...path, 'required', 'roles']),
    ...roles(config, answers?.roles ?? [], [...path, 'answers', 'roles']),
    ...(answers === undefined ? [] : secretProblem(answers.key, [...path, 'answers', 'key'], environment)),
    ...checkRequired(config, path),
    ...Object.entries(config.upstreams).flatMap(([name, upstream]) =>
      checkUpstream(config, name, upstream, environment),
    ),
  ]
}

interface PublicPlaces {
  readonly publicKey?: string
  readonly jwks?: string
  readonly secret?: SecretSource
}

function checkPublic(
  { publicKey, jwks, secret }: PublicPlaces,
  path: Path,
  environment: Environment,
): readonly Finding[] {
  return [
    ...(publicKey === undefined ? [] : readable(publicKey, [...path, 'publicKey'], 'file')),
    ...(jwks === undefined ? [] : readable(jwks, [...path, 'jwks'], 'file')),
    ...(secret === undefined ? [] : secretProblem(secret, [...path, 'secret'], environment)),
  ]
}

/** Of two keys with one name in a tenant only one could count. */
function checkNames(keys: readonly { readonly id: string; readonly tenant: string }[], path: Path): readonly Finding[] {
  const names = keys.map(({ id, tenant }) => JSON.stringify([tenant, id]))
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [
          {
            path: [...path, 'keys', index, 'id'],
            wrong: 'this tenant has another key of that name',
            right: 'rename one',
          },
        ],
  )
}

function checkTenant({ tenants }: Config, tenant: string, path: Path): readonly Finding[] {
  if (tenants === undefined || Object.hasOwn(tenants, tenant)) return []
  return [{ path, wrong: `there is no tenant ${tenant}`, right: 'add it, or correct it' }]
}

/** Where nobody has a key nobody could enter. */
function checkRequired({ identity }: Config, path: Path): readonly Finding[] {
  const { keys, required } = identity.signatures ?? { keys: [], required: undefined }
  const demands = (required?.roles.length ?? 0) + (required?.routes.length ?? 0)
  if (demands === 0 || keys.length > 0) return []
  return [{ path: [...path, 'required'], wrong: 'nobody has a key to sign with', right: 'add keys' }]
}

function checkUpstream(
  { identity }: Config,
  name: string,
  { signatures, code }: UpstreamConfig,
  environment: Environment,
): readonly Finding[] {
  if (signatures === undefined) return []
  const path = ['upstreams', name, 'signatures']
  const { callers, answers, requests, expect } = signatures
  const found: Finding[] = []
  if (callers === 'required' && (identity.signatures?.keys.length ?? 0) === 0)
    found.push({
      path: [...path, 'callers'],
      wrong: 'nobody has a key to sign with',
      right: 'add identity.signatures.keys',
    })
  if (answers === 'always' && identity.signatures?.answers === undefined) {
    const wrong = 'the gateway has no key for answers'
    found.push({ path: [...path, 'answers'], wrong, right: 'add identity.signatures.answers' })
  }
  if (code !== undefined && requests !== undefined) {
    const wrong = 'snippets of code get no messages that could be signed'
    found.push({ path: [...path, 'requests'], wrong, right: 'leave it out' })
  }
  if (requests) found.push(...secretProblem(requests.key, [...path, 'requests', 'key'], environment))
  if (expect) found.push(...checkPublic(expect, [...path, 'expect'], environment))
  return found
}

/** An unknown role would silently demand nothing. */
function roles(config: Config, names: readonly string[], path: Path): readonly Finding[] {
  const known = everyRole(config)
  return names
    .filter((name) => !known.includes(name))
    .map((name) => ({ path, wrong: `there is no role ${name}`, right: 'list it in policy.roles, or correct it' }))
}
