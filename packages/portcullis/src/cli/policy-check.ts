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
  const { policies, revision, vocabulary } = await readPolicies(config, options.tools)
  const tenants = Object.fromEntries(
    [...(vocabulary.tenants?.keys() ?? [])].map((name) => [
      name,
      policies.filter(({ source }) => source.tenant === name).length,
    ]),
  )
  if (options.json === true) {
    const told = { valid: true, policies: policies.length, ...(config.tenants && { tenants }), revision }
    terminal.out(JSON.stringify(told))
    return
  }
  terminal.out(`${policies.length} policies are valid; revision ${revision.slice(0, 16)}.`)
  for (const [name, own] of Object.entries(tenants)) terminal.out(`  ${own} of them only in tenant ${name}`)
}
