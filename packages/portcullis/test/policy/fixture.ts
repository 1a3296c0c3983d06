/** Tools, principals and circumstances that the tests of this room share. */
import type { Principal } from '../../src/core/principal.ts'
import type { ToolDefinition } from '../../src/mcp/definition.ts'
import type { Params } from '../../src/mcp/message.ts'
import type { Circumstances } from '../../src/policy/circumstances.ts'
import type { PolicyEngine } from '../../src/policy/engine.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { PolicyError, type PolicyProblem } from '../../src/policy/problem.ts'
import type { Aim, Vocabulary } from '../../src/policy/vocabulary.ts'

export function tool(upstream: string, name: string, properties: Params, more: Params = {}): ToolDefinition {
  const { annotations, ...schema } = more as { annotations?: Params }
  const inputSchema = { type: 'object', properties, ...schema }
  const raw = { name, inputSchema, ...(annotations && { annotations }) }
  return { upstream, name, inputSchema, raw, digest: JSON.stringify(raw), ...(annotations && { annotations }) }
}

export const READ = tool(
  'files',
  'read_file',
  {
    path: { type: 'string' },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    force: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    deep: { type: 'object', properties: { flag: { type: 'boolean' }, name: { type: 'string' } }, required: ['flag'] },
    note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    odd: { type: ['string', 'number'] },
  },
  { required: ['path'], annotations: { readOnlyHint: true, openWorldHint: false } },
)
export const WRITE = tool(
  'files',
  'write_file',
  { path: { type: 'string' }, content: { type: 'string' } },
  { required: ['path'] },
)
export const FETCH = tool('web', 'fetch', { url: { type: 'string' } }, { required: ['url'] })

export const TOOLS: Vocabulary['tools'] = new Map([
  ['files', [READ, WRITE]],
  ['web', [FETCH]],
])

export const VOCABULARY: Vocabulary = {
  roles: ['administrator', 'user', 'reader', 'developer', 'auditor'],
  upstreams: ['files', 'web'],
  tools: TOOLS,
}

export const load = (text: string, vocabulary: Vocabulary = VOCABULARY): Promise<PolicyEngine> =>
  loadPolicies([{ file: 'test.cedar', text }], vocabulary)

/** The problems that loading this text tells; none when it loads. */
export async function problemsOf(text: string, vocabulary: Vocabulary = VOCABULARY): Promise<readonly PolicyProblem[]> {
  try {
    await load(text, vocabulary)
    return []
  } catch (thrown) {
    if (thrown instanceof PolicyError) return thrown.problems
    throw thrown
  }
}

export const principal = (roles: readonly string[], more: Partial<Principal> = {}): Principal => ({
  id: 'key:1',
  tenant: 'acme',
  roles,
  credential: { kind: 'api-key', id: '1' },
  ...more,
})

/** A Wednesday. */
export const NOON: Circumstances = {
  at: Date.UTC(2026, 6, 29, 12, 30),
  address: '10.1.2.3',
  encrypted: true,
  era: 'modern',
  method: 'tools/call',
}

export const call = (upstream: string, name: string): Aim => ({ action: 'tools/call', type: 'Tool', upstream, name })
export const read = (upstream: string, uri: string): Aim => ({
  action: 'resources/read',
  type: 'Resource',
  upstream,
  name: uri,
})
export const connect = (upstream: string): Aim => ({ action: 'connect', upstream })

/** The effect of a decision, in one word. */
export function effect(
  engine: PolicyEngine,
  who: Principal,
  aim: Aim,
  args: Params = {},
  circumstances = NOON,
): string {
  return engine.decide({ principal: who, aim, circumstances, args }).effect
}
