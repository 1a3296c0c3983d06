/** What an argument means to its tool. Detection without it cannot tell a query from an attack. */
import type { ROLES } from '../core/inspection-words.ts'

/** `text` is what nobody could say more about: it gets only the detectors whose precision is beyond doubt. */
export type Role = (typeof ROLES)[number]

/** The roles of one tool's arguments: JSON pointer patterns (RFC 6901, `*` for any element or member) to roles. */
export type ArgumentRoles = ReadonlyMap<string, Role>
