/** Speaks OpenID Connect with one outside provider: sends a person there, and takes what comes back only as an answer to that. */
import type { Configuration, CustomFetch, ServerMetadata } from 'openid-client'
import type { JWK } from 'jose'
import type { Clock } from '../../../core/clock.ts'
import type { Secret } from '../../../core/secret.ts'
import { isTokenAlgorithm } from '../../../core/token-algorithms.ts'
import { providerFailure, unavailable, Unreachable } from './provider-failure.ts'
import type { ProviderRules } from './provider-rules.ts'

/** Https to allowed addresses only, one hop, small, soon. Rejects with an Error for anything else. */
export type ProviderFetch = (
  url: string,
  request: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string },
) => Promise<Response>

export interface ProviderSettings {
  /** Part of its redirect URI, of forms and of records. */
  readonly name: string
  /** What people call it. */
  readonly title: string
  readonly issuer: string
  readonly clientId: string
  /** How we prove ourselves: by a secret, or by a private key (RFC 7523). */
  readonly proof: { readonly kind: 'secret'; readonly secret: Secret } | { readonly kind: 'key'; readonly jwk: JWK }
  readonly scopes: readonly string[]
  /** Where people come back to: one for each provider, so that an answer cannot be taken for that of another. */
  readonly redirectUri: string
  readonly rules: ProviderRules
  readonly fetch: ProviderFetch
  readonly clock: Clock
}

/** What an answer has to fit; never stored, see `Journeys`. */
export interface JourneySecrets {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The person has to prove anew who they are: an earlier sign-in at the provider is not enough. */
  readonly fresh: boolean
}

export type ProviderClaims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string }

const METADATA_MS = 3_600_000
/** For `fresh`: how long ago the sign-in at the provider may be. */
const FRESH_SECONDS = 600

const loadLibrary = () => import('openid-client')
type Library = Awaited<ReturnType<typeof loadLibrary>>

export class OutsideProvider {
  readonly settings: ProviderSettings
  #known: { readonly client: Configuration; readonly until: number } | undefined

  constructor(settings: ProviderSettings) {
    this.settings = settings
  }

  /** Where to send the person. Rejects with `identity.unavailable` when the provider cannot be asked who it is. */
  async departure({ state, nonce, verifier, fresh }: JourneySecrets): Promise<URL> {
    const library = await loadLibrary()
    const client = await this.#client(library)
    const { redirectUri, scopes } = this.settings
    return library.buildAuthorizationUrl(client, {
      redirect_uri: redirectUri,
      scope: [...new Set(['openid', ...scopes])].join(' '),
      state,
      nonce,
      code_challenge: await library.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(fresh && { prompt: 'login', max_age: String(FRESH_SECONDS) }),
    })
  }

  /**
   * Claims of the ID token, with those of the userinfo endpoint where the token says nothing. Rejects with
   * `identity.sign_in_failed` for an answer that is not to our question, and with `identity.unavailable` when the provider
   * does not answer.
   */
  async arrival(query: string, { state, nonce, verifier, fresh }: JourneySecrets): Promise<ProviderClaims> {
    const library = await loadLibrary()
    try {
      const client = await this.#client(library)
      // Its origin and path are those that we know, never those of the request.
      const arrived = new URL(`${this.settings.redirectUri}?${query}`)
      const tokens = await library.authorizationCodeGrant(client, arrived, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
        ...(fresh && { maxAge: FRESH_SECONDS }),
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new TypeError('no ID token')
      const told = await userinfo(library, client, tokens.access_token, claims.sub)
      return { ...told, ...claims }
    } catch (thrown) {
      throw providerFailure(this.settings.name, thrown)
    }
  }

  async #client(library: Library): Promise<Configuration> {
    const now = this.settings.clock.now()
    if (this.#known !== undefined && this.#known.until > now) return this.#known.client
    try {
      const client = await this.#discover(library)
      this.#known = { client, until: now + METADATA_MS }
      return client
    } catch (thrown) {
      throw unavailable(this.settings.name, thrown)
    }
  }

  async #discover(library: Library): Promise<Configuration> {
    const { issuer, clientId, proof } = this.settings
    const fetch = customFetch(this.settings.fetch)
    const found = await library.discovery(new URL(issuer), clientId, {}, library.None(), {
      [library.customFetch]: fetch,
    })
    const server = requireUsable(found.serverMetadata(), issuer)
    const client = new library.Configuration(server, clientId, {}, await authentication(library, server, proof))
    client[library.customFetch] = fetch
    // TLS alone vouches for the token endpoint; the signature vouches for the token.
    library.enableNonRepudiationChecks(client)
    return client
  }
}

function customFetch(fetch: ProviderFetch): CustomFetch {
  return async (url, { method, headers, body }) => {
    const form = typeof body === 'string' || body instanceof URLSearchParams ? { body: body.toString() } : {}
    const response = await fetch(url, { method, headers: { ...headers }, ...form }).catch((cause: unknown) => {
      throw new Unreachable('no answer', { cause })
    })
    if (response.status >= 500) throw new Unreachable(`status ${response.status}`)
    return response
  }
}

/** A document of somebody else must not lend itself to this issuer, and browsers go where it says. */
function requireUsable(server: ServerMetadata, issuer: string): ServerMetadata {
  if (server.issuer !== issuer) throw new TypeError('the metadata name another issuer')
  for (const endpoint of [server.authorization_endpoint, server.token_endpoint, server.jwks_uri]) {
    const url = endpoint === undefined ? null : URL.parse(endpoint)
    if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw new TypeError('an endpoint')
  }
  const offered = server.id_token_signing_alg_values_supported ?? ['RS256']
  return { ...server, id_token_signing_alg_values_supported: offered.filter(isTokenAlgorithm) }
}

async function authentication(library: Library, server: ServerMetadata, proof: ProviderSettings['proof']) {
  if (proof.kind === 'key') {
    const { importJWK } = await import('jose')
    const key = await importJWK({ ...proof.jwk }, proof.jwk.alg ?? 'ES256')
    if (key instanceof Uint8Array) throw new TypeError('the key is not a private key')
    return library.PrivateKeyJwt({ key, ...(proof.jwk.kid !== undefined && { kid: proof.jwk.kid }) })
  }
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const secret = proof.secret.reveal()
  const asPost = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
  return asPost ? library.ClientSecretPost(secret) : library.ClientSecretBasic(secret)
}

/** Nothing where the provider has no such endpoint. Its answer must be about the same subject (OpenID Connect Core §5.3.2). */
async function userinfo(library: Library, client: Configuration, token: string, subject: string) {
  if (client.serverMetadata().userinfo_endpoint === undefined) return {}
  return library.fetchUserInfo(client, token, subject)
}
