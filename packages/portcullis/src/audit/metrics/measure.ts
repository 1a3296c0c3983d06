/** The stage that counts: right inside the trail, so that every answer and every refusal passes it. */
import { performance } from 'node:perf_hooks'
import type { Answer, Exchange } from '../../core/exchange.ts'
import { toFault } from '../../core/fault.ts'
import { whenEnded } from '../../core/lasting.ts'
import { leftOut, type Wrap } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Parsed } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { isRecord } from '../../mcp/message.ts'
import type { Metrics } from './metrics.ts'

type Measured = Exchange & Partial<Routed & Authenticated & Parsed & Resolved>

/** Wrap `audit.metrics`. Without metrics it costs one call. */
export function measure(metrics: Metrics | undefined): Wrap<Measured> {
  const name = 'audit.metrics'
  if (metrics === undefined) return leftOut(name)
  const end = (exchange: Measured, outcome: string, startedAt: number): void => {
    const { call, tool, principal, route } = exchange
    const seconds = (performance.now() - startedAt) / 1_000
    const upstream = (route?.kind === 'upstream' ? route.upstream : undefined) ?? tool?.upstream ?? exchange.upstream
    metrics.ended({
      upstream: upstream ?? '',
      method: call === undefined ? '' : call.kind === 'response' ? 'response' : call.method,
      tool: tool?.name.slice(0, MAX_NAME_LENGTH) ?? '',
      era: call?.era ?? '',
      tenant: principal?.tenant ?? '',
      outcome,
      seconds,
    })
  }
  return {
    name,
    wrap(exchange, next) {
      const startedAt = performance.now()
      return whenEnded(next(), {
        answered(answer) {
          end(exchange, outcomeOf(answer), startedAt)
          return answer
        },
        failed(thrown) {
          end(exchange, toFault(thrown).code, startedAt)
          throw thrown
        },
      })
    },
  }
}

const MAX_NAME_LENGTH = 128

function outcomeOf({ message }: Answer): string {
  if (message === undefined) return 'ok'
  if ('error' in message) return 'rpc_error'
  return isRecord(message['result']) && message['result']['isError'] === true ? 'tool_error' : 'ok'
}
