/** Keeps the grants of one upstream: sealed in the vault, refreshed by one caller at a time, gone when the server says so. */
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import type { Holder } from '../access/holder.ts'
import type { TokenVault } from '../access/token-vault.ts'
import type { Grant } from './settings.ts'
import { isDead } from './token-requests.ts'

export interface GrantsOptions {
  readonly upstream: string
  readonly vault: TokenVault
  readonly clock: Clock
  /** Rejects with an error of which `isDead` is true when the grant is over. */
  readonly refresh: (grant: Grant, refreshToken: string) => Promise<Grant>
  /** Hears of a grant that was removed because its server ended it. */
  readonly onLost: (holder: Holder, grant: Grant) => Promise<void>
}

/** A token is renewed this long before its end, so that it does not end on its way. */
const EARLY_MS = 30_000

interface Kept {
  readonly grant: Grant
  readonly revision: string
}

export class Grants {
  readonly #options: GrantsOptions
  readonly #refreshing = new Map<string, Promise<Grant | undefined>>()

  constructor(options: GrantsOptions) {
    this.#options = options
  }

  /** A grant whose token is good for now; undefined when there is none or it has ended. */
  async current(holder: Holder): Promise<Grant | undefined> {
    const kept = await this.#read(holder)
    if (kept === undefined || !this.#isOld(kept.grant)) return kept?.grant
    return this.#renew(holder)
  }

  /** What there is after an upstream has refused `token`: one that somebody has renewed meanwhile, or that is renewed now. */
  async after(holder: Holder, token: string): Promise<Grant | undefined> {
    const kept = await this.#read(holder)
    if (kept === undefined || kept.grant.accessToken !== token) return kept?.grant
    return this.#renew(holder)
  }

  /** The grant as it lies there, however old. */
  async peek(holder: Holder): Promise<Grant | undefined> {
    return (await this.#read(holder))?.grant
  }

  async keep(holder: Holder, grant: Grant): Promise<void> {
    await this.#options.vault.put(this.#name(holder), seal(grant))
  }

  #isOld({ expiresAt }: Grant): boolean {
    return expiresAt !== undefined && expiresAt - EARLY_MS <= this.#options.clock.now()
  }

  /** All who ask meanwhile share one refresh: a rotated refresh token that is used twice ends the whole family (RFC 9700 §4.14). */
  #renew(holder: Holder): Promise<Grant | undefined> {
    const key = JSON.stringify([holder.tenant, holder.principal ?? null])
    const known = this.#refreshing.get(key)
    if (known !== undefined) return known
    const renewing = this.#refresh(holder).finally(() => this.#refreshing.delete(key))
    this.#refreshing.set(key, renewing)
    return renewing
  }

  async #refresh(holder: Holder): Promise<Grant | undefined> {
    const { vault, refresh, onLost } = this.#options
    const name = this.#name(holder)
    const kept = await this.#read(holder)
    if (kept === undefined) return undefined
    const { grant, revision } = kept
    try {
      const renewed = grant.refreshToken === undefined ? undefined : await refresh(grant, grant.refreshToken)
      if (renewed !== undefined) {
        // Whoever was faster, in this process or another, has stored what counts.
        const saved = await vault.replace(name, seal(renewed), revision)
        return saved === undefined ? (await this.#read(holder))?.grant : renewed
      }
    } catch (thrown) {
      if (!isDead(thrown)) throw thrown
      const now = await this.#read(holder)
      if (now !== undefined && now.revision !== revision) return now.grant
    }
    if (await vault.remove(name, revision)) await onLost(holder, grant)
    return undefined
  }

  async #read(holder: Holder): Promise<Kept | undefined> {
    const deposit = await this.#options.vault.get(this.#name(holder))
    if (deposit === undefined) return undefined
    return { grant: JSON.parse(deposit.value.reveal()) as Grant, revision: deposit.revision }
  }

  #name(holder: Holder) {
    return { ...holder, upstream: this.#options.upstream, kind: 'oauth' } as const
  }
}

const seal = (grant: Grant): Secret => new Secret(JSON.stringify(grant))
