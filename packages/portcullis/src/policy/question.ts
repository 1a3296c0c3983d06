/** Puts a request into Cedar's terms: principal, action, resource and context. */
import type { Principal } from '../core/principal.ts'
import type { Params } from '../mcp/message.ts'
import { Arguments, FutureArguments } from './arguments.ts'
import { type Circumstances, Context, vagueContext } from './circumstances.ts'
import type { Question } from './compile.ts'
import { targetEntity } from './entities.ts'
import type { Slot } from './memory.ts'
import type { RecordShape } from './shape.ts'
import type { Entity } from './value.ts'
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
  const context = circumstances === 'unknown' ? vagueContext(args) : new Context(circumstances, args)
  return { principal, action: slot.action, resource: slot.shared ? one(slot, aim) : slot.resource, context }
}

const NONE: Params = Object.freeze({})

function one(slot: Slot, aim: Aim): Entity {
  if (aim.action === 'connect' || aim.type === 'Tool' || aim.name === '') return slot.resource
  return targetEntity(aim.type, aim.upstream, aim.name)
}

function argumentsOf(shape: RecordShape, args: Params | 'unknown'): Arguments | FutureArguments {
  return args === 'unknown' ? new FutureArguments(shape) : new Arguments(args, shape)
}
