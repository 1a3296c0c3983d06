import { type SseDecoder, type SseEvent } from '../mcp/sse.ts'
import type { ChunkStream } from './http-response.ts'

/**
 * Reads a stream of server-sent events to its end, one after the other, so that a slow taker slows the connection.
 * Resolves with true as soon as `take` says that it has what it wanted, with false at the end of the stream. Whatever
 * happens, the connection is released: a stream that nobody reads would hold it for ever.
 */
export async function readEvents(
  stream: ChunkStream,
  decoder: SseDecoder,
  take: (event: SseEvent) => Promise<boolean> | boolean,
): Promise<boolean> {
  let satisfied = false
  try {
    for (let chunk = await stream.next(); chunk !== undefined; chunk = await stream.next()) {
      for (const event of decoder.push(chunk)) {
        const taken = take(event)
        satisfied = typeof taken === 'boolean' ? taken : await taken
        if (satisfied) return true
      }
    }
    return false
  } finally {
    if (satisfied) stream.drain()
    else stream.abort()
  }
}
