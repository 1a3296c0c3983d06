/** Decides whether a tenant and its roles exist: a mistake would make somebody who silently may do nothing. */
import { rolesOf } from '../config/check-tenants.ts'
import type { Config } from '../config/schema.ts'
import { CommandError, EXIT } from './exit.ts'

/** Throws CommandError. */
export function requireRoles(config: Config, tenant: string, roles: readonly string[]): void {
  if (config.tenants !== undefined) requireKnown('tenant', [tenant], Object.keys(config.tenants))
  requireKnown('role', roles, rolesOf(config, tenant))
}

/** Throws CommandError. */
export function requireKnown(what: string, names: readonly string[], known: readonly string[]): void {
  const stranger = names.find((name) => !known.includes(name))
  if (stranger === undefined) return
  throw new CommandError(
    EXIT.usage,
    `there is no ${what} ${JSON.stringify(stranger)}; known are ${known.join(', ') || 'none'}`,
  )
}
