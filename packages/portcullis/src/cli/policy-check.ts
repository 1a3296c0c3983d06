/** `portcullis policy check`: every mistake of the policies, or their number and revision. */
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { readPolicies } from './read-policies.ts'
import type { Terminal } from './terminal.ts'

export interface PolicyCheckOptions extends ConfigOption {
  readonly tools?: string
  readonly json?: boolean
}

/** Mistakes are thrown as PolicyError. */
export async function policyCheck(options: PolicyCheckOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const { policies, revision } = await readPolicies(config, options.tools)
  if (options.json === true) terminal.out(JSON.stringify({ valid: true, policies: policies.length, revision }))
  else terminal.out(`${policies.length} policies are valid; revision ${revision.slice(0, 16)}.`)
}
