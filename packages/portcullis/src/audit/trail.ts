import type { Answer, Ending as End, Exchange } from '../core/exchange.ts'
import type { Clock } from '../core/clock.ts'
import { Fault, type FaultCode, toFault } from '../core/fault.ts'
import { whenEnded } from '../core/lasting.ts'
import type { Wrap } from '../core/pipeline.ts'
import { isRecord } from '../mcp/message.ts'
import type { Placed } from './chain.ts'
import { callBody, digestOfBulk, findingsMember, refusalBody, tenantOf, type Ending, type Witnessed } from './facts.ts'
import { giveReceipt } from './give-receipt.ts'
import type { Recorded } from './intent.ts'
import type { Ledger } from './ledger.ts'
import type { Logger } from './log.ts'
import type { Payloads } from './payload.ts'
import type { Receipts } from './receipt.ts'
import type { Detail, Findings, OutcomeBody, PayloadMark } from './record.ts'
import { scrub } from './scrub.ts'

/**
 * The outermost stage: nothing leaves the gateway before it is on record how the request ended.
 *
 * What cannot be recorded is not answered: the caller gets the refusal of `audit.unavailable` and nothing of the answer.
 * A client that leaves does not end this stage; its record is written all the same.
 */
export interface TrailOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  /** The public form of a fault. Must not throw. */
  readonly answerOf: (fault: Fault, exchange: Exchange) => Answer
  /** Hears of our own mistakes, with the incident that the caller was told. */
  readonly log: Pick<Logger, 'error'>
  /** Absent where nothing of any call is kept. */
  readonly payloads?: Pick<Payloads, 'ofResult'> | undefined
  /** Absent where answers carry no receipts. */
  readonly receipts?: Pick<Receipts, 'issue'> | undefined
}

type Ended = Witnessed & Partial<Recorded>
type Place = (place: Placed) => void

export function auditTrail(options: TrailOptions): Wrap<Ended> {
  const { answerOf, log, receipts } = options
  const withhold = (exchange: Ended, cause: unknown): Answer =>
    answerOf(new Fault('audit.unavailable', {}, { cause }), exchange)
  const withReceipt = async (exchange: Parsed, answer: Answer, issue: Pick<Receipts, 'issue'>): Promise<Answer> => {
    let place: Placed | undefined
    await record(options, exchange, answer, undefined, (placed) => (place = placed))
    return place === undefined ? answer : giveReceipt(issue, exchange, answer, place)
  }
  const conclude = (exchange: Ended, answer: Answer, fault?: Fault): Answer | Promise<Answer> => {
    try {
      if (receipts === undefined || fault || !isParsed(exchange)) {
        return record(options, exchange, answer, fault).then(
          () => answer,
          (cause: unknown) => withhold(exchange, cause),
        )
      }
      return withReceipt(exchange, answer, receipts).catch((cause: unknown) => withhold(exchange, cause))
    } catch (cause) {
      return withhold(exchange, cause)
    }
  }

  const concludeFault = (exchange: Ended, thrown: unknown): Answer | Promise<Answer> => {
    const fault = toFault(thrown)
    if (fault.code === 'internal') log.error('internal error', { incident: exchange.incident, error: fault.cause })
    return conclude(exchange, answerOf(fault, exchange), fault)
  }
  const conclusions: Conclusions = { conclude, concludeFault }
  return {
    name: 'audit.trail',
    wrap: (exchange, next) => whenEnded(next(), new Concluded(conclusions, exchange)),
  }
}

interface Conclusions {
  readonly conclude: (exchange: Ended, answer: Answer) => Answer | Promise<Answer>
  readonly concludeFault: (exchange: Ended, thrown: unknown) => Answer | Promise<Answer>
}

class Concluded implements End {
  readonly #conclusions: Conclusions
  readonly #exchange: Ended

  constructor(conclusions: Conclusions, exchange: Ended) {
    this.#conclusions = conclusions
    this.#exchange = exchange
  }

  answered(answer: Answer): Answer | Promise<Answer> {
    return this.#conclusions.conclude(this.#exchange, answer)
  }

  failed(thrown: unknown): Answer | Promise<Answer> {
    return this.#conclusions.concludeFault(this.#exchange, thrown)
  }
}

/** Resolves when all is durable that is to be said of the request. `placed` hears where the outcome stands. */
function record(
  options: TrailOptions,
  exchange: Ended,
  answer: Answer,
  fault: Fault | undefined,
  placed?: Place,
): Promise<void> {
  const { ledger, clock, payloads } = options
  const { recorded } = exchange
  const tenant = tenantOf(exchange)
  const durationMs = Math.max(0, clock.now() - exchange.receivedAt)
  if (fault && recorded === undefined)
    return ledger.append(tenant, refusalBody(exchange, ending(answer, durationMs, fault)))
  if (recorded === undefined) return recordBoth(options, exchange, answer, durationMs, fault, placed)
  const kept = fault ? undefined : payloads?.ofResult(exchange, answer)
  if (kept !== undefined) return recordWith(kept, options, exchange, answer, durationMs, placed)
  const durable = ledger.append(tenant, outcomeBody(exchange, answer, durationMs, fault), placed)
  // Both records of most calls are in one commit.
  return durable === recorded ? durable : durable.then(() => recorded)
}

/** The gateway may answer by itself, before `audit.intent`: then both records are written here. */
async function recordBoth(
  { ledger }: Pick<TrailOptions, 'ledger'>,
  exchange: Ended,
  answer: Answer,
  durationMs: number,
  fault: Fault | undefined,
  placed?: Place,
): Promise<void> {
  const tenant = tenantOf(exchange)
  if (isParsed(exchange)) {
    const digest = await digestOfBulk(exchange.call)
    ledger.append(tenant, callBody(exchange, digest)).catch(() => undefined)
  }
  await ledger.append(tenant, outcomeBody(exchange, answer, durationMs, fault), placed)
}

/** The payload is durable before the record that names it. Without it the answer is withheld, which is on record too. */
async function recordWith(
  kept: Promise<PayloadMark>,
  { ledger, answerOf }: Pick<TrailOptions, 'ledger' | 'answerOf'>,
  exchange: Ended,
  answer: Answer,
  durationMs: number,
  placed?: Place,
): Promise<void> {
  const tenant = tenantOf(exchange)
  try {
    const payload = await kept
    await ledger.append(tenant, { ...outcomeBody(exchange, answer, durationMs, undefined), payload }, placed)
  } catch (thrown) {
    const fault = toFault(thrown)
    await ledger.append(tenant, outcomeBody(exchange, answerOf(fault, exchange), durationMs, fault))
    throw fault
  }
  await exchange.recorded
}

type Parsed = Ended & Required<Pick<Ended, 'call'>>

const isParsed = (exchange: Ended): exchange is Parsed => exchange.call !== undefined

function ending(answer: Answer, durationMs: number, fault: Fault): Ending {
  const { findings, ...rest } = fault.detail
  const detail = safeDetail(rest)
  return {
    code: fault.code,
    status: answer.status,
    durationMs,
    ...(detail && { detail }),
    ...(isFindings(findings) && { findings }),
  }
}

/** A refusal of the inspection carries what it saw in its detail: nobody else gives a list of that name. */
const isFindings = (value: unknown): value is Findings => Array.isArray(value)

function outcomeBody(exchange: Ended, answer: Answer, durationMs: number, fault: Fault | undefined): OutcomeBody {
  const streamed = exchange.recordedOutlet?.sent ?? 0
  const { findings, ...rest } = fault?.detail ?? {}
  const detail = safeDetail(rest)
  return {
    kind: 'outcome',
    incident: exchange.incident,
    outcome: fault ? howItEnded(exchange, fault.code) : 'answered',
    status: answer.status,
    durationMs,
    ...(isErrorAnswer(answer) && { isError: true as const }),
    ...(streamed > 0 && { streamed }),
    ...(fault && { code: fault.code }),
    ...(detail && { detail }),
    ...findingsMember(isFindings(findings) ? findings : exchange.inspected?.resultFindings),
  }
}

/** Faults that say that something broke, not that something was forbidden. */
const FAILURES = /^(?:internal$|upstream\.|sandbox\.|limits\.deadline$)/

function howItEnded(exchange: Ended, code: FaultCode): OutcomeBody['outcome'] {
  const reason = exchange.cancellation?.reason
  if (reason === 'client-left' || reason === 'client-cancelled') return 'cancelled'
  return FAILURES.test(code) ? 'failed' : 'refused'
}

function isErrorAnswer({ message }: Answer): boolean {
  if (message === undefined) return false
  return 'error' in message || (isRecord(message.result) && message.result.isError === true)
}

const MAX_DETAIL_LENGTH = 4096

/** Rooms put no secrets into a detail; should one slip in, its name gives it away. Undefined when there is nothing to tell. */
function safeDetail(detail: Detail): Detail | undefined {
  if (Object.keys(detail).length === 0) return undefined
  const safe = scrub(detail) as Detail
  const length = JSON.stringify(safe).length
  return length > MAX_DETAIL_LENGTH ? { omitted: `${length} characters` } : safe
}
