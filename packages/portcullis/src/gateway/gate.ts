/** What stands between the listener and the stages: open only while the gateway is whole. */
import type { Answer, Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { answerOf } from '../mcp/refusal.ts'
import type { SessionTable } from '../upstream/relay/session-table.ts'

type Serve = (exchange: Exchange) => Promise<Answer>
type JournalOf = SessionTable['journalOf']

/** Refuses everybody until the gateway is whole, and again once it is ending. */
export class Gate {
  #serve: Serve = refusing('transport.starting')
  #journalOf: JournalOf = () => undefined

  open(serve: Serve, journalOf: JournalOf): void {
    this.#serve = serve
    this.#journalOf = journalOf
  }

  shut(): void {
    this.#serve = refusing('transport.draining')
  }

  readonly serve: Serve = (exchange) => this.#serve(exchange)

  readonly journalOf: JournalOf = (session) => this.#journalOf(session)
}

const refusing =
  (code: 'transport.starting' | 'transport.draining'): Serve =>
  async (exchange) =>
    answerOf(new Fault(code, {}, { headers: { 'Retry-After': '1' } }), exchange)
