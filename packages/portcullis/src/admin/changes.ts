/** Decides when a change happens: after its record is durable, never two of one tenant at once, and what ends something first. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from '../audit/ledger.ts'
import type { Detail } from '../audit/record.ts'
import { scrub } from '../audit/scrub.ts'
import type { Cancellation, CancelReason } from '../core/cancellation.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Principal } from '../core/principal.ts'
import { digestOf } from '../mcp/canonical.ts'
import { StoreError } from '../stores/store-error.ts'
import type { TurnStore } from '../stores/turn-store.ts'

/** What a record says of a change. `before` and `after` are the thing without its secrets; absent: it is not there. */
export interface ChangeFacts {
  /** Such as `key.revoked`. */
  readonly what: string
  readonly id: string
  readonly before?: object
  readonly after?: object
  readonly detail?: Detail
}

/**
 * Call it right before the change is made. Rejects with `audit.unavailable`, or when the request has ended meanwhile: then
 * nothing is to be changed.
 */
export type Announce = (facts: ChangeFacts) => Promise<void>

/** Looks, announces, changes. What is found to be as asked already is not announced. */
export type Work<T> = (announce: Announce) => Promise<T>

export interface ChangeMaker {
  readonly tenant: string
  readonly asker: Principal
  readonly incident: string
  /** Tells that the request is over, because its credential or its time is. Absent where nothing can end it. */
  readonly ended?: Pick<Cancellation, 'reason'>
}

interface Line {
  readonly urgent: (() => void)[]
  readonly usual: (() => void)[]
}

/** A process that dies keeps its turn for so long; one that lives takes it anew meanwhile, and before each change. */
const TURN_MS = 10_000
const RENEW_MS = TURN_MS / 4
const PATIENCE_MS = 12_000
const ASK_AGAIN_MS = 20
/** Another process that takes one turn after the other leaves only moments between them. */
const ASK_URGENTLY_MS = 1

/**
 * The record of a change stands before the change. When the change then fails, a second record says so; should that one
 * fail as well, the outcome record of the request, which has the same incident, tells of the failure.
 */
export class Changes {
  readonly #ledger: Pick<Ledger, 'append'>
  readonly #turns: TurnStore
  /** Who waits, for each tenant in which somebody has the turn. */
  readonly #lines = new Map<string, Line>()

  /** `turns` are those of the store, which other processes may work on, too. */
  constructor(ledger: Pick<Ledger, 'append'>, turns: TurnStore) {
    this.#ledger = ledger
    this.#turns = turns
  }

  /**
   * What is read inside of `work` is not changed by another administrator, of this process or another, before it is over. What is urgent goes before all
   * that wait: a stolen key must not be able to hold up its own end.
   */
  async make<T>(maker: ChangeMaker, work: Work<T>, isUrgent = false): Promise<T> {
    const { tenant } = maker
    await this.#turn(tenant, isUrgent)
    try {
      return await this.#alone(tenant, isUrgent, (mustHold) => this.#work(maker, work, mustHold))
    } finally {
      this.#pass(tenant)
    }
  }

  /** Among all processes: whoever has let the turn run out must not make a change any more. */
  async #alone<T>(tenant: string, isUrgent: boolean, act: (mustHold: () => Promise<void>) => Promise<T>): Promise<T> {
    const holder = randomUUID()
    const givesUpAt = performance.now() + PATIENCE_MS
    while (!(await this.#turns.take(tenant, holder, TURN_MS))) {
      if (performance.now() > givesUpAt)
        throw new Fault('administration.changed', { reason: 'the turn is not passed on' })
      await pause(isUrgent ? ASK_URGENTLY_MS : ASK_AGAIN_MS)
    }
    // Of a renewal that fails the next change is told: it is not made.
    const renewal = setInterval(() => void this.#turns.keep(tenant, holder, TURN_MS).catch(() => undefined), RENEW_MS)
    try {
      const mustHold = async () => {
        if (!(await this.#turns.keep(tenant, holder, TURN_MS))) throw lost()
      }
      return await this.#turns.guard(tenant, holder, () => act(mustHold))
    } catch (thrown) {
      throw thrown instanceof StoreError && thrown.code === 'turn_lost' ? lost(thrown) : thrown
    } finally {
      clearInterval(renewal)
      // It runs out by itself where the store does not answer.
      await this.#turns.pass(tenant, holder).catch(() => undefined)
    }
  }

  async #turn(tenant: string, isUrgent: boolean): Promise<void> {
    const line = this.#lines.get(tenant)
    if (line === undefined) return void this.#lines.set(tenant, { urgent: [], usual: [] })
    return new Promise((begin) => (isUrgent ? line.urgent : line.usual).push(begin))
  }

  #pass(tenant: string): void {
    const { urgent = [], usual = [] } = this.#lines.get(tenant) ?? {}
    const next = urgent.shift() ?? usual.shift()
    if (next === undefined) this.#lines.delete(tenant)
    else next()
  }

  async #work<T>(maker: ChangeMaker, work: Work<T>, mustHold: () => Promise<void>): Promise<T> {
    const announced: ChangeFacts[] = []
    try {
      refuseEnded(maker)
      return await work(async (facts) => {
        refuseEnded(maker)
        await this.#record(maker, facts.what, factsOf(facts))
        announced.push(facts)
        refuseEnded(maker)
        await mustHold()
      })
    } catch (thrown) {
      for (const { what, id } of announced) await this.#record(maker, `${what}.failed`, { id }).catch(() => undefined)
      throw thrown
    }
  }

  #record({ tenant, asker, incident }: ChangeMaker, what: string, detail: Detail): Promise<void> {
    const from = asker.tenant === tenant ? {} : { byTenant: asker.tenant }
    return this.#ledger.append(tenant, {
      kind: 'change',
      what,
      by: asker.id,
      detail: scrub({ ...detail, ...from, incident }) as Detail,
    })
  }
}

const lost = (cause?: unknown): Fault =>
  new Fault('administration.changed', { reason: 'the turn was lost' }, cause === undefined ? {} : { cause })

const ENDED: Partial<Readonly<Record<CancelReason, FaultCode>>> = {
  revoked: 'identity.revoked',
  blocked: 'traffic.caller_blocked',
}

/** Who waits behind the change that revokes them must not have the next turn. */
function refuseEnded({ ended }: ChangeMaker): void {
  if (ended?.reason === undefined) return
  throw new Fault(ENDED[ended.reason] ?? 'limits.deadline', { reason: ended.reason })
}

function factsOf({ id, before, after, detail }: ChangeFacts): Detail {
  return {
    id,
    ...(before && { before: digestOf(before) }),
    ...(after && { after: digestOf(after) }),
    ...detail,
  }
}
