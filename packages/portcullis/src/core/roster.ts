/** One member's place in a roster, given back when it leaves. */
export interface Seat<Member> {
  readonly member: Member
  /** Index among the seats; -1 when the member has left. */
  at: number
}

/**
 * What is under way right now, in no order.
 *
 * A Set would do, but it is hashed, and it gets a new table every few dozen changes; here each change is one write, and
 * nothing that has left is referred to any more.
 */
export class Roster<Member> {
  readonly #seats: Seat<Member>[] = []

  get size(): number {
    return this.#seats.length
  }

  /** The members as they are now; whoever walks through them may let members leave. */
  get members(): readonly Member[] {
    return this.#seats.map((seat) => seat.member)
  }

  /** The seats as they are now. */
  get seats(): readonly Seat<Member>[] {
    return [...this.#seats]
  }

  enter(member: Member): Seat<Member> {
    const seat = { member, at: this.#seats.length }
    this.#seats.push(seat)
    return seat
  }

  /** The last one takes the place that becomes free. Idempotent. */
  leave(seat: Seat<Member>): void {
    if (seat.at < 0) return
    const last = this.#seats.pop() as Seat<Member>
    if (last !== seat) {
      this.#seats[seat.at] = last
      last.at = seat.at
    }
    seat.at = -1
  }
}
