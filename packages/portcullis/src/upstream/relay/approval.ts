/** Asks the person behind a client whether one call may go on, and takes each yes once. */
import { randomUUID } from 'node:crypto'
import { isBulky } from '../../core/bulk.ts'
import type { Cancellation } from '../../core/cancellation.ts'
import type { Clock } from '../../core/clock.ts'
import type { Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Parsed } from '../../mcp/call.ts'
import { canonicalJson } from '../../mcp/canonical.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { declaredCapabilities } from '../../mcp/envelope.ts'
import { type Id, isError, isRecord, type Params } from '../../mcp/message.ts'
import { problemOfAsk } from '../../mcp/police.ts'
import type { Sessioned } from './attach-session.ts'
import { SingleUse } from './single-use.ts'
import type { StateSeal } from './seal-state.ts'
import { ownerOf } from './owner.ts'

/** What is known of a call when a person is asked about it. */
export type Asked = Exchange & Authenticated & Parsed & Sessioned & Resolved & { readonly cancellation?: Cancellation }

/** Fact: a person has approved this call. Sealed states of its further rounds carry `approved`, so nobody is asked twice. */
export interface Approved {
  readonly approved?: string
}

export type Answer = 'accepted' | 'declined' | 'expired' | 'unable'

/** Hears of each question before it is asked, and of its answer before anything follows from it. */
export interface ApprovalWitness {
  proposed(exchange: Asked, approval: string): Promise<void>
  decided(exchange: Asked, approval: string, answer: Answer): Promise<void>
}

export interface ApprovalParts {
  readonly seal: StateSeal
  readonly clock: Clock
  /** How long a modern client may take; a legacy one is asked within the deadline of its call. */
  readonly answerMs: number
  readonly witness: ApprovalWitness
}

/** Question and answer have this name among the `inputRequests`. */
const KEY = 'portcullis-approval'
const MAX_SHOWN = 4_000
/** Also the letters and marks that show nothing. */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]/gu
/** Questions that wait for their answers, of all and of one principal. */
const MAX_WAITING = 10_000
const MAX_WAITING_EACH = 64

/**
 * What is approved is the request that the state is sealed for: principal, method and all parameters, so also the tool and
 * its arguments (`StateSeal`). Whoever changes one of them is asked anew.
 */
export class Approvals {
  readonly #parts: ApprovalParts
  readonly #tickets: SingleUse

  constructor(parts: ApprovalParts) {
    this.#parts = parts
    this.#tickets = new SingleUse(parts.clock, parts.answerMs, MAX_WAITING, MAX_WAITING_EACH)
  }

  /**
   * Resolves when the call is approved. Throws `inspection.approval_required` with the question for a modern client,
   * `inspection.not_approved` when the answer is no, comes too late, or nobody can be asked.
   */
  async demand(exchange: Asked, question: string): Promise<Approved> {
    if (exchange.call.era === 'legacy') return this.#askNow(exchange, question)
    const answered = this.#answered(exchange)
    if (answered === undefined) return this.#askLater(exchange, question)
    const { approval, answer, isNew } = answered
    if (isNew) await this.#parts.witness.decided(exchange, approval, answer)
    if (answer !== 'accepted') throw refused(answer)
    return { approved: approval }
  }

  /** The mark for a state of a later round of an approved call; good once. */
  carry(exchange: Authenticated & Approved): { readonly approved?: string } {
    if (exchange.approved === undefined) return {}
    return { approved: `${exchange.approved}.${this.#tickets.issue(ownerOf(exchange.principal))}` }
  }

  /** What a modern client brought back; undefined when it has not been asked yet. */
  #answered(exchange: Asked) {
    const { call, principal, upstream } = exchange
    const state = call.params['requestState']
    if (state === undefined) return undefined
    const inner = this.#parts.seal.open(state, principal, call.method, call.params)
    if (inner.upstream !== upstream) throw new Fault('state.invalid')
    if (inner.approved !== undefined) {
      const [approval = '', ticket = ''] = inner.approved.split('.')
      if (!this.#tickets.take(ticket)) throw new Fault('state.expired')
      return { approval, answer: 'accepted' as const, isNew: false }
    }
    if (inner.approval === undefined) return undefined
    const { id, ticket } = inner.approval
    if (!this.#tickets.take(ticket)) throw new Fault('state.expired')
    const responses = call.params['inputResponses']
    return { approval: id, answer: answerOf(isRecord(responses) ? responses[KEY] : undefined), isNew: true }
  }

  async #askLater(exchange: Asked, question: string): Promise<never> {
    const { call, principal, upstream = '' } = exchange
    const { witness, seal } = this.#parts
    const id = randomUUID()
    const params = form(exchange, question)
    await witness.proposed(exchange, id)
    if (problemOfAsk('elicitation/create', params, declaredCapabilities(call.params)) !== undefined) {
      await witness.decided(exchange, id, 'unable')
      throw refused('unable')
    }
    const ticket = this.#tickets.issue(ownerOf(exchange.principal))
    const { requestState, inputResponses } = call.params
    const approval = {
      id,
      ticket,
      ...(typeof requestState === 'string' && { requestState }),
      ...(isRecord(inputResponses) && { inputResponses }),
    }
    const state = seal.seal({ upstream, approval }, principal, call.method, call.params)
    throw new Fault('inspection.approval_required', { approval: id }, { question: { key: KEY, params, state } })
  }

  async #askNow(exchange: Asked, question: string): Promise<Approved> {
    const { session, call, cancellation, outlet } = exchange
    if (session === undefined) throw new Fault('session.required')
    const id = randomUUID()
    await this.#parts.witness.proposed(exchange, id)
    const done = cancellation && session.begin(call.message['id'] as Id, cancellation)
    const params = form(exchange, question)
    try {
      const response = await session.ask(
        { jsonrpc: '2.0', id, method: 'elicitation/create', params },
        outlet,
        cancellation,
      )
      const late = cancellation?.cancelled === true ? 'expired' : 'unable'
      const answer = isError(response) ? late : answerOf(response.result)
      await this.#parts.witness.decided(exchange, id, answer)
      if (answer !== 'accepted') throw refused(answer)
      return { approved: id }
    } finally {
      done?.()
    }
  }
}

/** Only a plain yes is one. */
function answerOf(value: unknown): Answer {
  if (!isRecord(value) || value['action'] !== 'accept' || !isRecord(value['content'])) return 'declined'
  return value['content']['approve'] === true ? 'accepted' : 'declined'
}

/** The person sees all of what will be sent, not what a model says about it. Throws `inspection.not_approved` for too much. */
function form({ upstream, item, call }: Asked, question: string): Params {
  // A URI is whatever the caller writes: as JSON it cannot end its quotes, nor the line that it stands in.
  const name = JSON.stringify(item.kind === 'none' ? call.method : item.name)
  const args = call.params['arguments'] ?? {}
  const shown = isBulky(args) ? undefined : canonicalJson(args)
  if (shown === undefined || shown.length + name.length > MAX_SHOWN) throw refused('unable', TOO_LONG)
  const [first, second] = [`Shall ${name} of "${upstream ?? ''}" be called? ${question}`, shown].map((line) =>
    line.replace(UNSEEN, '\uFFFD'),
  )
  return {
    mode: 'form',
    message: `${first}\n${second}`,
    requestedSchema: {
      type: 'object',
      properties: { approve: { type: 'boolean', title: 'Allow this one call' } },
      required: ['approve'],
    },
  }
}

const SENTENCES: Readonly<Record<Exclude<Answer, 'accepted'>, string>> = {
  declined: 'A person was asked and did not approve this call.',
  expired: 'A person was asked and did not answer in time.',
  unable: 'This call needs the approval of a person, and this client cannot ask for it (elicitation).',
}

const TOO_LONG = 'This call needs the approval of a person, and its arguments are too long to be shown to one.'

const refused = (answer: Exclude<Answer, 'accepted'>, says = SENTENCES[answer]): Fault =>
  new Fault('inspection.not_approved', { answer }, { says })
