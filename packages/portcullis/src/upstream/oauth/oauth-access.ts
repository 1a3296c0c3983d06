/** The gateway as OAuth client of one upstream: whose token goes on a request, and what a refusal of it leads to. */
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/fault.ts'
import type { Holder } from '../access/holder.ts'
import { NotConnected, type Wanted } from '../access/not-connected.ts'
import type { CredentialSource } from '../access/sender.ts'
import type { TokenVault } from '../access/token-vault.ts'
import type { BufferedResponse, HttpResponse } from '../http-response.ts'
import { type Challenge, challengeOf } from './challenge.ts'
import { clientOf } from './client-identity.ts'
import { arrive, type Departure, depart, type Flow } from './flow.ts'
import { discover, type Found } from './discovery.ts'
import { Grants } from './grants.ts'
import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import type { Grant, OAuthSettings } from './settings.ts'
import { failed, GrantOver, isDead, ownGrant, refresh } from './token-requests.ts'

export interface OAuthAccessOptions {
  readonly settings: OAuthSettings
  readonly vault: TokenVault
  readonly clock: Clock
  readonly fetch: GuardedFetch
  /** A request to the upstream without a credential, for its challenge. */
  readonly knock: () => Promise<HttpResponse>
  readonly onLost: (holder: Holder, grant: Grant) => Promise<void>
}

const FOUND_MS = 10 * 60_000
/** An upstream can name another place in each challenge. */
const MAX_FOUND = 100

export class OAuthAccess {
  readonly #options: OAuthAccessOptions
  readonly #grants: Grants
  readonly #obtaining = new Map<string, Promise<Grant>>()
  /**
   * By where the metadata are said to be, the empty text for what the gateway finds by itself: what an upstream tells one
   * caller must decide about nobody else's grant.
   */
  readonly #found = new Map<string, { readonly until: number; readonly found: Found }>()

  constructor(options: OAuthAccessOptions) {
    this.#options = options
    const { settings, vault, clock, onLost } = options
    const renew = (grant: Grant, token: string) => this.#refresh(grant, token)
    this.#grants = new Grants({ upstream: settings.upstream, vault, clock, refresh: renew, onLost })
  }

  /** Whose grant the calls of a principal use. */
  holderOf({ tenant, principal }: Holder): Holder {
    return this.#options.settings.mode === 'shared' || principal === undefined ? { tenant } : { tenant, principal }
  }

  sourceOf(holder: Holder): CredentialSource {
    return {
      headers: async () => bearer((await this.#grantOf(holder)).accessToken),
      refused: (response, used) => this.#refused(holder, response, used),
    }
  }

  /** Sends a person to the authorization server. Rejects with `upstream.unavailable`. */
  async begin(holder: Holder, wanted: Wanted): Promise<Departure> {
    const granted = (await this.#grants.peek(holder))?.scopes ?? []
    // A person may be sent because the upstream has moved to another server, so nothing old is believed.
    this.#found.delete(wanted.metadataUrl ?? '')
    try {
      return await depart({ ...this.#options, discover: (one) => this.#discover(one.metadataUrl) }, wanted, granted)
    } catch (cause) {
      throw failed('the authorization server cannot be used', cause)
    }
  }

  /** Turns the query with which a person comes back into a grant. Rejects with `connect.refused`. */
  arrive(flow: Flow, query: string): Promise<Grant> {
    return arrive(this.#options, flow, query)
  }

  keep(holder: Holder, grant: Grant): Promise<void> {
    return this.#grants.keep(holder, grant)
  }

  async #grantOf(holder: Holder): Promise<Grant> {
    const { settings } = this.#options
    const grant = await this.#grants.current(holder).catch((cause: unknown) => {
      throw failed('the token could not be renewed', cause)
    })
    if (grant !== undefined && this.#isOurs(grant)) return grant
    if (settings.grant === 'client-credentials') return this.#obtain(holder, settings.scopes, undefined)
    throw this.#notConnected('no grant', [], undefined)
  }

  /** A grant of an issuer or a client that the configuration does not name any more is nobody's. */
  #isOurs({ issuer, clientId }: Grant): boolean {
    const { settings } = this.#options
    if (settings.issuer !== undefined && settings.issuer !== issuer) return false
    return settings.client.kind !== 'registered' || settings.client.id === clientId
  }

  async #refused(holder: Holder, response: BufferedResponse, used: readonly string[]): Promise<boolean> {
    const { settings } = this.#options
    const challenge = challengeOf(response)
    const token = tokenOf(used)
    const isOwn = settings.grant === 'client-credentials'
    const granted = (await this.#grants.peek(holder))?.scopes ?? []
    if (response.status === 403) {
      if (challenge.error !== 'insufficient_scope') return false
      // To ask again for what is there already would go round for ever.
      if (challenge.scopes.every((scope) => granted.includes(scope))) return false
      if (!isOwn) throw this.#notConnected('insufficient scope', challenge.scopes, challenge.metadataUrl)
      await this.#obtain(holder, [...new Set([...granted, ...challenge.scopes])], challenge.metadataUrl)
      return true
    }
    const next = await this.#grants.after(holder, token).catch((cause: unknown) => {
      throw failed('the token could not be renewed', cause)
    })
    if (next !== undefined) return true
    if (!isOwn) throw this.#notConnected('the upstream refused the token', challenge.scopes, challenge.metadataUrl)
    await this.#obtain(holder, [...new Set([...settings.scopes, ...granted])], challenge.metadataUrl)
    return true
  }

  #notConnected(reason: string, scopes: readonly string[], metadataUrl: string | undefined): Fault {
    const { upstream } = this.#options.settings
    return new NotConnected(upstream, reason, { upstream, scopes, ...(metadataUrl !== undefined && { metadataUrl }) })
  }

  /** One request for all who wait. */
  #obtain(holder: Holder, scopes: readonly string[], metadataUrl: string | undefined): Promise<Grant> {
    const key = JSON.stringify([holder.tenant, holder.principal ?? null, scopes])
    const known = this.#obtaining.get(key)
    if (known !== undefined) return known
    const obtaining = this.#obtainNow(holder, scopes, metadataUrl).finally(() => this.#obtaining.delete(key))
    this.#obtaining.set(key, obtaining)
    return obtaining
  }

  async #obtainNow(holder: Holder, scopes: readonly string[], metadataUrl: string | undefined): Promise<Grant> {
    try {
      const found = await this.#discover(metadataUrl)
      const client = await clientOf(this.#options, found.server)
      const grant = await ownGrant({ found, client, clock: this.#options.clock }, scopes)
      await this.#grants.keep(holder, grant)
      return grant
    } catch (cause) {
      throw failed('no token was issued', cause)
    }
  }

  async #refresh(grant: Grant, refreshToken: string): Promise<Grant> {
    const found = await this.#discover(grant.metadataUrl)
    // Another server must never see this one's refresh token.
    if (found.server.issuer !== grant.issuer) throw new GrantOver()
    const client = await clientOf(this.#options, found.server)
    return refresh({ found, client, clock: this.#options.clock }, grant, refreshToken).catch((thrown: unknown) => {
      throw isDead(thrown) ? thrown : failed('refresh', thrown)
    })
  }

  /** Without a word of the upstream it is asked for one. What was found is believed for a while. */
  async #discover(told: string | undefined): Promise<Found> {
    const { settings, clock, fetch, knock } = this.#options
    const known = this.#found.get(told ?? '')
    if (known !== undefined && known.until > clock.now()) return known.found
    const challenge = told === undefined ? await this.#knocked(knock) : undefined
    const metadataUrl = told ?? challenge?.metadataUrl
    const asked = challenge?.scopes ?? []
    const found = {
      ...(await discover({ ...settings, fetch }, metadataUrl)),
      ...(asked.length > 0 && { challenged: asked }),
      ...(told !== undefined && { metadataUrl: told }),
    }
    if (this.#found.size >= MAX_FOUND) this.#found.clear()
    this.#found.set(told ?? '', { until: clock.now() + FOUND_MS, found })
    return found
  }

  async #knocked(knock: () => Promise<HttpResponse>): Promise<Challenge | undefined> {
    const response = await knock()
    if (response.kind === 'stream') response.stream.abort()
    return response.status === 401 ? challengeOf(response) : undefined
  }
}

const bearer = (token: string): readonly string[] => ['authorization', `Bearer ${token}`]
const tokenOf = (used: readonly string[]): string => (used[1] ?? '').replace(/^Bearer /, '')
