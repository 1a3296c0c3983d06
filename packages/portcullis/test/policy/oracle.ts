/** What cedar-wasm itself says: the oracle of the differential test. */
import type { CedarValueJson, EntityJson, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { isAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import type { Principal } from '../../src/core/principal.ts'
import type { Params } from '../../src/mcp/message.ts'
import type { Circumstances } from '../../src/policy/circumstances.ts'
import { shapeOf, type Shape } from '../../src/policy/shape.ts'
import type { Aim } from '../../src/policy/vocabulary.ts'
import { TOOLS } from './fixture.ts'

export interface OracleRequest {
  readonly principal: Principal
  readonly aim: Aim
  readonly circumstances: Circumstances
  readonly args: Params
}

export interface OracleAnswer {
  readonly decision: 'allow' | 'deny'
  readonly reasons: readonly number[]
  readonly errors: readonly number[]
}

const uid = (type: string, id: string) => ({ type, id })

/** Asks Cedar, without a schema, so that policies with mistakes are evaluated too. Policies are numbered. */
export function ask(policies: readonly PolicyJson[], request: OracleRequest): OracleAnswer {
  const { principal, aim } = request
  const answer = isAuthorized({
    principal: uid('User', principal.id),
    action: uid('Action', aim.action),
    resource: resourceUid(aim),
    context: contextOf(request) as Record<string, CedarValueJson>,
    policies: { staticPolicies: Object.fromEntries(policies.map((policy, index) => [String(index), policy])) },
    entities: [userEntity(principal), resourceEntity(aim), ...ACTIONS],
  })
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  const { decision, diagnostics } = answer.response
  return {
    decision,
    reasons: diagnostics.reason.map(Number).toSorted((left, right) => left - right),
    errors: diagnostics.errors.map(({ policyId }) => Number(policyId)),
  }
}

const USES = ['tools/call', 'prompts/get', 'resources/read', 'resources/subscribe', 'completion/complete', 'tasks/use']
const ACTIONS: readonly EntityJson[] = [
  ...USES.map((id) => ({ uid: uid('Action', id), attrs: {}, parents: [uid('Action', 'use')] })),
  { uid: uid('Action', 'connect'), attrs: {}, parents: [] },
]

function userEntity({ id, tenant, roles, credential, scopes }: Principal): EntityJson {
  const { kind, bound, acr, amr } = credential
  const attrs = {
    ...{ id, tenant, roles: [...roles], credential: kind, senderConstrained: bound !== undefined },
    ...(acr !== undefined && { acr }),
    ...(amr && { amr: [...amr] }),
    ...(scopes && { scopes: [...scopes] }),
  }
  return { uid: uid('User', id), attrs, parents: roles.map((role) => uid('Role', role)) }
}

const resourceUid = (aim: Aim) =>
  aim.action === 'connect' ? uid('Upstream', aim.upstream) : uid(aim.type, `${aim.upstream}/${aim.name}`)

function resourceEntity(aim: Aim): EntityJson {
  const parents = aim.action === 'connect' ? [] : [uid('Upstream', aim.upstream)]
  return { uid: resourceUid(aim), attrs: attributesOf(aim), parents }
}

function attributesOf(aim: Aim): Record<string, CedarValueJson> {
  if (aim.action === 'connect') return {}
  const { upstream, name } = aim
  if (aim.type === 'Prompt') return { name, upstream }
  if (aim.type === 'Task') return { upstream }
  if (aim.type === 'Resource') return { uri: name, scheme: name.split(':')[0] as string, upstream }
  const readOnly = name === 'read_file'
  return { name, upstream, readOnly, destructive: !readOnly, idempotent: false, openWorld: !readOnly }
}

function contextOf({ aim, circumstances, args }: OracleRequest): Params {
  const { at, address, encrypted, era, method } = circumstances
  const date = new Date(at)
  const time = {
    now: { __extn: { fn: 'datetime', arg: date.toISOString() } },
    epochSeconds: Math.floor(at / 1000),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    weekday: date.getUTCDay() || 7,
  }
  const context = { time, address: { __extn: { fn: 'ip', arg: address } }, encrypted, era, method }
  if (aim.action !== 'tools/call') return context
  const tool = TOOLS.get(aim.upstream)?.find(({ name }) => name === aim.name)
  return { ...context, args: toCedar(args, shapeOf(tool?.inputSchema ?? {})) }
}

function toCedar(json: unknown, shape: Shape): unknown {
  if (shape.kind === 'decimal') {
    const text = String(json)
    return { __extn: { fn: 'decimal', arg: text.includes('.') ? text : `${text}.0` } }
  }
  if (shape.kind === 'Set') return (json as readonly unknown[]).map((element) => toCedar(element, shape.element))
  if (shape.kind !== 'Record') return json
  const fields = Object.entries(json as Params).filter(([, value]) => value !== null)
  return Object.fromEntries(
    fields.map(([name, value]) => [name, toCedar(value, shape.fields.get(name)?.shape as Shape)]),
  )
}
