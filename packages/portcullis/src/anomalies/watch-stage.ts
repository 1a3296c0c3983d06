/** Sees how each request of a known caller ended. Nothing that goes wrong here keeps an answer back. */
import type { Answer, Ending, Exchange } from '../core/exchange.ts'
import { type Fault, type FaultCode, toFault } from '../core/fault.ts'
import { whenEnded } from '../core/lasting.ts'
import { leftOut, type Wrap } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Clock } from '../core/clock.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { isRecord } from '../mcp/message.ts'
import { sizeOf } from './result-size.ts'
import type { Outcome } from './sighting.ts'
import type { Asker, Watch } from './watch.ts'

interface Finding {
  readonly verdict: string
}

type Watched = Exchange &
  Authenticated &
  Partial<Parsed & Resolved> & {
    readonly inspected?: { readonly findings: readonly Finding[]; readonly resultFindings?: readonly Finding[] }
  }

export interface WatchStageParts {
  readonly watch: Watch
  readonly clock: Clock
  /** An address as limits count it. */
  readonly networkOf: (address: string) => string
  /** Nothing but an alert follows for them. */
  readonly isExempt: (principal: Principal) => boolean
  readonly isAdministrator: (principal: Principal) => boolean
  /** Hears of our own mistakes. */
  readonly onFailure: (error: unknown) => void
}

/** Wrap `anomalies.watch`, right after the sign-in. Without parts it costs one call. */
export function watchStage(parts: WatchStageParts | undefined): Wrap<Watched> {
  const name = 'anomalies.watch'
  if (parts === undefined) return leftOut(name)
  const { onFailure } = parts
  const see: See = (exchange, answer, fault) => {
    try {
      observe(parts, exchange, answer, fault)
    } catch (error) {
      onFailure(error)
    }
  }
  return { name, wrap: (exchange, next) => whenEnded(next(), new Seen(see, exchange)) }
}

type See = (exchange: Watched, answer: Answer | undefined, fault: Fault | undefined) => void

class Seen implements Ending {
  readonly #see: See
  readonly #exchange: Watched

  constructor(see: See, exchange: Watched) {
    this.#see = see
    this.#exchange = exchange
  }

  answered(answer: Answer): Answer {
    this.#see(this.#exchange, answer, undefined)
    return answer
  }

  failed(thrown: unknown): never {
    this.#see(this.#exchange, undefined, toFault(thrown))
    throw thrown
  }
}

function observe(
  parts: WatchStageParts,
  exchange: Watched,
  answer: Answer | undefined,
  fault: Fault | undefined,
): void {
  // Who is held back here must not be kept unusual by it, and must not teach what is usual either.
  if (fault?.code.startsWith('anomalies.') === true) return
  const { principal, peer, tool, upstream, incident } = exchange
  parts.watch.observe(
    {
      at: parts.clock.now(),
      tenant: principal.tenant,
      principal: principal.id,
      network: parts.networkOf(peer.address),
      ...(tool !== undefined && upstream !== undefined && { upstream, tool: tool.name }),
      outcome: fault === undefined ? outcomeOf(answer) : outcomeOfFault(fault.code),
      bytes: answer?.message === undefined ? 0 : sizeOf(answer.message),
      findings: findingsOf(exchange, fault),
      incident,
    },
    askerOf(parts, exchange),
  )
}

/** Whose request it is, for what may follow. */
export const askerOf = (
  { isExempt, isAdministrator }: Pick<WatchStageParts, 'isExempt' | 'isAdministrator'>,
  { principal, incident }: Pick<Watched, 'principal' | 'incident'>,
): Asker => ({
  tenant: principal.tenant,
  principal: principal.id,
  isExempt: isExempt(principal),
  isAdministrator: isAdministrator(principal),
  incident,
})

const DENIED = /^(?:policy\.|inspection\.(?:refused|not_approved)|identity\.insufficient_scope|definition\.)/
const FAILED = /^(?:arguments\.|upstream\.|sandbox\.|limits\.deadline|internal$|message\.)/

const outcomeOfFault = (code: FaultCode): Outcome =>
  DENIED.test(code) ? 'denied' : FAILED.test(code) ? 'failed' : 'other'

function outcomeOf(answer: Answer | undefined): Outcome {
  const message = answer?.message
  if (message === undefined) return 'ok'
  const isError = 'error' in message || (isRecord(message['result']) && message['result']['isError'] === true)
  return isError ? 'failed' : 'ok'
}

/** What was only noted is left out: a heuristic notes much that is honest. */
function findingsOf({ inspected }: Watched, fault: Fault | undefined): number {
  const refused = fault?.detail['findings']
  if (Array.isArray(refused)) return countOf(refused as readonly Finding[])
  if (inspected === undefined) return 0
  return countOf(inspected.findings) + (inspected.resultFindings === undefined ? 0 : countOf(inspected.resultFindings))
}

function countOf(findings: readonly Finding[]): number {
  let count = 0
  for (const { verdict } of findings) if (verdict === 'refuse' || verdict === 'ask') count++
  return count
}
