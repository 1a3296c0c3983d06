/** What runs in the thread of `validation-thread.ts`. */
import { parentPort } from 'node:worker_threads'
import type { Params } from '../mcp/message.ts'
import { SchemaCompiler, type Validate } from './schema-compiler.ts'
import type { ValidationReport, ValidationTask } from './validation-thread.ts'

const MAX_SCHEMAS = 100

const compiler = new SchemaCompiler()
const compiled = new Map<string, Validate>()

parentPort?.on('message', (task: ValidationTask) => parentPort?.postMessage(report(task), []))

/** The value is strict JSON that we wrote ourselves. */
function report({ id, schema, value }: ValidationTask): ValidationReport {
  try {
    const violations = validatorOf(schema)(JSON.parse(value))
    return { id, ...(violations && { violations }) }
  } catch (thrown) {
    return { id, failed: String(thrown) }
  }
}

function validatorOf(schema: string): Validate {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  if (compiled.size >= MAX_SCHEMAS) compiled.delete(compiled.keys().next().value as string)
  const validate = compiler.compile(JSON.parse(schema) as Params)
  compiled.set(schema, validate)
  return validate
}
