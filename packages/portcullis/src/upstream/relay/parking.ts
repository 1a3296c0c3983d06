import { randomUUID } from 'node:crypto'
import { Cancellation } from '../../core/cancellation.ts'
import { Fault } from '../../core/fault.ts'
import type { Principal } from '../../core/principal.ts'
import { type Forms, formsOf } from '../../mcp/forms.ts'
import { type Id, isRecord, type Params, type Request, type Response } from '../../mcp/message.ts'
import type { LinkEvents } from '../link.ts'
import { ownerOf } from './owner.ts'

/** What a parked call has for its caller: its final response, or questions to be answered first. */
export type Outcome =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'asks'; readonly asks: Readonly<Record<string, Params>> }

/**
 * A call of a modern client on a legacy upstream. The upstream asks in the middle of the call and waits; the client must
 * be answered with `input_required` and comes back with another request. In between the call stays here.
 */
export class ParkedCall {
  readonly id = randomUUID()
  readonly upstream: string
  /** Ends the upstream's side: when the caller leaves while it is being served, or when nobody came back in time. */
  readonly cancellation = new Cancellation()
  readonly #asks = new Map<string, { readonly request: Request; readonly resolve: (response: Response) => void }>()
  #count = 0
  #notify: LinkEvents['notify']
  #waiter: ((outcome: Outcome | Error) => void) | undefined
  #settled: Outcome | Error | undefined

  constructor(upstream: string, notify: LinkEvents['notify']) {
    this.upstream = upstream
    this.#notify = notify
  }

  /** The events to give to the link. */
  readonly events: LinkEvents = {
    notify: (message) => this.#notify(message),
    ask: (request, withdrawn) =>
      new Promise((resolve) => {
        if (request.method === 'ping') return resolve({ jsonrpc: '2.0', id: request.id, result: {} })
        const key = `ask-${++this.#count}`
        this.#asks.set(key, { request, resolve })
        // Nobody is asked any more what the upstream took back; it hears nothing of this answer.
        withdrawn?.onCancel(() => {
          if (this.#asks.delete(key)) resolve(takenBack(request.id))
        })
        // Questions that arrive together go out together.
        setImmediate(() => this.#wake())
      }),
  }

  follow(running: Promise<Response>): void {
    running.then(
      (response) => this.#settle({ kind: 'response', response }),
      (thrown: unknown) =>
        this.#settle(thrown instanceof Error ? thrown : new Fault('internal', {}, { cause: thrown })),
    )
  }

  /** Waits for the response or for questions, whichever comes first. */
  next(): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiter = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))
      this.#wake()
    })
  }

  /** What the questions that wait ask for, by their keys; undefined when none of them is a form. */
  get forms(): Forms | undefined {
    return formsOf(Object.fromEntries([...this.#asks].map(([key, { request }]) => [key, request])))
  }

  /** Hands the client's answers to the upstream. Keys that were not asked are ignored (MRTR, "Client Requirements"). */
  answer(inputResponses: unknown, notify: LinkEvents['notify']): void {
    this.#notify = notify
    const given = isRecord(inputResponses) ? inputResponses : {}
    for (const [key, { request, resolve }] of [...this.#asks]) {
      const value = given[key]
      if (!isRecord(value)) continue
      this.#asks.delete(key)
      resolve({ jsonrpc: '2.0', id: request.id, result: value })
    }
  }

  #settle(outcome: Outcome | Error): void {
    this.#settled = outcome
    this.#wake()
  }

  #wake(): void {
    const waiter = this.#waiter
    if (waiter === undefined) return
    const outcome = this.#settled ?? this.#pendingAsks()
    if (outcome === undefined) return
    this.#waiter = undefined
    waiter(outcome)
  }

  #pendingAsks(): Outcome | undefined {
    if (this.#asks.size === 0) return undefined
    const asks = [...this.#asks].map(([key, { request }]) => [
      key,
      { method: request.method, params: request.params ?? {} },
    ])
    return { kind: 'asks', asks: Object.fromEntries(asks) as Record<string, Params> }
  }
}

const takenBack = (id: Id): Response => ({ jsonrpc: '2.0', id, error: { code: -32603, message: 'Taken back.' } })

/** The calls that wait for their callers. Bounded in time, in all and for each principal; a call belongs to its principal. */
export class Parking {
  readonly #calls = new Map<
    string,
    { readonly call: ParkedCall; readonly principal: Principal; readonly owner: string; readonly timer: NodeJS.Timeout }
  >()
  readonly #ttlMs: number
  readonly #max: number
  readonly #maxEach: number

  constructor(ttlMs: number, max: number, maxEach = max) {
    this.#ttlMs = ttlMs
    this.#max = max
    this.#maxEach = maxEach
  }

  get size(): number {
    return this.#calls.size
  }

  park(call: ParkedCall, principal: Principal): void {
    const owner = ownerOf(principal)
    const own = [...this.#calls.values()].filter((parked) => parked.owner === owner).length
    if (this.#calls.size >= this.#max || own >= this.#maxEach) {
      call.cancellation.cancel('shutdown')
      throw new Fault('limits.concurrency', { parked: this.#calls.size, own })
    }
    const timer = setTimeout(() => this.#drop(call.id), this.#ttlMs).unref()
    this.#calls.set(call.id, { call, principal, owner, timer })
  }

  /** Takes a call out; each parking is good for one return. Throws `state.expired` when it is gone or another's. */
  take(id: string, principal: Principal): ParkedCall {
    const parked = this.#calls.get(id)
    if (parked === undefined || parked.owner !== ownerOf(principal)) throw new Fault('state.expired')
    clearTimeout(parked.timer)
    this.#calls.delete(id)
    return parked.call
  }

  /** Ends the calls of principals that a revocation names: they could not come back. */
  endWhere(matches: (principal: Principal) => boolean): void {
    for (const [id, { principal }] of [...this.#calls]) if (matches(principal)) this.#drop(id)
  }

  close(): void {
    for (const id of [...this.#calls.keys()]) this.#drop(id)
  }

  #drop(id: string): void {
    const parked = this.#calls.get(id)
    if (parked === undefined) return
    clearTimeout(parked.timer)
    this.#calls.delete(id)
    parked.call.cancellation.cancel('deadline')
  }
}
