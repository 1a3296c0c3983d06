// Policies in the numbers that are measured, and the engine that the gateway would load them into.
import { policySources, policyWords } from '../../packages/portcullis/src/gateway/policy-sources.ts'
import { digestOf } from '../../packages/portcullis/src/mcp/canonical.ts'
import { openCedar } from '../../packages/portcullis/src/policy/cedar.ts'
import { loadPolicies } from '../../packages/portcullis/src/policy/load.ts'
import { RememberedCedar } from '../../packages/portcullis/src/policy/remembered-cedar.ts'
import { UPSTREAM } from './ground.mjs'

export const TOOLS = 500
export const ARGUMENTS = { path: '/open/report.txt', depth: 3 }

const inputSchema = {
  type: 'object',
  properties: { path: { type: 'string' }, depth: { type: 'integer' }, label: { type: 'string' } },
  required: ['path', 'depth'],
}

/** A long list of tools; `change` makes each of them another one. */
export const toolList = (change = '') =>
  Array.from({ length: TOOLS }, (_, at) => {
    const raw = { name: `tool${at}`, description: `Does one thing${change}.`, inputSchema }
    return { upstream: UPSTREAM, name: raw.name, inputSchema, raw, digest: digestOf(raw) }
  })

export const tools = toolList()

const OPEN = 'context.args.path like "/open/*"'
const CALL = 'action == Action::"tools/call"'

/**
 * Everybody may what `users` permits: with `reads` only for some arguments, so that every call has to be looked at. The
 * others are about one role and one tool each; with `reads` one in ten forbids it for some arguments. With `wide` each is
 * about every caller and every tool, which leaves nothing to look up.
 */
export function policyText({ policies, roles, reads, wide = false }) {
  const named = Array.from({ length: policies - 1 }, (_, at) => {
    if (wide)
      return `@id("p${at}") permit(principal, ${CALL}, resource) when { context.args.path like "/closed${at}/*" };`
    const scope = `principal in Role::"r${(at * 7 + Math.floor(at / TOOLS)) % (roles - 1)}", ${CALL}, resource == Tool::"${UPSTREAM}/tool${at % TOOLS}"`
    if (!reads) return `@id("p${at}") permit(${scope});`
    if (at % 10 === 0) return `@id("p${at}") forbid(${scope}) when { context.args.depth > ${100 + at} };`
    return `@id("p${at}") permit(${scope}) when { ${OPEN} && context.args.depth < ${at + 10} };`
  })
  const users = `@id("users") permit(principal in Role::"user", action, resource)`
  const limited = `@id("users") permit(principal in Role::"user", ${CALL}, resource) when { ${OPEN} };`
  return [...named, reads ? limited : `${users};`].join('\n')
}

/** The one policy that a tenant has beside those of all. */
export const ownPolicy = () =>
  `@id("own") forbid(principal, ${CALL}, resource == Tool::"${UPSTREAM}/tool${TOOLS - 1}");`

/** The engine of a configuration; `cedar` is asked, or a memory of its answers. */
export function loadEngine(config, cedar) {
  return loadPolicies(policySources(config), { ...policyWords(config), tools: new Map([[UPSTREAM, tools]]) }, cedar)
}

/** Cedar that remembers, as the gateway keeps it from one start to the next. */
export const remembering = (known = { parsed: {}, fitting: {} }, cedar = openCedar()) =>
  new RememberedCedar(cedar, known)
