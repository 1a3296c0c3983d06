/** Token exchange (RFC 8693): the caller's token becomes one for the upstream. Only the token service ever sees the caller's. */
import { hash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { credentialHeaders } from '../credentials.ts'
import type { Holder } from '../access/holder.ts'
import { NotConnected } from '../access/not-connected.ts'
import type { CredentialSource } from '../access/sender.ts'
import { customFetch, loadLibrary, secretBasic } from './client-identity.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { failed } from './token-requests.ts'

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
  /** The token with which a principal last called; undefined when it did not call with a token. */
  readonly subjectOf: (holder: Holder) => Secret | undefined
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
      headers: async () =>
        credentialHeaders({ authorization: new Secret(`Bearer ${await this.#tokenFor(this.#subject(holder))}`) }),
      refused: async (response) => {
        if (response.status !== 401) return false
        return this.#exchanged.delete(digestOf(this.#subject(holder)))
      },
    }
  }

  #subject(holder: Holder): Secret {
    const subject = this.#options.subjectOf(holder)
    if (subject === undefined) throw new NotConnected(this.#options.upstream, 'the caller has no token to exchange')
    return subject
  }

  async #tokenFor(subject: Secret): Promise<string> {
    const key = digestOf(subject)
    const known = await this.#exchanged.get(key)?.catch(() => undefined)
    if (known !== undefined && known.expiresAt - EARLY_MS > this.#options.clock.now()) return known.token
    const exchanging = this.#exchange(subject)
    if (this.#exchanged.size >= MAX_REMEMBERED) this.#exchanged.clear()
    this.#exchanged.set(key, exchanging)
    exchanging.catch(() => this.#exchanged.delete(key))
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
