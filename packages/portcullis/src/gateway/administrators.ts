/** Configuration to who may administer: by which roles, and in which tenants. */
import type { Config } from '../config/schema.ts'
import type { Principal } from '../core/principal.ts'
import { isAdministrator } from '../policy/administrator.ts'

type Settings = Pick<Config, 'policy' | 'tenants' | 'administration'>

/** What the administration knows its callers as. Whoever is none of these does not learn that it exists. */
export const ADMIN_ROLES = ['administrator', 'operator', 'auditor'] as const

export type AdminRole = (typeof ADMIN_ROLES)[number]

/** The roles of a principal here: none for most. */
export type AdminRolesOf = (principal: Principal) => readonly AdminRole[]

/**
 * `administrator` and `admin` administer wherever they are known. `operator` and `auditor` do so where they are the
 * ready-made roles: a configuration may have used these words for something else.
 */
export function adminRolesOf({ policy, tenants }: Settings): AdminRolesOf {
  const readyMade = (tenant: string, role: 'operator' | 'auditor') =>
    policy.builtin.includes(role) || tenants?.[tenant]?.policy.builtin.includes(role) === true
  return (principal) => {
    const { roles, tenant } = principal
    const further = (['operator', 'auditor'] as const).filter((role) => roles.includes(role) && readyMade(tenant, role))
    return isAdministrator(principal) ? ['administrator', ...further] : further
  }
}

/** Whether a principal learns that there is an administration. */
export function mayEnter(settings: Settings): (principal: Principal) => boolean {
  const rolesOf = adminRolesOf(settings)
  return (principal) => rolesOf(principal).length > 0
}

/** The tenant whose administrators look after every tenant; undefined when nobody does. */
export function overseeingTenant({
  tenants,
  administration,
}: Pick<Settings, 'tenants' | 'administration'>): string | undefined {
  return administration.tenant ?? (tenants === undefined ? 'default' : undefined)
}

/** Whether a principal looks after a tenant: its own, or all of them. */
export function looksAfter(settings: Settings, principal: Principal, tenant: string): boolean {
  const { tenants } = settings
  if (principal.tenant === tenant) return true
  if (principal.tenant !== overseeingTenant(settings)) return false
  return tenants === undefined || Object.hasOwn(tenants, tenant)
}

/** Whether a principal looks after what belongs to no tenant, and after the tenants themselves. */
export const oversees = (settings: Settings, { tenant }: Principal): boolean => tenant === overseeingTenant(settings)
