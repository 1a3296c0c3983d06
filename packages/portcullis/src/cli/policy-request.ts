/** Turns a question of the command line into one that the policies can answer. */
import type { Credential, CredentialKind } from '../core/principal.ts'
import type { Params } from '../mcp/message.ts'
import type { PolicyRequest } from '../policy/question.ts'
import { isUse, USES } from '../policy/vocabulary.ts'
import type { Aim, TargetType } from '../policy/vocabulary.ts'
import { CommandError, EXIT } from './exit.ts'

export interface PolicyQuestion {
  readonly roles: readonly string[]
  readonly tenant?: string
  /** Such as `tools/call`, or `connect`. */
  readonly action: string
  readonly upstream: string
  /** Name of the tool, prompt, resource or task; absent for `connect`. */
  readonly target?: string
  readonly args?: Params
  readonly address?: string
  /** ISO 8601; now, unless said otherwise. */
  readonly time?: string
  /** An API key, unless said otherwise. */
  readonly credential?: CredentialKind
  readonly senderConstrained?: boolean
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly scope?: readonly string[]
}

/** Throws CommandError for an action that is none, or a time that is none. `now` in milliseconds. */
export function toRequest(question: PolicyQuestion, now: number): PolicyRequest {
  const id = 'test'
  const at = question.time === undefined ? now : Date.parse(question.time)
  if (Number.isNaN(at))
    throw new CommandError(EXIT.usage, `${JSON.stringify(question.time)} is not a time such as 2026-01-31T12:00:00Z`)
  const { tenant = 'default', roles, scope } = question
  return {
    principal: { id, tenant, roles, credential: credentialOf(question, id), ...(scope && { scopes: scope }) },
    aim: toAim(question),
    circumstances: {
      at,
      address: question.address ?? '127.0.0.1',
      encrypted: true,
      era: 'modern',
      method: question.action === 'connect' ? 'tools/list' : question.action,
    },
    args: question.args ?? {},
  }
}

function credentialOf({ credential, senderConstrained, acr, amr }: PolicyQuestion, id: string): Credential {
  return {
    kind: credential ?? 'api-key',
    id,
    ...(senderConstrained === true && { bound: 'key' }),
    ...(acr !== undefined && { acr }),
    ...(amr && { amr }),
  }
}

function toAim({ action, upstream, target }: PolicyQuestion): Aim {
  if (action === 'connect') return { action, upstream }
  if (!isUse(action)) {
    throw new CommandError(
      EXIT.usage,
      `there is no action ${JSON.stringify(action)}; known are connect, ${Object.keys(USES).join(', ')}`,
    )
  }
  if (target === undefined) throw new CommandError(EXIT.usage, `${action} needs a target`)
  const types: readonly TargetType[] = USES[action]
  return { action, type: types[0] ?? 'Tool', upstream, name: target }
}
