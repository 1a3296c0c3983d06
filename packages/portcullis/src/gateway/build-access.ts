/** Configuration to credentials for HTTP upstreams: the vault, the OAuth clients, and the pages on which people connect. */
import type { Ledger } from '../audit/ledger.ts'
import type { Environment } from '../config/environment.ts'
import type { Config, HttpConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import { guardedFetch } from '../core/guarded-fetch.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { Vault } from '../data-protection/vault/vault.ts'
import type { Stores } from '../stores/stores.ts'
import { type Holder, principalOfScope } from '../upstream/access/holder.ts'
import { lentSource } from '../upstream/access/lender.ts'
import type { CredentialSource, HttpSender } from '../upstream/access/sender.ts'
import { staticSource } from '../upstream/access/static-secret.ts'
import { Consents } from '../upstream/oauth/consents.ts'
import { TokenExchange } from '../upstream/oauth/exchange.ts'
import { OAuthAccess } from '../upstream/oauth/oauth-access.ts'
import type { ClientIdentity } from '../upstream/oauth/settings.ts'
import { discoverRequest } from '../upstream/probe.ts'
import type { Connectable } from './access-explainer.ts'
import { accountSeal } from './account-seal.ts'
import { CONNECT_MOUNT, callbackPath, documentPath } from './connect-paths.ts'
import { consentStore } from './consent-store.ts'
import type { OpenKeys } from './open-keys.ts'
import { PRODUCT } from './product.ts'
import { SubjectTokens } from './subject-tokens.ts'
import { trustedServer } from './trusted-server.ts'

export interface AccessParts {
  readonly config: Config
  readonly keys: Pick<OpenKeys, 'keyring' | 'vault'>
  readonly stores: Stores
  readonly ledger: Ledger
  readonly clock: Clock
  readonly environment: Environment
  readonly publicUrl: string
  readonly prover: Prover
  /** Whether a principal, or the credential with which it came, is revoked now. */
  readonly isRevoked: (principal: Principal) => boolean
}

const FETCH = { timeoutMs: 10_000, maxBytes: 262_144 } as const

/** Credentials of all upstreams that take theirs from the vault, from authorization servers, or in exchange. */
export class Access {
  readonly connectables = new Map<string, Connectable>()
  readonly consents: Consents
  readonly subjects: SubjectTokens
  /** Whether any upstream gets its credential here. */
  isUsed = false
  readonly #parts: AccessParts

  constructor(parts: AccessParts) {
    this.#parts = parts
    const { stores, keys, clock } = parts
    const seal = accountSeal(keys.keyring)
    this.consents = new Consents(consentStore({ grants: stores.grants, seal, clock }), clock)
    this.subjects = new SubjectTokens(clock, parts.isRevoked)
  }

  /** Whose credential each link carries; undefined for an upstream whose credential is the same for everybody. */
  sourceOf(name: string, http: HttpConfig, pool: HttpSender): ((scope: string) => CredentialSource) | undefined {
    if (http.oauth === undefined && http.exchange === undefined && http.vault === undefined) return undefined
    this.isUsed = true
    if (http.oauth !== undefined) return this.#oauth(name, http, http.oauth, pool)
    if (http.exchange !== undefined) return this.#exchange(name, http.exchange)
    if (http.vault !== undefined) return this.#static(name, http.vault)
    return undefined
  }

  /** In which every admitted message is to run; nothing when no upstream needs it. */
  get within(): (<T>(exchange: Exchange & Authenticated, work: () => T) => T) | undefined {
    return this.subjects.wanted ? (exchange, work) => this.subjects.within(exchange, work) : undefined
  }

  get vault(): Vault {
    return this.#parts.keys.vault
  }

  #oauth(name: string, http: HttpConfig, oauth: NonNullable<HttpConfig['oauth']>, pool: HttpSender) {
    const { config, clock, ledger, publicUrl } = this.#parts
    const { mode, grant, issuer, scopes, connectors, lister, visitor } = oauth
    const endpoint = new URL(http.url)
    const access = new OAuthAccess({
      settings: {
        upstream: name,
        endpoint,
        mode,
        grant,
        ...(issuer !== undefined && { issuer }),
        client: this.#identity(name, oauth),
        scopes,
        redirectUri: publicUrl + CONNECT_MOUNT + callbackPath(name),
        plaintext: oauth.plaintext !== undefined,
      },
      vault: this.vault,
      clock,
      fetch: this.#fetchOf(`upstreams.${name}.http.oauth`, oauth),
      knock: () => pool.send(KNOCK),
      onLost: ({ tenant, principal }, { issuer: server }) =>
        ledger.append(tenant, {
          kind: 'change',
          what: 'credential.lost',
          detail: { upstream: name, issuer: server, ...(principal !== undefined && { principal }) },
        }),
    })
    const title = config.upstreams[name]?.title ?? name
    const known = { access, mode, connectors, lister, visitor, title, host: endpoint.host }
    if (grant === 'authorization-code') this.connectables.set(name, known)
    const sourceOf = (holder: Holder) => access.sourceOf(access.holderOf(holder))
    const lent =
      grant === 'client-credentials'
        ? access.sourceOf({ tenant: lister })
        : lentSource({
            upstream: name,
            kind: 'oauth',
            tenant: lister,
            vault: this.vault,
            sourceOf: (one) => access.sourceOf(one),
          })
    return byScope(sourceOf, lent)
  }

  #identity(name: string, oauth: NonNullable<HttpConfig['oauth']>): ClientIdentity {
    const { client, issuer, registration, document } = oauth
    const { environment, publicUrl } = this.#parts
    if (client !== undefined && issuer !== undefined) {
      const secret = client.secret && readSecret(client.secret, environment)
      return { kind: 'registered', issuer, id: client.id, ...(secret && { secret }) }
    }
    if (registration === 'dynamic') return { kind: 'dynamic' }
    return { kind: 'document', url: document ?? publicUrl + CONNECT_MOUNT + documentPath(name) }
  }

  #exchange(name: string, exchange: NonNullable<HttpConfig['exchange']>) {
    const { clock, environment } = this.#parts
    const { issuer, tokenEndpoint, client, resource, audience, scopes, plaintext } = exchange
    const swap = new TokenExchange({
      upstream: name,
      issuer,
      tokenEndpoint,
      clientId: client.id,
      clientSecret: readSecret(client.secret, environment),
      ...(resource !== undefined && { resource }),
      ...(audience !== undefined && { audience }),
      scopes,
      plaintext: plaintext !== undefined,
      fetch: this.#fetchOf(`upstreams.${name}.http.exchange`, exchange),
      clock,
      subjectOf: (holder) => this.subjects.of(holder),
    })
    this.subjects.wanted = true
    return byScope((holder) => swap.sourceOf(holder), { headers: async () => [], refused: async () => false })
  }

  #fetchOf(about: string, { plaintext, privateNetworks, ca }: Reach) {
    const trust = trustedServer(this.#parts.prover, about, ca)
    return guardedFetch({ ...FETCH, privateNetworks, plaintext: plaintext !== undefined, ...trust })
  }

  #static(name: string, { of, header, scheme, lister }: NonNullable<HttpConfig['vault']>) {
    const { vault } = this
    const sourceOf = (holder: Holder) =>
      staticSource({ upstream: name, vault, header, scheme }, of === 'tenant' ? { tenant: holder.tenant } : holder)
    const lent = lentSource({
      upstream: name,
      kind: 'static',
      tenant: lister,
      vault,
      sourceOf: (holder) => staticSource({ upstream: name, vault, header, scheme }, holder),
    })
    return byScope(sourceOf, lent)
  }
}

/** Links of principals carry their own credential, those of the gateway itself what was lent to it. */
function byScope(sourceOf: (holder: Holder) => CredentialSource, lent: CredentialSource) {
  return (scope: string): CredentialSource => {
    const principal = principalOfScope(scope)
    return principal === undefined ? lent : sourceOf(principal)
  }
}

const KNOCK = {
  method: 'POST',
  headers: [
    ...['content-type', 'application/json', 'accept', 'application/json, text/event-stream'],
    ...['mcp-protocol-version', '2026-07-28', 'mcp-method', 'server/discover'],
  ],
  body: JSON.stringify({ jsonrpc: '2.0', ...discoverRequest(PRODUCT) }),
} as const

interface Reach {
  readonly plaintext?: 'loopback-only'
  readonly privateNetworks: readonly string[]
  readonly ca?: string
}
