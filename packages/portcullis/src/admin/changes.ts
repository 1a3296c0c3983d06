/** Decides when a change happens: after its record is durable, and never two of one tenant at once. */
import type { Ledger } from '../audit/ledger.ts'
import type { Detail } from '../audit/record.ts'
import { scrub } from '../audit/scrub.ts'
import type { Principal } from '../core/principal.ts'
import { digestOf } from '../mcp/canonical.ts'

/** What a record says of a change. `before` and `after` are the thing without its secrets; absent: it is not there. */
export interface ChangeFacts {
  /** Such as `key.revoked`. */
  readonly what: string
  readonly id: string
  readonly before?: object
  readonly after?: object
  readonly detail?: Detail
}

/** Call it right before the change is made. Rejects with `audit.unavailable`: then nothing is to be changed. */
export type Announce = (facts: ChangeFacts) => Promise<void>

/** Looks, announces, changes. What is found to be as asked already is not announced. */
export type Work<T> = (announce: Announce) => Promise<T>

export interface ChangeMaker {
  readonly tenant: string
  readonly asker: Principal
  readonly incident: string
}

/**
 * The record of a change stands before the change. When the change then fails, a second record says so; should that one
 * fail as well, the outcome record of the request, which has the same incident, tells of the failure.
 */
export class Changes {
  readonly #ledger: Pick<Ledger, 'append'>
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(ledger: Pick<Ledger, 'append'>) {
    this.#ledger = ledger
  }

  /** What is read inside of `work` is not changed by another administrator before it is over. */
  async make<T>(maker: ChangeMaker, work: Work<T>): Promise<T> {
    const { tenant } = maker
    const before = this.#turns.get(tenant) ?? Promise.resolve()
    const turn = before.then(
      () => this.#work(maker, work),
      () => this.#work(maker, work),
    )
    this.#turns.set(tenant, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(tenant) === turn) this.#turns.delete(tenant)
    }
  }

  async #work<T>(maker: ChangeMaker, work: Work<T>): Promise<T> {
    const announced: ChangeFacts[] = []
    try {
      return await work(async (facts) => {
        await this.#record(maker, facts.what, factsOf(facts))
        announced.push(facts)
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

function factsOf({ id, before, after, detail }: ChangeFacts): Detail {
  return {
    id,
    ...(before && { before: digestOf(before) }),
    ...(after && { after: digestOf(after) }),
    ...detail,
  }
}
