/** How queries for names reach the egress, and what happens to a sandbox that asks without end. */
import type { Socket } from 'node:dgram'

/** Questions of one sandbox that are answered in a second; the others are lost, as over any network. */
const ANSWERED_PER_SECOND = 200
/** From here on it is an attack on the gateway's processor: the socket is closed for good. */
const FLOOD_PER_SECOND = 10_000
const WINDOW_MS = 1_000
/** Without EDNS, a query is at most this long (RFC 1035, section 2.3.4). */
const MAX_QUERY_BYTES = 512

/** Answers a query, or gives undefined for what is none. */
export type AnswerName = (query: Buffer) => Buffer | undefined

/** Serves `socket` until it is closed. `onFlood` is called once, when it was closed because of a flood. */
export function serveNames(socket: Socket, answer: AnswerName, onFlood: () => void): void {
  let queries = 0
  socket.on('error', () => {}) // a client that is gone before its answer
  socket.on('message', (query, { address, port }) => {
    if (queries++ === 0) {
      setTimeout(() => {
        queries = 0
      }, WINDOW_MS).unref()
    }
    if (queries === FLOOD_PER_SECOND) {
      socket.close()
      onFlood()
    }
    if (queries > ANSWERED_PER_SECOND || query.length > MAX_QUERY_BYTES) return
    const reply = answer(query)
    if (reply !== undefined) socket.send(reply, port, address)
  })
}
