/** Ready-made roles, as the Cedar text that anybody could have written. */
import type { PolicySource } from './source.ts'

/** What each role may do. A configuration that knows none of them has none of them. */
export const READY_MADE_ROLES = {
  administrator: `
@id("role.administrator")
permit(principal in Role::"administrator", action, resource);
`,
  user: `
@id("role.user")
permit(principal in Role::"user", action in Action::"use", resource);
`,
  reader: `
@id("role.reader.tools")
permit(principal in Role::"reader", action == Action::"tools/call", resource)
when { resource.readOnly };

@id("role.reader")
permit(
  principal in Role::"reader",
  action in [Action::"prompts/get", Action::"resources/read", Action::"resources/subscribe", Action::"completion/complete"],
  resource
);
`,
} as const

export type ReadyMadeRole = keyof typeof READY_MADE_ROLES

/** The policies of those known roles that are ready-made. */
export function readyMadeRoles(roles: readonly string[]): PolicySource {
  const named = roles.filter((role): role is ReadyMadeRole => Object.hasOwn(READY_MADE_ROLES, role))
  return { file: '(ready-made roles)', text: named.map((role) => READY_MADE_ROLES[role]).join('') }
}
