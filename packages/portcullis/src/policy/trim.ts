/** What of a list a principal sees: what some call could be allowed for, by the decision that dispatch makes. */
import type { Principal } from '../core/principal.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Circumstances } from './circumstances.ts'
import type { PolicyEngine } from './engine.ts'
import type { Aim, TargetType, Use } from './vocabulary.ts'

/**
 * An item is visible unless it is denied whatever the arguments are. Without `circumstances` it is also visible when it
 * is allowed only at some other time or from some other address; then the answer is good for as long as `revision` is.
 */
export interface Visibility {
  upstream(principal: Principal, upstream: string, circumstances?: Circumstances): boolean
  tool(principal: Principal, tool: ToolDefinition, circumstances?: Circumstances): boolean
  prompt(principal: Principal, upstream: string, name: string, circumstances?: Circumstances): boolean
  /** A URI, or a URI template, which is visible when some resource of the upstream could be. */
  resource(principal: Principal, upstream: string, uri: string, circumstances?: Circumstances): boolean
  /** Changes whenever an answer of the others may change. */
  readonly revision: string
}

/** `engine` gives the policies in force now. */
export function visibilityOf(engine: () => PolicyEngine): Visibility {
  const sees = (principal: Principal, aim: Aim, circumstances?: Circumstances) =>
    isVisible(engine(), principal, aim, circumstances)
  return {
    upstream: (principal, upstream, circumstances) => sees(principal, { action: 'connect', upstream }, circumstances),
    tool: (principal, { upstream, name, digest }, circumstances) =>
      engine().tool(upstream, name)?.digest === digest &&
      sees(principal, use('tools/call', 'Tool', upstream, name), circumstances),
    prompt: (principal, upstream, name, circumstances) =>
      name !== '' && sees(principal, use('prompts/get', 'Prompt', upstream, name), circumstances),
    resource: (principal, upstream, uri, circumstances) =>
      uri !== '' && sees(principal, use('resources/read', 'Resource', upstream, named(uri)), circumstances),
    get revision() {
      return engine().generation
    },
  }
}

/** Whether anything about this aim could be allowed to the principal. */
export function isVisible(
  engine: PolicyEngine,
  principal: Principal,
  aim: Aim,
  circumstances?: Circumstances,
): boolean {
  const { effect } = engine.outlook({ principal, aim, circumstances: circumstances ?? 'unknown', args: 'unknown' })
  return effect !== 'deny'
}

const use = (action: Use, type: TargetType, upstream: string, name: string): Aim => ({ action, type, upstream, name })

/** A URI holds no braces (RFC 3986), a template does (RFC 6570): it stands for some resource. */
const named = (uri: string) => (uri.includes('{') ? '' : uri)
