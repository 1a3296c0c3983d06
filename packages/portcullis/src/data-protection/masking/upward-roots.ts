/** Decides where in what goes to an upstream there is something to mask beside the arguments of tools and prompts. */
import type { Replacement } from '../../core/replaced.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import type { WalkRoot } from './mask-walk.ts'
import { isEncoded, isTechnical } from './message-roots.ts'

/** By method, what names the thing that a message is for, or is masked elsewhere. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  'tools/call': ['name', 'arguments'],
  'prompts/get': ['name', 'arguments'],
  'completion/complete': ['ref'],
}

/** What says who speaks and in which trace, in forms of their own; and who asks for which of its tasks. */
const KNOWN: ReadonlySet<string> = new Set([
  'traceparent',
  'tracestate',
  'taskIds',
  'model',
  'stopReason',
  'action',
  'clientInfo',
  'capabilities',
])

const skip: NonNullable<WalkRoot['skip']> = (name, value, holder) => KNOWN.has(name) || isTechnical(name, value, holder)

const textRoot = (value: unknown, path: WalkRoot['path'], also = skip): WalkRoot => ({
  value,
  path,
  kind: 'protocol',
  skip: also,
  isEncoded,
})

/** Of the parameters of a request or a notification. What is no parameter of a method that is known is masked too. */
export function upwardRoots(method: string, params: Params): readonly WalkRoot[] {
  const named = NAMED[method] ?? []
  return Object.entries(params).flatMap(([name, value]) => {
    if (named.includes(name) || skip(name, value, params)) return []
    if (name === 'inputResponses' && isRecord(value))
      return Object.entries(value).flatMap(([key, answer]) => answerRoots(answer, [name, key]))
    if (name === 'argument' && isRecord(value)) return completionRoots(value)
    if (name === 'context' && isRecord(value) && isRecord(value['arguments']))
      return [dataRoot(value['arguments'], [name, 'arguments'])]
    return [textRoot(value, [name])]
  })
}

/** Of what a client answers to a question: a form, what a model has said, or roots. */
export function answerRoots(answer: unknown, path: WalkRoot['path']): readonly WalkRoot[] {
  if (!isRecord(answer)) return []
  const { content } = answer
  // The content of a form has names, which say what their values are; that of a model has a type.
  if (!isRecord(content) || 'type' in content || typeof answer['action'] !== 'string') return [textRoot(answer, path)]
  const skipsForm: NonNullable<WalkRoot['skip']> = (name, value, holder) =>
    (holder === answer && name === 'content') || skip(name, value, holder)
  return [dataRoot(content, [...path, 'content']), textRoot(answer, path, skipsForm)]
}

/** Of an answer as such, which may be an error. */
export function responseRoots(response: Params): readonly WalkRoot[] {
  const { error } = response
  return [...answerRoots(response['result'], ['result']), ...(error === undefined ? [] : [textRoot(error, ['error'])])]
}

const dataRoot = (value: unknown, path: WalkRoot['path']): WalkRoot => ({ value, path, kind: 'data' })

const COMPLETED = 'completed'

/** What is completed is the value of an argument, whose name stands beside it. */
const completionRoots = ({ name, value }: Params): readonly WalkRoot[] => [
  dataRoot(typeof name === 'string' ? { [name]: value } : value, [COMPLETED]),
]

/** Where a replacement belongs in the parameters. */
export const placed = (one: Replacement): Replacement =>
  one.path[0] === COMPLETED ? { path: ['argument', 'value', ...one.path.slice(2)], value: one.value } : one
