/** Decides whose tokens a caller's are. */
import type { Principal } from '../../core/principal.ts'
import type { TokenOwner } from './tokens.ts'

/** The caller within its tenant, whichever credential it has. */
export const ownerOf = ({ tenant, id }: Principal): TokenOwner => ({ tenant, principal: id })
