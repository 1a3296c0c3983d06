/** Token exchange (RFC 8693): the caller's token becomes one for the upstream. Only the token service ever sees the caller's. */
import { hash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { credentialHeaders } from '../credentials.ts'
import type { Holder } from '../access/holder.ts'
import { NotConnected } from '../access/not-connected.ts'
import type { CredentialSource } from '../access/sender.ts'
import { customFetch, loadLibrary, secretBasic } from './client-identity.ts'
import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import { failed } from './token-requests.ts'

/** A token of a caller. */
export interface Subject {
  readonly token: Secret
  /** Asked right before what it was exchanged for is used. */
  readonly state: () => 'good' | 'over' | 'revoked'
}

export interface ExchangeOptions {
  readonly upstream: string
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly resource?: string
  readonly audience?: string
  readonly scopes: readonly string[]
  readonly plaintext: boolean
  readonly fetch: GuardedFetch
  readonly clock: Clock
  /** The token of the call that is under way; undefined when there is none that is good. */
  readonly subjectOf: (holder: Holder) => Subject | undefined
}

interface Exchanged {
  readonly token: string
  readonly expiresAt: number
}

const EARLY_MS = 30_000
/** When the service does not say how long its token lasts. */
const UNSAID_MS = 60_000
const MAX_REMEMBERED = 10_000
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'

export class TokenExchange {
  readonly #options: ExchangeOptions
  /** By the digest of the subject token, so that nobody gets what another token was exchanged for. */
  readonly #exchanged = new Map<string, Promise<Exchanged>>()

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  sourceOf(holder: Holder): CredentialSource {
    return {
      headers: async () => {
        const subject = this.#subject(holder)
        const token = await this.#tokenFor(subject.token)
        // It may have been revoked while the service was asked.
        if (subject.state() !== 'good') throw this.#none()
        return credentialHeaders({ authorization: new Secret(`Bearer ${token}`) })
      },
      refused: async (response) => {
        if (response.status !== 401) return false
        return this.#exchanged.delete(digestOf(this.#subject(holder).token))
      },
    }
  }

  #subject(holder: Holder): Subject {
    const subject = this.#options.subjectOf(holder)
    if (subject === undefined) throw this.#none()
    return subject
  }

  #none(): NotConnected {
    return new NotConnected(this.#options.upstream, 'the caller has no token to exchange')
  }

  /** All who wait for the same subject share one request. */
  async #tokenFor(subject: Secret): Promise<string> {
    const key = digestOf(subject)
    const pending = this.#exchanged.get(key)
    const known = await pending?.catch(() => undefined)
    if (known !== undefined && known.expiresAt - EARLY_MS > this.#options.clock.now()) return known.token
    const newer = this.#exchanged.get(key)
    if (newer !== undefined && newer !== pending) return (await newer).token
    const exchanging = this.#exchange(subject)
    if (this.#exchanged.size >= MAX_REMEMBERED) this.#exchanged.clear()
    this.#exchanged.set(key, exchanging)
    exchanging.catch(() => this.#exchanged.get(key) === exchanging && this.#exchanged.delete(key))
    return (await exchanging).token
  }

  async #exchange(subject: Secret): Promise<Exchanged> {
    const { issuer, tokenEndpoint, clientId, clientSecret, clock, fetch, plaintext } = this.#options
    try {
      const library = await loadLibrary()
      const server = { issuer, token_endpoint: tokenEndpoint }
      const authentication = secretBasic(clientSecret.reveal())
      const client = new library.Configuration(server, clientId, {}, authentication)
      client[library.customFetch] = customFetch(fetch)
      if (plaintext) library.allowInsecureRequests(client)
      const tokens = await library.genericGrantRequest(client, GRANT_TYPE, this.#parameters(subject))
      if (tokens.token_type.toLowerCase() !== 'bearer') throw new Error('not a bearer token')
      const lifeMs = tokens.expires_in === undefined ? UNSAID_MS : tokens.expires_in * 1_000
      return { token: tokens.access_token, expiresAt: clock.now() + lifeMs }
    } catch (cause) {
      throw failed('the token was not exchanged', cause)
    }
  }

  #parameters(subject: Secret): Record<string, string> {
    const { resource, audience, scopes } = this.#options
    return {
      subject_token: subject.reveal(),
      subject_token_type: TOKEN_TYPE,
      requested_token_type: TOKEN_TYPE,
      ...(resource !== undefined && { resource }),
      ...(audience !== undefined && { audience }),
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    }
  }
}

const digestOf = (subject: Secret): string => hash('sha256', subject.reveal())
