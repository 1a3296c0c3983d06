import { Cancellation } from '../core/cancellation.ts'
import { FAULTS, toFault } from '../core/fault.ts'
import type { Id, Request, Response } from '../mcp/message.ts'
import type { LinkEvents } from './link.ts'

/** Questions of one upstream that may be open at a time; more are answered with an error. */
const MAX_OPEN = 64

/**
 * The requests that a legacy upstream makes of its client (sampling, elicitation, roots), while they are open. Every
 * question gets exactly one answer, and it carries the upstream's id.
 */
export class Questions {
  readonly #open = new Map<Id, { readonly withdrawn: Cancellation; readonly owner: unknown }>()

  /** Resolves with what is to be sent back, or with nothing when the question was taken back. Never rejects. */
  async ask(request: Request, events: LinkEvents | undefined, owner?: unknown): Promise<Response | undefined> {
    const { id, method } = request
    if (method === 'ping') return { jsonrpc: '2.0', id, result: {} }
    if (events === undefined) return failure(id, -32601, 'Method not found.')
    // A stream that is taken up again may repeat a question that is still open.
    if (this.#open.has(id)) return undefined
    if (this.#open.size >= MAX_OPEN) return failure(id, 503, 'Too many requests at once.')
    const withdrawn = new Cancellation()
    this.#open.set(id, { withdrawn, owner })
    try {
      const response = await events.ask(request, withdrawn)
      return withdrawn.cancelled ? undefined : { ...response, id }
    } catch (thrown) {
      const fault = toFault(thrown)
      return withdrawn.cancelled ? undefined : failure(id, FAULTS[fault.code].rpc, fault.says)
    } finally {
      this.#open.delete(id)
    }
  }

  /** The upstream took a question back (`notifications/cancelled`). Says whether there was one. */
  withdraw(id: unknown): boolean {
    const question = this.#open.get(id as Id)
    question?.withdrawn.cancel('client-cancelled')
    return question !== undefined
  }

  /** Withdraws the questions of one owner, whose call has ended, or without one all of them. */
  end(owner?: unknown): void {
    if (this.#open.size === 0) return
    for (const question of [...this.#open.values()]) {
      if (owner === undefined || question.owner === owner) question.withdrawn.cancel('upstream-ended')
    }
  }
}

const failure = (id: Id, code: number, message: string): Response => ({ jsonrpc: '2.0', id, error: { code, message } })
