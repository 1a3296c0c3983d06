import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved, ToolDefinition } from '../mcp/definition.ts'
import { argumentSentence, violationDetail } from './argument-sentence.ts'
import type { Claimed } from './claim.ts'
import type { Violations } from './schema-compiler.ts'
import type { ToolSchemas } from './tool-schemas.ts'

/** Decides whether the arguments of a `tools/call` are what the tool's schema declares, and nothing else. */
export function checkArgumentsStage(schemas: ToolSchemas): Check<Parsed & Resolved & Claimed> {
  return {
    name: 'inspection.check-arguments',
    check: (exchange) => {
      const { call, tool } = exchange
      if (tool === undefined || call.method !== 'tools/call') return
      return checkArguments(schemas, tool, call.params['arguments'], exchange)
    },
  }
}

/**
 * Arguments that are left out mean `{}`. A promise where that takes long; `by` is who waits for it.
 *
 * Throws `arguments.unavailable` when the tool's schemas cannot be compiled, `arguments.invalid` with a sentence that names
 * the argument.
 */
export function checkArguments(
  schemas: ToolSchemas,
  tool: ToolDefinition,
  args: unknown,
  by?: Claimed,
): void | Promise<void> {
  const schema = schemas.compile(tool)
  if (!schema.usable) throw new Fault('arguments.unavailable', { tool: tool.name, reason: schema.reason })
  const violations = schema.validateArguments(args === undefined ? {} : args, by)
  if (violations instanceof Promise) return violations.then((late) => refuse(tool, late))
  refuse(tool, violations)
}

function refuse(tool: ToolDefinition, violations: Violations | undefined): void {
  if (violations === undefined) return
  const detail = { tool: tool.name, ...violationDetail(violations) }
  throw new Fault('arguments.invalid', detail, { says: argumentSentence(violations) })
}
