/** Decides who is told of what one upstream reports to everybody: those who listen have one place each, and one registration there is for all. */
import { Roster, type Seat } from '../../core/roster.ts'
import type { Notification } from '../../mcp/message.ts'
import type { Upstream } from '../upstream.ts'

export interface AudienceMember {
  /** It cannot hold the others up; when it throws it has heard its last. */
  tell(message: Notification): void
  ended(thrown: unknown): void
  /** The scope of the links on which an upstream of the legacy era speaks to it; undefined for one of the modern era. */
  readonly scope: string | undefined
}

const TOOLS_CHANGED: Notification = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }

export class Audience {
  readonly #members = new Roster<AudienceMember>()

  constructor(upstream: Upstream) {
    const everybody = (): boolean => true
    upstream.catalogue.onChange(() => this.#tell(TOOLS_CHANGED, everybody))
    upstream.onRejudged((what) =>
      this.#tell({ jsonrpc: '2.0', method: `notifications/${what}/list_changed` }, everybody),
    )
    // What another scope's link reports is another's, even if both asked for the same.
    upstream.onUnsolicited((message, scope) => this.#tell(message, (member) => member.scope === scope))
  }

  enter(member: AudienceMember): Seat<AudienceMember> {
    return this.#members.enter(member)
  }

  /** Idempotent. */
  leave(seat: Seat<AudienceMember>): void {
    this.#members.leave(seat)
  }

  /** One that throws has heard its last; the others hear it all the same. */
  #tell(message: Notification, concerns: (member: AudienceMember) => boolean): void {
    for (const seat of this.#members.seats) {
      if (seat.at < 0 || !concerns(seat.member)) continue
      try {
        seat.member.tell(message)
      } catch (thrown) {
        this.#members.leave(seat)
        seat.member.ended(thrown)
      }
    }
  }
}
