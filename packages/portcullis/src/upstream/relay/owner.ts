import type { Principal } from '../../core/principal.ts'

/** Who owns what waits here, as a key: the same id in two tenants is two people. */
export const ownerOf = (principal: Principal): string => JSON.stringify([principal.tenant, principal.id])
