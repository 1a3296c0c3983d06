/** Decides which questions to a client are forms, and what such a form asks for (MCP "Elicitation", form mode). */
import { isRecord, type Params } from './message.ts'

/** Forms by the names of their questions. */
export type Forms = Readonly<Record<string, Params>>

/** The `requestedSchema` of a question; undefined for one that is no form. */
export function formOf(question: unknown): Params | undefined {
  if (!isRecord(question) || question['method'] !== 'elicitation/create' || !isRecord(question['params']))
    return undefined
  const { mode, requestedSchema } = question['params']
  return mode !== 'url' && isRecord(requestedSchema) ? requestedSchema : undefined
}

/** The forms among `inputRequests`; undefined when there is none. */
export function formsOf(requests: Params): Forms | undefined {
  const found = Object.entries(requests).flatMap(([key, question]) => {
    const form = formOf(question)
    return form === undefined ? [] : [[key, form] as const]
  })
  return found.length === 0 ? undefined : Object.fromEntries(found)
}
