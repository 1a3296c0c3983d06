/** Decides, without waiting, whether a principal has been revoked, and tells those who hold open streams. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { News } from '../core/news.ts'
import type { Credential, Principal } from '../core/principal.ts'
import type { Revocation, RevocationNews, RevocationStore } from './revocation-store.ts'

export interface RevocationListParts {
  readonly store: RevocationStore
  readonly clock: Clock
  /** How often the store is asked for news; at most 1000, because a revocation holds on every node within a second. */
  readonly pollMs: number
  /** Without news for so long, nobody is let in: a store that is down must not bring the revoked back. */
  readonly staleAfterMs: number
  /** Told about each failed question to the store. */
  readonly onProblem: (error: unknown) => void
}

export type RevocationListener = (revocations: readonly Revocation[]) => void

/**
 * The credential of a token also carries a digest, so that it can be revoked without its `jti`: of what was signed for a
 * JWT, of the whole for an opaque one.
 */
export interface TokenCredential extends Credential {
  readonly kind: 'jwt' | 'opaque'
  readonly digest: string
  /** Names of what it was issued with, such as one consent or one client, by which all of it is revoked at once. */
  readonly families?: readonly string[]
}

/** What a revocation can name of somebody; without the credential where none was shown. */
export type Revocable = Pick<Principal, 'id' | 'tenant'> & Partial<Pick<Principal, 'credential'>>

/** Whether the revocation names this principal or its credential, whatever the time is. */
export function revokes(revocation: Revocation, principal: Revocable): boolean {
  return namesOf(principal).includes(nameOf(revocation))
}

/** One node's copy of the revocations. It is current only between `start()` and `close()`. */
export class RevocationList {
  readonly #parts: RevocationListParts
  readonly #news: News<RevocationNews>
  readonly #active = new Map<string, Revocation>()
  readonly #listeners = new Set<RevocationListener>()
  #coming: Revocation[] = []
  #currentAt = Number.NEGATIVE_INFINITY

  /** Throws a RangeError when the intervals cannot keep the promise of one second. */
  constructor(parts: RevocationListParts) {
    const { store, clock, pollMs, staleAfterMs, onProblem } = parts
    if (!(staleAfterMs > pollMs)) throw new RangeError('staleAfterMs must be above pollMs')
    this.#parts = parts
    this.#news = new News({
      ...{ source: store, clock, pollMs, onProblem },
      take: (revocations, askedAt) => this.#apply(revocations, askedAt),
      answered: (askedAt) => this.#isCurrent(askedAt),
      prune: (now) => store.prune(now),
    })
  }

  /** Reads what is there and keeps asking. Rejects when the store cannot be read: that is a start-up error. */
  start(): Promise<void> {
    return this.#news.start()
  }

  /** As of `News`; a driver that is told of news calls it. */
  refresh(isAnew = false): Promise<void> {
    return this.#news.refresh(isAnew)
  }

  /** Holds here at once, even if the store fails; holds on every node when the promise resolves and a second has passed. */
  async revoke(revocation: Revocation): Promise<void> {
    this.#apply([revocation], this.#parts.clock.now())
    await this.#parts.store.revoke(revocation)
  }

  /** Whether a revocation of the principal, its key or its token is in force. */
  covers(principal: Revocable, now: number): boolean {
    if (this.#active.size === 0) return false
    return namesOf(principal).some((name) => {
      const revocation = this.#active.get(name)
      return revocation !== undefined && now < revocation.until
    })
  }

  /** What is in force in a tenant now, and what will be, in no order. */
  list(tenant: string, now: number): readonly Revocation[] {
    return [...this.#active.values(), ...this.#coming].filter(
      (revocation) => revocation.tenant === tenant && now < revocation.until,
    )
  }

  /** The suspension of a tenant; undefined when it is not suspended. */
  suspensionOf(tenant: string): Revocation | undefined {
    return this.#active.get(nameOf({ kind: 'tenant', tenant, id: tenant }))
  }

  /** Throws `identity.unavailable` when the news are too old to let anybody in. */
  assertCurrent(now: number): void {
    if (now - this.#currentAt <= this.#parts.staleAfterMs) return
    throw new Fault('identity.unavailable', { reason: 'revocations are not current' })
  }

  /** Calls the listener with those that came into force. Returns a function that forgets it. It must not throw. */
  onRevoked(listener: RevocationListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#news.close()
    this.#listeners.clear()
  }

  #isCurrent(askedAt: number): void {
    this.#currentAt = askedAt
    for (const [name, revocation] of this.#active) if (askedAt >= revocation.until) this.#active.delete(name)
  }

  #apply(news: readonly Revocation[], now: number): void {
    const due: Revocation[] = []
    const later: Revocation[] = []
    for (const revocation of [...this.#coming, ...news]) {
      if (revocation.from > now) later.push(revocation)
      else if (this.#activate(revocation)) due.push(revocation)
    }
    this.#coming = later
    // What the same news take back again never was in force.
    const inForce = due.filter((revocation) => this.#active.get(nameOf(revocation)) === revocation)
    if (inForce.length > 0) for (const listener of this.#listeners) listener(inForce)
  }

  /** Our own news come back from the store: they are not news. */
  #activate(revocation: Revocation): boolean {
    const name = nameOf(revocation)
    if (revocation.until <= revocation.from) {
      this.#active.delete(name)
      return false
    }
    const known = this.#active.get(name)
    if (known !== undefined && known.until >= revocation.until) return false
    this.#active.set(name, revocation)
    return true
  }
}

function nameOf(revocation: Pick<Revocation, 'kind' | 'tenant' | 'id'>): string {
  return `${revocation.kind}\n${revocation.tenant}\n${revocation.id}`
}

function namesOf({ id, tenant, credential }: Revocable): readonly string[] {
  const names = [`tenant\n${tenant}\n${tenant}`, `principal\n${tenant}\n${id}`]
  if (credential === undefined) return names
  // A single certificate is named by its thumbprint, as a token is by its digest.
  const kind = credential.kind === 'api-key' ? 'key' : 'token'
  names.push(`${kind}\n${tenant}\n${credential.id}`)
  if (!isToken(credential)) return names
  names.push(`token\n${tenant}\n${credential.digest}`)
  for (const family of credential.families ?? []) names.push(`token\n${tenant}\n${family}`)
  return names
}

function isToken(credential: Credential): credential is TokenCredential {
  return 'digest' in credential
}
