/** Decides which stages tell how long they took, and where on the way a request joins the trace of its caller. */
import { performance } from 'node:perf_hooks'
import { codeOf, timedCheck, timedFilter, timedWait } from '../audit/telemetry/timed-stage.ts'
import { traceOf } from '../audit/telemetry/traced.ts'
import type { Tracer } from '../audit/telemetry/tracer.ts'
import type { Answer, Exchange } from '../core/exchange.ts'
import { whenEnded } from '../core/lasting.ts'
import type { Handler } from '../core/pipeline.ts'
import type { Stages } from './path.ts'

const TOLD = { traceOf, always: true }
const IF_LONG = { traceOf, always: false }

/** The same stages in the same order: none of them decides anything else than before. */
export function tracedStages(stages: Stages, tracer: Tracer): Stages {
  return {
    ...stages,
    metrics: answered(stages.metrics),
    authenticate: timedCheck(stages.authenticate, TOLD),
    receive: timedCheck(stages.receive, IF_LONG),
    parse: timedCheck(stages.parse, IF_LONG),
    restrain: {
      name: stages.restrain.name,
      // Nobody joins a trace, or adds to those that are recorded, before it is known who it is.
      check(exchange) {
        tracer.join(exchange)
        return stages.restrain.check(exchange)
      },
    },
    resolve: timedCheck(stages.resolve, IF_LONG),
    checkArguments: timedCheck(stages.checkArguments, TOLD),
    authorize: timedCheck(stages.authorize, TOLD),
    inspectArguments: timedCheck(stages.inspectArguments, TOLD),
    approve: timedCheck(stages.approve, IF_LONG),
    tenantConcurrency: timedWait(stages.tenantConcurrency, IF_LONG),
    adaptive: timedWait(stages.adaptive, IF_LONG),
    concurrency: timedWait(stages.concurrency, IF_LONG),
    breaker: timedWait(stages.breaker, IF_LONG),
    intent: timedCheck(stages.intent, IF_LONG),
    inspectResults: timedFilter(stages.inspectResults, TOLD),
    checkResult: timedFilter(stages.checkResult, IF_LONG),
  }
}

/** Surrounds the door: a trace begins before the first stage, and ends when the answer is on record. */
export function traced(serve: Handler<Exchange>, tracer: Tracer): Handler<Exchange> {
  return (exchange) => {
    tracer.begin(exchange)
    return whenEnded(serve(exchange), {
      answered(answer) {
        ended(tracer, exchange, answer)
        return answer
      },
      failed(thrown) {
        ended(tracer, exchange, { status: 500 })
        throw thrown
      },
    })
  }
}

/** What goes wrong in telling must not become the caller's trouble. */
function ended(tracer: Tracer, exchange: Exchange, answer: Answer): void {
  try {
    tracer.end(exchange, answer)
  } catch {
    // The span is lost; the call is on record.
  }
}

/** Right inside the trail: here the fault still has its name, and what follows is the writing of the record. */
function answered(stage: Stages['metrics']): Stages['metrics'] {
  return {
    name: stage.name,
    wrap(exchange, next) {
      const trace = traceOf(exchange)
      if (trace === undefined) return stage.wrap(exchange, next)
      return whenEnded(stage.wrap(exchange, next), {
        answered(answer) {
          trace.answeredMs = performance.now()
          return answer
        },
        failed(thrown) {
          trace.fault = codeOf(thrown)
          trace.answeredMs = performance.now()
          throw thrown
        },
      })
    },
  }
}
