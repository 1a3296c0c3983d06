/** Which facts of a request a condition reads, so that decisions that read none of the changing ones are remembered. */
import type { Expr } from '@cedar-policy/cedar-wasm/nodejs'

/** Bits of a set of facts. */
export const READS = {
  args: 1,
  circumstances: 2,
  resource: 4,
  id: 8,
  tenant: 16,
  credential: 32,
  scopes: 64,
  strength: 128,
  roles: 256,
} as const

type Node = Readonly<Record<string, unknown>>

/** Attributes of a principal that belong to its class, whoever it is. Roles are always part of the class. */
const OF_PRINCIPAL: Readonly<Record<string, number>> = {
  tenant: READS.tenant,
  credential: READS.credential,
  scopes: READS.scopes,
  senderConstrained: READS.strength,
  acr: READS.strength,
  amr: READS.strength,
  roles: READS.roles,
}

/** An expression that yields the principal as a whole may look at anything of it further out. */
const WHOLE_PRINCIPAL = READS.id | READS.tenant | READS.credential | READS.scopes | READS.strength | READS.roles

/** The facts that an expression may read. Errs on the side of more. */
export function readsOf(expression: Expr): number {
  return walk(expression)
}

function walk(node: unknown): number {
  if (Array.isArray(node)) return node.reduce<number>((bits, part) => bits | walk(part), 0)
  if (typeof node !== 'object' || node === null) return 0
  const [operator, operand] = Object.entries(node as Node)[0] ?? []
  if (operator === 'Value') return ofName(operand)
  if (operator === 'Var') return ofVariable(operand as string, undefined)
  const { left, attr, right } = (operand ?? {}) as Node
  const variable = (left as Node | undefined)?.['Var']
  if (typeof variable === 'string') {
    if (operator === '.') return ofVariable(variable, attr as string)
    if (operator === 'has') return ofPresence(variable, attr as string | readonly string[])
    if (operator === 'is') return walk((operand as Node)['in'])
    if (operator === 'in')
      return (isGroup(right) ? ofMembership(variable) : ofVariable(variable, undefined)) | walk(right)
  }
  return Object.values(node as Node).reduce<number>((bits, part) => bits | walk(part), 0)
}

/** What reading a variable reads: one attribute of it, or all of it. */
function ofVariable(variable: string, attribute: string | undefined): number {
  if (variable === 'action') return 0
  if (variable === 'resource') return attribute === 'upstream' ? 0 : READS.resource
  if (variable === 'principal') return attribute === undefined ? WHOLE_PRINCIPAL : (OF_PRINCIPAL[attribute] ?? READS.id)
  if (attribute === undefined) return READS.args | READS.circumstances
  return attribute === 'args' ? READS.args : READS.circumstances
}

/** In which groups something is never changes from call to call, but from one principal to the next. */
const ofMembership = (variable: string): number => (variable === 'principal' ? READS.roles : 0)

/** Which fields the context has depends on the action alone; what is in the arguments does not. */
function ofPresence(variable: string, path: string | readonly string[]): number {
  const [first, ...rest] = typeof path === 'string' ? [path] : path
  return variable === 'context' && rest.length === 0 ? 0 : ofVariable(variable, first)
}

/** A name may turn out to be the resource or the principal of the request. */
function ofName(value: unknown): number {
  const type = (value as { __entity?: { type: string } } | null)?.__entity?.type
  if (type === undefined || ['Role', 'Upstream', 'Action'].includes(type)) return 0
  return type === 'User' ? WHOLE_PRINCIPAL : READS.resource
}

/** `in` a role or an upstream is settled by the class of the principal and the upstream of the resource. */
function isGroup(node: unknown): boolean {
  const { Value: value, Set: members } = node as { Value?: { __entity?: { type: string } }; Set?: readonly unknown[] }
  if (members !== undefined) return members.every(isGroup)
  return ['Role', 'Upstream'].includes(value?.__entity?.type ?? '')
}
