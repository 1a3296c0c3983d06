/** What runs in the thread of `validation-thread.ts`. */
import type { Params } from '../mcp/message.ts'
import { SchemaCompiler, type Validate, type Violations } from './schema-compiler.ts'
import { answerTasks } from './slow-work.ts'
import type { ValidationTask } from './validation-thread.ts'

const MAX_SCHEMAS = 100

const compiler = new SchemaCompiler()
const compiled = new Map<string, Validate>()

/** The value is strict JSON that we wrote ourselves. */
answerTasks(({ schema, value }: ValidationTask): Violations | undefined => validatorOf(schema)(JSON.parse(value)))

function validatorOf(schema: string): Validate {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  if (compiled.size >= MAX_SCHEMAS) compiled.delete(compiled.keys().next().value as string)
  const validate = compiler.compile(JSON.parse(schema) as Params)
  compiled.set(schema, validate)
  return validate
}
