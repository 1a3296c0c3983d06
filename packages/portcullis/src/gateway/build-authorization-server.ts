import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import { ADMINISTRATION_SCOPES } from '../core/route.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { guardedFetch } from '../core/guarded-fetch.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { Keyring } from '../data-protection/keyring.ts'
import type { Vault } from '../data-protection/vault/vault.ts'
import type { RevocationList } from '../identity/revocation.ts'
import type { AuthorizationServer } from '../identity/server/authorization-server.ts'
import { MOUNT_PATH, type ServerKeys, type ServerSettings } from '../identity/server/settings.ts'
import type { Stores } from '../stores/stores.ts'
import { loadTokenKeys, type TokenKeys } from '../pki/token-keys.ts'
import { ADMINISTRATION_PATH } from '../transport/route.ts'
import { accountSeal } from './account-seal.ts'
import type { Environment } from '../config/environment.ts'
import { serverWitness } from './server-witness.ts'
import { sharedTokenKeys } from './shared-token-keys.ts'
import { trustedServer } from './trusted-server.ts'

export interface ServerParts {
  readonly config: Config
  readonly layout: StateLayout
  readonly stores: Stores
  readonly clock: Clock
  readonly log: Logger
  readonly ledger: Ledger
  readonly environment: Environment
  readonly keyring: Pick<Keyring, 'of' | 'existing'>
  readonly vault: Pick<Vault, 'get' | 'put'>
  readonly publicUrl: string
  readonly prover: Prover
}

export interface OpenServer extends AuthorizationServer {
  close(): void
}

type ServerConfig = NonNullable<Config['identity']['server']>

const SWEEP_MS = 60_000
const ROTATION_CHECK_MS = 3_600_000
/** What another node signs with its new key is refused here until it is known. */
const SHARED_CHECK_MS = 1_000
const DAY_MS = 86_400_000

/** The authorization server, or nothing when none is configured: then nothing of it is loaded. Rejects with PkiError. */
export async function buildAuthorizationServer(
  parts: ServerParts,
  revocations: RevocationList,
): Promise<OpenServer | undefined> {
  const { config, layout, stores, clock, log } = parts
  const { server: chosen } = config.identity
  if (chosen === undefined) return undefined
  const rule = { rotateMs: chosen.keyDays * DAY_MS }
  const load = stores.shared
    ? () => sharedTokenKeys({ vault: parts.vault, turns: stores.turns, clock }, rule)
    : async () => loadTokenKeys(layout.tokenKeys, clock.now(), rule)
  let keys = await load()
  const { createAuthorizationServer } = await import('../identity/server/authorization-server.ts')
  const server = await createAuthorizationServer(await settings(parts, chosen, keys, revocations))
  const onProblem = (error: unknown) => log.error('the authorization server could not tidy up', { error })
  const sweep = setInterval(() => stores.grants.sweep(clock.now()).catch(onProblem), SWEEP_MS).unref()
  const renew = async () => {
    const current = await load()
    if (current.since === keys.since) return
    keys = current
    await server.renew(serverKeys(current))
    log.info('the authorization server signs with a new key', { kid: current.signing[0]?.kid })
  }
  const checkMs = stores.shared ? SHARED_CHECK_MS : ROTATION_CHECK_MS
  const rotation = setInterval(() => void renew().catch(onProblem), checkMs).unref()
  return {
    ...server,
    close() {
      clearInterval(sweep)
      clearInterval(rotation)
    },
  }
}

async function settings(
  { config, keyring, stores, clock, log, ledger, environment, publicUrl, prover }: ServerParts,
  chosen: ServerConfig,
  keys: TokenKeys,
  revocations: RevocationList,
): Promise<ServerSettings> {
  const { buildSignIn } = await import('./build-sign-in.ts')
  const { accounts, clients, grants } = stores
  const { hosts, privateNetworks, ca } = chosen.clientDocuments
  const seal = accountSeal(keyring)
  const witness = serverWitness(ledger, clock, log)
  const ways = { config, stores, revocations, clock, environment, publicUrl, prover, seal, witness, key: keys.cookies }
  const reach = { privateNetworks, ...trustedServer(prover, 'identity.server.clientDocuments', ca) }
  const issuer = publicUrl + MOUNT_PATH
  const scopes = new Map([...Object.entries(chosen.scopes), ...furtherScopes(config, chosen)])
  for (const [scope, sentence] of Object.entries(ADMINISTRATION)) if (!scopes.has(scope)) scopes.set(scope, sentence)
  const { buildAssertions } = await import('./build-assertions.ts')
  const assertions = buildAssertions({ config, stores, clock, audience: issuer, scopes: [...scopes.keys()], prover })
  return {
    issuer,
    resources: resources(config, publicUrl),
    scopes,
    ownScopes: new Map([[publicUrl + ADMINISTRATION_PATH, ADMINISTRATION_SCOPES]]),
    ...(assertions && { assertions }),
    lifetimes: {
      accessToken: chosen.accessTokenSeconds,
      refreshIdle: chosen.refreshIdleSeconds,
      grant: chosen.consentSeconds,
      session: chosen.sessionSeconds,
    },
    keys: serverKeys(keys),
    documents: { hosts, fetch: guardedFetch({ timeoutMs: 5_000, maxBytes: 65_536, ...reach }) },
    ...(chosen.registration && { registration: chosen.registration }),
    accounts,
    clients,
    grants,
    revocations,
    ...buildSignIn(ways, chosen),
    clock,
    witness,
  }
}

/** The aggregate comes first: it is what a client gets that names no resource. */
function resources({ upstreams }: Config, publicUrl: string): ReadonlyMap<string, string> {
  const each = Object.entries(upstreams).map(
    ([name, { title }]) => [`${publicUrl}/mcp/${name}`, title ?? name] as const,
  )
  const administration = [publicUrl + ADMINISTRATION_PATH, 'The administration of this gateway'] as const
  return new Map([[`${publicUrl}/mcp`, 'All servers of this gateway'], ...each, administration])
}

/** What a person reads who consents to it; a sentence of the configuration takes its place. */
const ADMINISTRATION = {
  'admin:read': 'See how this gateway is set up and what it does, as far as you may yourself',
  'admin:write': 'Change how this gateway is set up, as far as you may yourself',
} as const satisfies Record<(typeof ADMINISTRATION_SCOPES)[number], string>

/** What is demanded somewhere can be consented to, even if nobody has written a sentence for it. */
function furtherScopes({ identity }: Config, { scopes }: ServerConfig): readonly (readonly [string, string])[] {
  const further = Object.keys(identity.scopes).filter((scope) => !Object.hasOwn(scopes, scope))
  return further.map((scope) => [scope, `What this gateway calls “${scope}”`])
}

const serverKeys = ({ signing, cookies, nonces }: TokenKeys): ServerKeys => ({
  signing: signing.map((key) => ({ ...key })),
  cookies,
  nonces: Buffer.from(nonces, 'base64url'),
})
