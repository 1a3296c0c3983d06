/** The reference of all refusals as Markdown, generated from their table. */
import { FAULTS } from '../core/fault.ts'

const INTRODUCTION = `# Refusals

Generated from \`core/fault.ts\`; do not edit.

Everything that the gateway can refuse. The code stands in the audit record and is stable; the caller reads the sentence and an
incident id, which joins answer, log and record. \`status\` is the HTTP status, \`rpc\` the JSON-RPC error code.

| code | status | rpc | sentence |
|---|---|---|---|
`

/** The whole document, ending with a line end. */
export function faultReference(): string {
  const rows = Object.entries(FAULTS).map(
    ([code, { status, rpc, says }]) => `| \`${code}\` | ${status} | ${rpc} | ${says} |`,
  )
  return `${INTRODUCTION}${rows.join('\n')}\n`
}
