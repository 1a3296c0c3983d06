/** Puts a request into Cedar's terms: principal, action, resource and context. */
import type { Principal } from '../core/principal.ts'
import type { Params } from '../mcp/message.ts'
import { Arguments, FutureArguments } from './arguments.ts'
import { type Circumstances, Context, vagueContext } from './circumstances.ts'
import type { Question } from './compile.ts'
import { targetEntity } from './entities.ts'
import type { Slot } from './memory.ts'
import type { RecordShape } from './shape.ts'
import type { Entity, RecordValue } from './value.ts'
import type { Aim } from './vocabulary.ts'

export interface PolicyRequest {
  readonly principal: Principal
  readonly aim: Aim
  /** `unknown` asks what may become of it at some time, from some address. */
  readonly circumstances: Circumstances | 'unknown'
  /** Arguments of a tool call; `unknown` asks what may become of it with some. Absent means none, as in MCP. */
  readonly args?: Params | 'unknown'
}

/** The question of one request. Nothing is converted before a policy looks at it. */
export function questionOf(slot: Slot, principal: Entity, request: PolicyRequest): Question {
  const { aim, circumstances } = request
  const args = slot.shape && argumentsOf(slot.shape, request.args ?? NONE)
  const context = circumstances === 'unknown' ? vagueOf(slot, args) : new Context(circumstances, args)
  return { principal, action: slot.action, resource: slot.shared ? one(slot, aim) : slot.resource, context }
}

/** Nothing in a context that will be known some day differs from one question to the next, so each shape has one. */
const vague = new WeakMap<RecordShape, RecordValue>()

function vagueOf({ shape }: Slot, args: RecordValue | undefined): RecordValue {
  if (shape === undefined || !(args instanceof FutureArguments)) return vagueContext(args)
  const known = vague.get(shape)
  if (known !== undefined) return known
  const made = vagueContext(args)
  vague.set(shape, made)
  return made
}

const NONE: Params = Object.freeze({})

function one(slot: Slot, aim: Aim): Entity {
  if (aim.action === 'connect' || aim.type === 'Tool' || aim.name === '') return slot.resource
  return targetEntity(aim.type, aim.upstream, aim.name)
}

function argumentsOf(shape: RecordShape, args: Params | 'unknown'): Arguments | FutureArguments {
  return args === 'unknown' ? new FutureArguments(shape) : new Arguments(args, shape)
}
