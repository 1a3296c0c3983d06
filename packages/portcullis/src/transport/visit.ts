/** Decides what is given back when a request has ended, and who hears that its client has left. */
import type { Cancellation } from '../core/cancellation.ts'
import type { Roster, Seat } from '../core/roster.ts'
import type { Reply } from './reply.ts'

/** What is under way on one listener. */
export interface UnderWay {
  /** All requests. */
  readonly open: Roster<Cancellation>
  /** Those whose answer has become a stream. */
  readonly streams: Roster<Reply>
}

/** The places of one request among those under way. */
export class Visit {
  readonly #underWay: UnderWay
  readonly #seat: Seat<Cancellation>
  #stream: Seat<Reply> | undefined

  constructor(underWay: UnderWay, departure: Cancellation, reply: Reply) {
    this.#underWay = underWay
    this.#seat = underWay.open.enter(departure)
    // Only streams need the beat; for an answer that leaves whole it would be one more thing to keep.
    reply.onStream = () => {
      this.#stream = underWay.streams.enter(reply)
    }
  }

  /** The answer has been handed on. Idempotent. */
  end(): void {
    this.#underWay.open.leave(this.#seat)
    if (this.#stream !== undefined) this.#underWay.streams.leave(this.#stream)
  }

  /** The client has left before that. */
  left(): void {
    this.end()
    this.#seat.member.cancel('client-left')
  }
}
