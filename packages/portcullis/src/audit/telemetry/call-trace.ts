/** What is noted of one request while it is on its way: which trace it belongs to, and how long each stage took. */
import { newSpanId, newTraceId } from './random-ids.ts'
import type { TraceContext } from './trace-context.ts'

/** A part of the gateway's work on a request. */
export interface StageTime {
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  /** Why it refused; absent when it did not. */
  readonly error?: string | undefined
}

/** A stream may pass a stage thousands of times. */
const MAX_STAGES = 64
/** Stages that refuse nothing most of the time are told only when they took long enough for somebody to ask why. */
const WORTH_TELLING_MS = 1

export class CallTrace {
  readonly startMs: number
  /** Undefined until it is known whose trace this is. */
  sampled: boolean | undefined
  traceId = ''
  spanId = ''
  parent: TraceContext | undefined
  link: TraceContext | undefined
  /** Entries of the caller's baggage that go on. */
  baggage: string | undefined
  /** Code of the fault that ended it. */
  fault: string | undefined
  /** When the answer stood and only its record was missing. */
  answeredMs: number | undefined
  stages: StageTime[] | undefined
  untold = 0

  constructor(startMs: number) {
    this.startMs = startMs
  }

  /** Whether it is worth while to look at the clock. */
  get listens(): boolean {
    return this.sampled !== false
  }

  /** It is decided whose trace this is, and whether it is recorded. */
  settle(sampled: boolean, parent: TraceContext | undefined): void {
    this.sampled = sampled
    this.parent = parent
    this.traceId = parent?.traceId ?? newTraceId()
    this.spanId = newSpanId()
    if (!sampled) this.stages = undefined
  }

  /** `always` for a stage that is told however short it was. */
  note(name: string, startMs: number, endMs: number, always: boolean, error?: string): void {
    if (this.sampled === false || (!always && error === undefined && endMs - startMs < WORTH_TELLING_MS)) return
    this.stages ??= []
    if (this.stages.length >= MAX_STAGES) this.untold++
    else this.stages.push({ name, startMs, endMs, error })
  }
}
