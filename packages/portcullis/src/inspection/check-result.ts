import { Fault } from '../core/fault.ts'
import type { Filter } from '../core/pipeline.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved, ToolDefinition } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import { violationDetail } from './argument-sentence.ts'
import type { Claimed } from './claim.ts'
import type { Violations } from './schema-compiler.ts'
import type { ToolSchemas } from './tool-schemas.ts'

/** Decides whether the final result of a `tools/call` is what the tool's `outputSchema` promises. */
export function checkResultStage(schemas: ToolSchemas): Filter<Parsed & Resolved & Claimed> {
  return {
    name: 'inspection.check-result',
    concerns: ({ call, tool }) => tool?.outputSchema !== undefined && call.method === 'tools/call',
    filter: (message, exchange) => {
      const { call, tool } = exchange
      if (tool?.outputSchema === undefined || call.method !== 'tools/call') return message
      if ('method' in message || !isRecord(message['result'])) return message
      if (!('id' in call.message) || message['id'] !== call.message.id) return message
      return checkResult(schemas, tool, message['result'], exchange)?.then(() => message) ?? message
    },
  }
}

/**
 * Exempt are errors (`isError`) and results that are not final: `input_required`, `task` and other result types (MCP
 * 2026-07-28, "MRTR"), and the task of the 2025-11-25 revision. Throws `upstream.result_invalid`, also when
 * `structuredContent` is missing (MCP "Output Schema": servers MUST provide it). A promise where that takes long; `by` is who waits.
 */
export function checkResult(
  schemas: ToolSchemas,
  tool: ToolDefinition,
  result: Params,
  by?: Claimed,
): void | Promise<void> {
  if (tool.outputSchema === undefined || result['isError'] === true) return
  const type = result['resultType']
  if (type === undefined ? isTask(result) : type !== 'complete') return
  const schema = schemas.compile(tool)
  if (!schema.usable || schema.validateResult === undefined) {
    throw new Fault('upstream.result_invalid', {
      tool: tool.name,
      reason: schema.usable ? 'no validator' : schema.reason,
    })
  }
  if (!('structuredContent' in result)) {
    throw new Fault('upstream.result_invalid', { tool: tool.name, reason: 'no structuredContent' })
  }
  const violations = schema.validateResult(result['structuredContent'], by)
  if (violations instanceof Promise) return violations.then((late) => refuse(tool, late))
  refuse(tool, violations)
}

function refuse(tool: ToolDefinition, violations: Violations | undefined): void {
  if (violations === undefined) return
  throw new Fault('upstream.result_invalid', { tool: tool.name, ...violationDetail(violations) })
}

const isTask = (result: Params): boolean => isRecord(result['task']) && !('structuredContent' in result)
