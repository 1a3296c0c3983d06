/** Decides what happens to a client that an operator knows by name: it is added, and it is removed with all that it had. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import type { Revocation } from '../revocation-store.ts'
import { type ClientMetadata, MetadataError, soundMetadata } from './client-metadata.ts'
import type { ClientStore, OAuthClient } from './client-store.ts'
import { ASSERTION_GRANT } from './assertion/assertion-grant.ts'
import { clientFamily } from './families.ts'
import { secretDigest } from './stored-clients.ts'
import { lastTokenEnds } from './token-end.ts'

export interface ClientLifecycleParts {
  readonly clients: ClientStore
  readonly revocations: { revoke(revocation: Revocation): Promise<void> }
  readonly clock: Clock
  readonly accessTokenSeconds: number
}

export interface ClientRequest {
  readonly tenant: string
  readonly name: string
  /** Where people are sent back to; none for a client that acts in its own name only. */
  readonly redirects: readonly string[]
  /** How it proves itself: not at all, by a secret, or by its keys (RFC 7523). */
  readonly proof: { readonly kind: 'none' | 'secret' } | { readonly kind: 'keys'; readonly jwks: object }
  /** What it may be in its own name; with some it may use client credentials. */
  readonly roles: readonly string[]
  readonly device: boolean
  /** Whether it may present identity assertions (ID-JAG) of people who sign in elsewhere. */
  readonly assertions?: boolean
}

export interface AddedClient {
  readonly client: OAuthClient
  /** Shown once. */
  readonly secret?: Secret
}

const METHODS = { none: 'none', secret: 'client_secret_basic', keys: 'private_key_jwt' } as const

export class ClientLifecycle {
  readonly #parts: ClientLifecycleParts

  constructor(parts: ClientLifecycleParts) {
    this.#parts = parts
  }

  /**
   * Throws a MetadataError for a client that cannot be: its sentence is for the operator. `before` is told what is about to
   * be made; when it rejects, nothing is.
   */
  async add(
    request: ClientRequest,
    before: (client: OAuthClient) => Promise<void> = async () => {},
  ): Promise<AddedClient> {
    const { tenant, name, roles, proof } = request
    const secret = proof.kind === 'secret' ? randomBytes(32).toString('base64url') : undefined
    const client: OAuthClient = {
      id: randomBytes(15).toString('hex'),
      tenant,
      name,
      metadata: JSON.stringify(metadataFor(request)),
      ...(secret !== undefined && { secretDigest: secretDigest(secret) }),
      roles,
      origin: 'operator',
      createdAt: this.#parts.clock.now(),
    }
    await before(client)
    if (!(await this.#parts.clients.insert(client))) throw new Error('the random id of a client is taken')
    return { client, ...(secret !== undefined && { secret: new Secret(secret) }) }
  }

  list(tenant: string): Promise<readonly OAuthClient[]> {
    return this.#parts.clients.list(tenant)
  }

  /** Undefined unless the tenant has a client of this id. */
  async find(tenant: string, id: string): Promise<OAuthClient | undefined> {
    const client = await this.#parts.clients.find(id)
    return client?.tenant === tenant ? client : undefined
  }

  /** False when the tenant has no such client. Its tokens end at once, on every node within a second. */
  async remove(tenant: string, id: string): Promise<boolean> {
    if ((await this.find(tenant, id)) === undefined) return false
    // The client goes last: as long as it is there, a second try heals a first that failed in between.
    await this.#endTokens(tenant, id, 'the client was removed')
    return this.#parts.clients.remove(tenant, id)
  }

  /** As `remove`, until it is enabled again. */
  async disable(tenant: string, id: string): Promise<boolean> {
    if (!(await this.#parts.clients.update(tenant, id, { disabledAt: this.#parts.clock.now() }))) return false
    await this.#endTokens(tenant, id, 'the client was disabled')
    return true
  }

  /** It gets tokens that are good for something once the last one from before has expired. */
  enable(tenant: string, id: string): Promise<boolean> {
    return this.#parts.clients.update(tenant, id, { disabledAt: null })
  }

  /** The new secret; the old one is worth nothing from now on. Undefined for a client without one. */
  async rotateSecret(
    client: OAuthClient,
    before: (client: OAuthClient) => Promise<void> = async () => {},
  ): Promise<Secret | undefined> {
    if (client.secretDigest === undefined) return undefined
    const secret = randomBytes(32).toString('base64url')
    const next = { secretDigest: secretDigest(secret) }
    await before({ ...client, ...next })
    if (!(await this.#parts.clients.update(client.tenant, client.id, next))) return undefined
    return new Secret(secret)
  }

  async #endTokens(tenant: string, id: string, reason: string): Promise<void> {
    const { revocations, clock, accessTokenSeconds } = this.#parts
    const from = clock.now()
    const until = lastTokenEnds(from, accessTokenSeconds)
    await revocations.revoke({ kind: 'token', tenant, id: clientFamily(id), from, until, reason })
  }
}

/** A client that nobody can prove to be has no rights of its own. */
function metadataFor({ name, redirects, proof, roles, device, assertions }: ClientRequest): ClientMetadata {
  if (roles.length > 0 && proof.kind === 'none') throw new MetadataError('a client with roles needs a secret or keys')
  const grants = [
    ...(redirects.length > 0 ? ['authorization_code', 'refresh_token'] : []),
    ...(device ? ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'] : []),
    ...(roles.length > 0 ? ['client_credentials'] : []),
    ...(assertions === true ? [ASSERTION_GRANT] : []),
  ]
  if (assertions === true && proof.kind === 'none')
    throw new MetadataError('a client that presents assertions needs a secret or keys')
  if (grants.length === 0) throw new MetadataError('a client needs a redirect, the device flow, roles, or assertions')
  const metadata = {
    client_name: name,
    redirect_uris: redirects,
    grant_types: [...new Set(grants)],
    response_types: redirects.length > 0 ? ['code'] : [],
    token_endpoint_auth_method: METHODS[proof.kind],
    ...(proof.kind === 'keys' && { jwks: proof.jwks }),
  }
  return redirects.length > 0 ? soundMetadata(metadata) : metadata
}
