/** `portcullis config schema`: the JSON Schema, for editors. */
import { configJsonSchema } from '../config/schema-node.ts'
import type { Terminal } from './terminal.ts'

export function configSchemaCommand(terminal: Terminal): void {
  terminal.out(JSON.stringify(configJsonSchema(), null, 2))
}
