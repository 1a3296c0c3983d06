/** Configuration to the ways in which people sign in at the authorization server. */
import type { JWK } from 'jose'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Clock } from '../core/clock.ts'
import { guardedFetch } from '../core/guarded-fetch.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { RevocationList } from '../identity/revocation.ts'
import { AccountLifecycle } from '../identity/server/account-lifecycle.ts'
import { PasskeyChallenges } from '../identity/server/passkeys/passkey-challenge.ts'
import { PasskeyRegistration } from '../identity/server/passkeys/passkey-registration.ts'
import { PasskeySignIn } from '../identity/server/passkeys/passkey-sign-in.ts'
import { passkeySite } from '../identity/server/passkeys/passkey-site.ts'
import { PasswordSignIn } from '../identity/server/password-sign-in.ts'
import { OutsideProvider } from '../identity/server/providers/outside-provider.ts'
import { ProviderAccounts } from '../identity/server/providers/provider-accounts.ts'
import { callbackPath } from '../identity/server/providers/provider-callback.ts'
import type { Seal } from '../identity/server/seal.ts'
import { MOUNT_PATH, type ServerSettings } from '../identity/server/settings.ts'
import type { Witness } from '../identity/server/witness.ts'
import type { Stores } from '../stores/stores.ts'
import { claimMapping, claimPath } from './build-tokens.ts'
import { trustedServer } from './trusted-server.ts'

export interface SignInParts {
  readonly config: Config
  readonly stores: Stores
  readonly revocations: RevocationList
  readonly clock: Clock
  readonly environment: Environment
  readonly publicUrl: string
  readonly prover: Prover
  readonly seal: Seal
  readonly witness: Witness
  /** Secret of the authorization server. */
  readonly key: string
}

type ServerConfig = NonNullable<Config['identity']['server']>
type ProviderConfig = ServerConfig['providers'][number]

const FETCH = { timeoutMs: 10_000, maxBytes: 262_144 } as const

export function buildSignIn(
  parts: SignInParts,
  { signIn, providers, accessTokenSeconds }: ServerConfig,
): Pick<ServerSettings, 'methods' | 'passkeys' | 'outside'> {
  const { stores, clock, witness, key, publicUrl, seal, revocations } = parts
  const { accounts, passkeys, accountLinks: links, grants } = stores
  const asksPassword = signIn.includes('password') || signIn.includes('password+totp')
  const site = signIn.includes('passkey') ? passkeySite(publicUrl) : undefined
  const password = new PasswordSignIn({ accounts, clock, seal, codeRequired: signIn.includes('password+totp') })
  const challenges = new PasskeyChallenges({ key, grants, clock })
  const common = { challenges, passkeys, witness, clock }
  const lifecycle = new AccountLifecycle({ ...stores, revocations, seal, clock, accessTokenSeconds })
  const setRoles = lifecycle.setRoles.bind(lifecycle)
  const passkey = site && new PasskeySignIn({ ...common, site, accounts, only: !asksPassword })
  return {
    methods: [...(asksPassword ? [password] : []), ...(passkey ? [passkey] : [])],
    ...(site && { passkeys: { registration: new PasskeyRegistration({ ...common, site }), store: passkeys } }),
    ...(providers.length > 0 && {
      outside: {
        providers: providers.map((provider) => outsideProvider(parts, provider)),
        people: new ProviderAccounts({ accounts, links, witness, clock, setRoles }),
        links,
      },
    }),
  }
}

function outsideProvider(
  { publicUrl, clock, environment, prover }: SignInParts,
  provider: ProviderConfig,
): OutsideProvider {
  const { name, title, issuer, clientId, scopes } = provider
  return new OutsideProvider({
    ...{ name, title, issuer, clientId, scopes, clock },
    proof: proofOf(provider, environment),
    redirectUri: publicUrl + MOUNT_PATH + callbackPath(name),
    rules: rulesOf(provider),
    fetch: fetchOf(provider, prover),
  })
}

function rulesOf(provider: ProviderConfig) {
  const { admit, create, nameClaim, strength } = provider
  return {
    ...(admit !== undefined && { admit: admit === 'everybody' ? admit : admissionOf(admit) }),
    creates: create === 'on-first-sign-in',
    claims: claimMapping(provider),
    nameClaim: claimPath(nameClaim),
    believesStrength: strength === 'believed',
  }
}

function admissionOf({ emailDomains, groups }: Exclude<NonNullable<ProviderConfig['admit']>, 'everybody'>) {
  return {
    ...(emailDomains && { emailDomains }),
    ...(groups && { groups: { claim: claimPath(groups.claim), values: groups.values } }),
  }
}

/** The schema lets exactly one of the two through. */
function proofOf({ clientSecret, clientKey }: ProviderConfig, environment: Environment) {
  if (clientKey !== undefined)
    return { kind: 'key', jwk: JSON.parse(readSecret(clientKey, environment).reveal()) as JWK } as const
  return { kind: 'secret', secret: readSecret(clientSecret as NonNullable<typeof clientSecret>, environment) } as const
}

function fetchOf({ name, privateNetworks, ca }: ProviderConfig, prover: Prover) {
  return guardedFetch({ ...FETCH, privateNetworks, ...trustedServer(prover, `identity.server.providers.${name}`, ca) })
}
