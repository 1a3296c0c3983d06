import type { Target } from './call.ts'
import type { Era, Params } from './message.ts'

/** What the gateway knows of a method. A method that is not in the table does not pass: default deny. */
export interface Method {
  readonly eras: readonly Era[]
  readonly from: 'client'
  readonly kind: 'request' | 'notification'
  /** Which parameter names the thing that is acted upon; a `ref` says itself of which kind that is. */
  readonly target?: { readonly kind: Exclude<Target['kind'], 'none'> | 'ref'; readonly param: string }
}

const BOTH = ['modern', 'legacy'] as const
const MODERN = ['modern'] as const
const LEGACY = ['legacy'] as const
const request = (eras: readonly Era[], target?: Method['target']): Method => ({
  eras,
  from: 'client',
  kind: 'request',
  ...(target && { target }),
})
const notification = (eras: readonly Era[]): Method => ({ eras, from: 'client', kind: 'notification' })

// biome-ignore format: one method a row
const METHODS: Readonly<Record<string, Method>> = {
  'server/discover':                  request(MODERN),
  'subscriptions/listen':             request(MODERN),
  'tools/list':                       request(BOTH),
  'tools/call':                       request(BOTH, { kind: 'tool', param: 'name' }),
  'prompts/list':                     request(BOTH),
  'prompts/get':                      request(BOTH, { kind: 'prompt', param: 'name' }),
  'resources/list':                   request(BOTH),
  'resources/templates/list':         request(BOTH),
  'resources/read':                   request(BOTH, { kind: 'resource', param: 'uri' }),
  'completion/complete':              request(BOTH, { kind: 'ref', param: 'ref' }),
  'tasks/get':                        request(MODERN, { kind: 'task', param: 'taskId' }),
  'tasks/update':                     request(MODERN, { kind: 'task', param: 'taskId' }),
  'tasks/cancel':                     request(MODERN, { kind: 'task', param: 'taskId' }),
  'initialize':                       request(LEGACY),
  'ping':                             request(LEGACY),
  'logging/setLevel':                 request(LEGACY),
  'resources/subscribe':              request(LEGACY, { kind: 'resource', param: 'uri' }),
  'resources/unsubscribe':            request(LEGACY, { kind: 'resource', param: 'uri' }),
  'notifications/initialized':        notification(LEGACY),
  'notifications/cancelled':          notification(BOTH),
  'notifications/progress':           notification(LEGACY),
  'notifications/roots/list_changed': notification(LEGACY),
}

/** Every method that may pass in some era. */
export const METHOD_NAMES: readonly string[] = Object.keys(METHODS)

/** The entry of a method, or undefined for one that the gateway does not know in this era. */
export function methodOf(name: string, era: Era): Method | undefined {
  if (!Object.hasOwn(METHODS, name)) return undefined
  const method = METHODS[name] as Method
  return method.eras.includes(era) ? method : undefined
}

/** The methods whose results may ask for input (MCP 2026-07-28 MRTR). */
export const ASKING_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

const NO_TARGET: Target = { kind: 'none' }

/** What a message acts upon, or undefined when the parameter that names it is missing or does not name anything. */
export function targetOf(method: Method, params: Params): Target | undefined {
  if (method.target === undefined) return NO_TARGET
  const { kind, param } = method.target
  if (kind === 'ref') return completionTarget(params)
  const name = params[param]
  return typeof name === 'string' && name !== '' ? { kind, name } : undefined
}

/**
 * `completion/complete` names a prompt or a resource template by `ref` (MCP "Completion"). A ref that we cannot read does
 * not pass, because an upstream that reads it more generously would act on something that no policy has seen.
 */
function completionTarget(params: Params): Target | undefined {
  const ref = params['ref'] as { type?: unknown; name?: unknown; uri?: unknown } | undefined
  if (typeof ref !== 'object' || ref === null) return undefined
  const name = ref.type === 'ref/prompt' ? ref.name : ref.type === 'ref/resource' ? ref.uri : undefined
  if (typeof name !== 'string' || name === '') return undefined
  return { kind: ref.type === 'ref/prompt' ? 'prompt' : 'resource', name }
}
