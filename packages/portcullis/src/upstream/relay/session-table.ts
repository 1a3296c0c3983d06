import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Principal } from '../../core/principal.ts'
import type { Route } from '../../core/route.ts'
import type { LinkClient } from '../link.ts'
import { type Journal, JournalSpace } from './journal.ts'
import { Session } from './session.ts'

export interface SessionLimits {
  readonly perPrincipal: number
  readonly total: number
  readonly idleMs: number
}

/** All legacy sessions of this process: bounded, bound to their principals, ended when idle. */
export class SessionTable {
  readonly #sessions = new Map<string, Session>()
  readonly #limits: SessionLimits
  readonly #clock: Clock
  readonly #journalSpace = new JournalSpace()
  readonly #sweep: NodeJS.Timeout
  #ended: ((seconds: number) => void) | undefined

  constructor(limits: SessionLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(limits.idleMs, 30_000)).unref()
  }

  /** Calls `listener` with how long a session has lasted, when it ends. */
  onEnded(listener: (seconds: number) => void): void {
    this.#ended = listener
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Throws `session.too_many`; a principal at its limit loses its oldest idle session first. */
  open(principal: Principal, route: Route, client: LinkClient): Session {
    const own = [...this.#sessions.values()].filter((session) => sameOwner(session.principal, principal))
    if (own.length >= this.#limits.perPrincipal || this.#sessions.size >= this.#limits.total) {
      const oldest = own.filter((session) => !session.busy).sort((a, b) => a.lastUsedAt - b.lastUsedAt)[0]
      if (oldest === undefined) throw new Fault('session.too_many', { principal: principal.id, open: own.length })
      this.end(oldest)
    }
    // 256 random bits in visible ASCII (MCP 2025-11-25 transports, "Session Management").
    const id = randomBytes(32).toString('base64url')
    const session = new Session(id, principal, route, client, this.#clock.now(), this.#journalSpace)
    this.#sessions.set(session.id, session)
    const openedAt = this.#clock.now()
    session.onEnd(() => {
      if (this.#sessions.delete(session.id)) this.#ended?.((this.#clock.now() - openedAt) / 1_000)
    })
    return session
  }

  /** Throws `session.unknown` for what is not there and for what belongs to somebody else alike. */
  find(id: string, principal: Principal, route: Route): Session {
    const session = this.#sessions.get(id)
    if (session === undefined || !session.belongsTo(principal, route)) throw new Fault('session.unknown')
    if (this.#isIdle(session)) {
      session.end()
      throw new Fault('session.unknown')
    }
    session.lastUsedAt = this.#clock.now()
    return session
  }

  ofTenant(tenant: string): readonly Session[] {
    return [...this.#sessions.values()].filter(({ principal }) => principal.tenant === tenant)
  }

  /** The journal of a session that has already been found for its owner. */
  journalOf(id: string): Journal | undefined {
    return this.#sessions.get(id)?.journal
  }

  end(session: Session): void {
    session.end()
  }

  /** Ends the sessions that a revocation names. */
  endWhere(matches: (principal: Principal) => boolean): void {
    for (const session of [...this.#sessions.values()]) if (matches(session.principal)) session.end('revoked')
  }

  close(): void {
    clearInterval(this.#sweep)
    for (const session of [...this.#sessions.values()]) session.end('shutdown')
  }

  #endIdle(): void {
    for (const session of [...this.#sessions.values()]) if (this.#isIdle(session)) session.end()
  }

  #isIdle({ busy, lastUsedAt }: Session): boolean {
    return !busy && lastUsedAt < this.#clock.now() - this.#limits.idleMs
  }
}

const sameOwner = (a: Principal, b: Principal): boolean => a.tenant === b.tenant && a.id === b.id
