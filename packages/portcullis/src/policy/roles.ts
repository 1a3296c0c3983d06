/** Ready-made roles, as the Cedar text that anybody could have written. */
import type { PolicySource } from './source.ts'

/** What each role may do. Only those that the configuration asks for are in force. */
export const READY_MADE_ROLES = {
  administrator: `
@id("role.administrator")
permit(principal in Role::"administrator", action, resource);
`,
  operator: `
@id("role.operator")
permit(principal in Role::"operator", action in Action::"use", resource)
unless { resource is Tool && resource.destructive };
`,
  auditor: `
@id("role.auditor")
permit(principal in Role::"auditor", action == Action::"connect", resource);
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

export const isReadyMade = (role: string): role is ReadyMadeRole => Object.hasOwn(READY_MADE_ROLES, role)

/** The policies of these roles, a source for each. With a `tenant` they hold in that tenant alone. */
export function readyMadeRoles(roles: readonly ReadyMadeRole[], tenant?: string): readonly PolicySource[] {
  return [...new Set(roles)].map((role) => ({
    file: `ready-made role ${role}`,
    text: READY_MADE_ROLES[role],
    ...(tenant !== undefined && { tenant }),
  }))
}
