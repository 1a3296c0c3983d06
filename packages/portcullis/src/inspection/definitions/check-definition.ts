/** Decides whether what a message names may be used now, or waits for somebody to approve its definition. */
import { Fault } from '../../core/fault.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Target } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import type { HeldWhy } from './standing.ts'

/** Why something is held back, or undefined. What has to be asked for first is a promise, and may throw its faults. */
export type HeldReason = (upstream: string, item: Target) => HeldWhy | undefined | Promise<HeldWhy | undefined>

/**
 * Check `inspection.check-definition`: throws `definition.quarantined`. It stands behind `policy.reveal`, so that nobody
 * hears of a definition that is none of theirs.
 */
export function checkDefinition(reasonOf: HeldReason): Check<Resolved> {
  const refuse = (exchange: Resolved, why: HeldWhy | undefined): void => {
    if (why === undefined) return
    const { upstream, item, tool } = exchange
    throw new Fault('definition.quarantined', { upstream, item, why, ...(tool && { offered: tool.digest }) })
  }
  return {
    name: 'inspection.check-definition',
    check(exchange) {
      const { upstream, item } = exchange
      if (upstream === undefined || item.kind === 'none' || item.kind === 'task') return undefined
      const why = reasonOf(upstream, item)
      return why instanceof Promise ? why.then((found) => refuse(exchange, found)) : refuse(exchange, why)
    },
  }
}
