/** Stages that tell how long they took. They decide exactly what they decided before; without a trace that listens they are called as they are. */
import { performance } from 'node:perf_hooks'
import type { Answer, Outgoing } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Check, Filter, Wrap } from '../../core/pipeline.ts'
import type { CallTrace } from './call-trace.ts'

/** The trace of an exchange; undefined when it has none. */
export type TraceOf = (exchange: object) => CallTrace | undefined

/** Whether a stage is told however short it was. */
export interface Telling {
  readonly traceOf: TraceOf
  readonly always: boolean
}

export function timedCheck<Needs extends object, Gives extends object | void>(
  stage: Check<Needs, Gives>,
  telling: Telling,
): Check<Needs, Gives> {
  return {
    name: stage.name,
    check(exchange) {
      const trace = telling.traceOf(exchange)
      if (trace === undefined || !trace.listens) return stage.check(exchange)
      return timed(trace, stage.name, telling.always, () => stage.check(exchange))
    },
  }
}

export function timedFilter<Needs extends object>(stage: Filter<Needs>, telling: Telling): Filter<Needs> {
  return {
    name: stage.name,
    concerns: (exchange) => stage.concerns?.(exchange) !== false,
    filter(message, exchange) {
      const trace = telling.traceOf(exchange)
      if (trace === undefined || !trace.listens) return stage.filter(message, exchange)
      return timed<Outgoing>(trace, stage.name, telling.always, () => stage.filter(message, exchange))
    },
  }
}

/** Tells how long it took until what it surrounds began: what a place in a queue has cost. */
export function timedWait<Needs extends object>(stage: Wrap<Needs>, telling: Telling): Wrap<Needs> {
  return {
    name: stage.name,
    wrap(exchange, next): Promise<Answer> {
      const trace = telling.traceOf(exchange)
      if (trace === undefined || !trace.listens) return stage.wrap(exchange, next)
      const startMs = performance.now()
      return stage.wrap(exchange, () => {
        trace.note(stage.name, startMs, performance.now(), telling.always)
        return next()
      })
    },
  }
}

function timed<T>(trace: CallTrace, name: string, always: boolean, run: () => T | Promise<T>): T | Promise<T> {
  const startMs = performance.now()
  const failed = (thrown: unknown): never => {
    trace.note(name, startMs, performance.now(), always, codeOf(thrown))
    throw thrown
  }
  let result: T | Promise<T>
  try {
    result = run()
  } catch (thrown) {
    return failed(thrown)
  }
  if (!(result instanceof Promise)) {
    trace.note(name, startMs, performance.now(), always)
    return result
  }
  return result.then((value) => {
    trace.note(name, startMs, performance.now(), always)
    return value
  }, failed)
}

/** The code of a fault; its words, its detail and its cause stay here. */
export const codeOf = (thrown: unknown): string => (thrown instanceof Fault ? thrown.code : 'internal')
