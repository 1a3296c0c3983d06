/** Decides which text of a result repeats its structured content (MCP "Structured Content"), and keeps the two alike. */
import { isDeepStrictEqual } from 'node:util'
import type { Outgoing } from '../../core/exchange.ts'
import { isRecord } from '../../mcp/message.ts'
import { replaced, type Replacement } from '../../core/replaced.ts'

/**
 * When structured content is changed, the text that was its JSON becomes the JSON of what is left; `changes` of the text itself
 * come after. Returns the message as it is when nothing of the structured content is changed.
 */
export function withMirrors(message: Outgoing, changes: readonly Replacement[]): Outgoing {
  const own = changes.filter(({ path }) => path[1] === 'structuredContent')
  const { result } = message
  if (own.length === 0 || !isRecord(result) || !Array.isArray(result['content'])) return message
  const text = JSON.stringify((replaced(message, own)['result'] as Record<string, unknown>)['structuredContent'])
  const content: readonly unknown[] = result['content']
  return replaced(
    message,
    content.flatMap((block, index) =>
      isRecord(block) && isMirror(block['text'], result['structuredContent'])
        ? [{ path: ['result', 'content', index, 'text'], value: text }]
        : [],
    ),
  )
}

function isMirror(text: unknown, structured: unknown): boolean {
  if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return false
  try {
    return isDeepStrictEqual(JSON.parse(text), structured)
  } catch {
    return false
  }
}
