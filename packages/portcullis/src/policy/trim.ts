/** What of a list a principal sees: what some call could be allowed for here and now, by the decision that dispatch makes. */
import type { Principal } from '../core/principal.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Circumstances } from './circumstances.ts'
import type { PolicyEngine } from './engine.ts'
import type { Aim, TargetType, Use } from './vocabulary.ts'

/**
 * An item is visible unless it is denied now, from here, whatever the arguments are. An answer is good for as long as
 * `revision` is, and where not `steady` only for its moment.
 */
export interface Visibility {
  upstream(principal: Principal, upstream: string, circumstances: Circumstances): boolean
  tool(principal: Principal, tool: ToolDefinition, circumstances: Circumstances): boolean
  prompt(principal: Principal, upstream: string, name: string, circumstances: Circumstances): boolean
  /** A URI, or a URI template, which is visible when some resource of the upstream could be. */
  resource(principal: Principal, upstream: string, uri: string, circumstances: Circumstances): boolean
  /** Changes whenever an answer of the others may change. */
  readonly revision: string
  /** False when an answer may change with the time, the address or another circumstance. */
  readonly steady: boolean
}

/** `engine` gives the policies in force now. */
export function visibilityOf(engine: () => PolicyEngine): Visibility {
  const asUse = withMethod()
  const sees = (
    principal: Principal,
    aim: Exclude<Aim, { readonly action: 'connect' }>,
    circumstances: Circumstances,
  ) => isVisible(engine(), principal, aim, asUse(circumstances, aim.action))
  return {
    upstream: (principal, upstream, circumstances) =>
      isVisible(engine(), principal, { action: 'connect', upstream }, circumstances),
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
    get steady() {
      return engine().steady
    },
  }
}

/** Whether anything about this aim could be allowed to the principal in these circumstances. */
export function isVisible(engine: PolicyEngine, principal: Principal, aim: Aim, circumstances: Circumstances): boolean {
  return engine.outlook({ principal, aim, circumstances, args: 'unknown' }).effect !== 'deny'
}

/** The call that an item of a list is meant for, in place of the list's own method. A list asks for hundreds in a row. */
function withMethod(): (circumstances: Circumstances, method: string) => Circumstances {
  let last: { readonly of: Circumstances; readonly made: Circumstances } | undefined
  return (circumstances, method) => {
    if (last?.of !== circumstances || last.made.method !== method) {
      last = { of: circumstances, made: { ...circumstances, method } }
    }
    return last.made
  }
}

const use = (action: Use, type: TargetType, upstream: string, name: string) => ({ action, type, upstream, name })

/** A URI holds no braces (RFC 3986), a template does (RFC 6570): it stands for some resource. */
const named = (uri: string) => (uri.includes('{') ? '' : uri)
