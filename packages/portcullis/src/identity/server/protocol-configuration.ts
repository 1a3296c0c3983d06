/** Decides how the protocol library behaves: what it demands of everybody, and what its tokens and cookies are. */
import type { Configuration, errors as Errors, interactionPolicy } from 'oidc-provider'
import { ASSERTION_GRANT, ASSERTION_PROFILE } from './assertion/assertion-grant.ts'
import { stillAdmits } from './came-by.ts'
import { documentFetch } from './client-documents.ts'
import { keepToken, type KeepTokenParts } from './keep-token.ts'
import { messagePage } from './page.ts'
import { protocolFeatures } from './protocol-features.ts'
import { MOUNT_PATH, type ServerSettings } from './settings.ts'
import { show } from './show.ts'
import { StoredClients } from './stored-clients.ts'
import { endGrant, StoredModel } from './stored-model.ts'
import { claimsOf, holderOf, type TokenSource } from './token-claims.ts'
import { whatToAsk } from './what-to-ask.ts'

export interface ConfigurationParts extends KeepTokenParts {
  readonly errors: typeof Errors
  readonly policy: typeof interactionPolicy
}

const CODE_SECONDS = 60
const DEVICE_SECONDS = 600
const INTERACTION_SECONDS = 900

/** For one engine; with other keys there is another one. */
export function protocolConfiguration(parts: ConfigurationParts): Configuration {
  const { settings, errors } = parts
  const { keys, scopes } = settings
  return {
    adapter: adapterFactory(parts),
    jwks: { keys: [...keys.signing] },
    cookies: cookies(settings),
    routes: ROUTES,
    scopes: ['openid', 'offline_access', ...scopes.keys()].filter((one, at, all) => all.indexOf(one) === at),
    responseTypes: ['code'],
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: CLIENT_DEFAULTS,
    enabledJWA: ALGORITHMS,
    clockTolerance: 15,
    // Whoever is not listed in `listen.allowedOrigins` was refused before.
    clientBasedCORS: () => true,
    ttl: lifetimes(settings),
    rotateRefreshToken: true,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    revokeGrantPolicy: () => true,
    renderError: (context, { error, error_description: description }) => {
      show(context, messagePage('This did not work', description ?? error, context.status))
    },
    interactions: {
      url: (_context, { uid }) => `${MOUNT_PATH}/interaction/${uid}`,
      policy: whatToAsk(settings, parts.policy),
    },
    ...tokens(parts),
    ...outward(settings),
    ...(settings.assertions && { discovery: { authorization_grant_profiles_supported: [ASSERTION_PROFILE] } }),
    features: protocolFeatures(settings, errors),
  }
}

/** For whom tokens are issued, and what they say. */
function tokens(parts: ConfigurationParts): Pick<Configuration, 'findAccount' | 'extraTokenClaims' | 'formats'> {
  const { settings, errors } = parts
  return {
    findAccount: async (_context, accountId, source) => {
      if (source !== undefined && (await hasEnded(parts, source))) return undefined
      const holder = await holderOf(settings, { accountId })
      return holder && { accountId, claims: () => ({ sub: accountId }) }
    },
    extraTokenClaims: async (context, token) => {
      const claims = await claimsOf(settings, context, token as TokenSource)
      if (claims === undefined) throw new errors.InvalidGrant('nobody to issue a token for')
      return { ...claims }
    },
    formats: {
      customizers: { jwt: (context, token, { payload }) => keepToken(parts, context, token, payload ?? {}) },
    },
  }
}

/** Tokens that a sign-in has given end with the way in which somebody signed in, their whole family with them. */
async function hasEnded({ settings, models }: ConfigurationParts, source: object): Promise<boolean> {
  const { grantId, amr } = source as { readonly grantId?: string; readonly amr?: readonly string[] }
  if (grantId === undefined || stillAdmits(settings, amr)) return false
  await endGrant(models, grantId)
  return true
}

function lifetimes({ lifetimes: { accessToken, refreshIdle, grant, session } }: ServerSettings): Configuration['ttl'] {
  return {
    AccessToken: accessToken,
    ClientCredentials: accessToken,
    IdToken: accessToken,
    AuthorizationCode: CODE_SECONDS,
    DeviceCode: DEVICE_SECONDS,
    Interaction: INTERACTION_SECONDS,
    RefreshToken: refreshIdle,
    Grant: grant,
    Session: session,
  }
}

/** `__Host-` binds a cookie to this very host; the short ones belong to one path, so they are `__Secure-` only. */
function cookies({ issuer, keys }: ServerSettings): Configuration['cookies'] {
  const secure = issuer.startsWith('https:')
  const cookie = { httpOnly: true, sameSite: 'lax', secure, signed: true } as const
  const [host, strict] = secure ? ['__Host-', '__Secure-'] : ['', '']
  return {
    keys: [keys.cookies],
    names: {
      session: `${host}portcullis_session`,
      interaction: `${strict}portcullis_interaction`,
      resume: `${strict}portcullis_resume`,
    },
    long: { ...cookie, path: '/' },
    short: cookie,
  }
}

function adapterFactory({ settings, errors, models }: ConfigurationParts) {
  const { clients, clock, registration, witness } = settings
  const full = () => new errors.InvalidRequest('no client can be registered now')
  const onRegistering = (tenant: string, id: string, metadata: object) =>
    witness.changed(tenant, 'client.registered', undefined, { client: id, metadata })
  const stored = new StoredClients({ clients, clock, full, onRegistering, ...(registration && { registration }) })
  return (kind: string) => (kind === 'Client' ? stored : new StoredModel(kind, models))
}

/** What the library fetches: documents and keys of clients, through the guard. */
function outward({ documents, assertions }: ServerSettings): Pick<Configuration, 'fetch' | 'fetchResponseBodyLimits'> {
  return {
    fetch: documentFetch(documents, assertions === undefined ? [] : [ASSERTION_GRANT]),
    fetchResponseBodyLimits: { 'client_id metadata document': 64 * 1024, jwks_uri: 64 * 1024 },
  }
}

const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  jwks: '/jwks',
  revocation: '/revoke',
  introspection: '/introspect',
  pushed_authorization_request: '/par',
  registration: '/register',
  device_authorization: '/device/authorize',
  code_verification: '/device',
  end_session: '/sign-out',
} as const

const CLIENT_DEFAULTS = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'none',
} as const satisfies Configuration['clientDefaults']

/** Keys of others; ours are ES256. No shared secret signs anything. */
const ALGORITHMS = {
  clientAuthSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'],
  idTokenSigningAlgValues: ['ES256'],
  dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519'],
} as const satisfies Configuration['enabledJWA']
