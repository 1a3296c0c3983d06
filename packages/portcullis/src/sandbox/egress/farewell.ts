/** How a connection that is refused is told so before it is closed. */
import type { Duplex } from 'node:stream'
import type { Reason } from './refused.ts'

/** For the client to read what was said; closing at once could destroy it on the way. */
const LINGER_MS = 1_000

/** Says the last words and closes, even when the other side keeps on sending. */
export function farewell(socket: Duplex, words: string | Buffer = ''): void {
  socket.end(words)
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

/** One line for the people who read the output of the program. */
export function refusalText(host: string, port: number, reason: Reason): string {
  return `refused by the sandbox: ${host.slice(0, 253).replaceAll(/[^\x21-\x7e]/g, '?')}:${port} (${reason})\n`
}

const GATEWAY_PROBLEMS: ReadonlySet<Reason> = new Set(['unresolved', 'unreachable', 'certificate'])
const GATEWAY_TIMEOUTS: ReadonlySet<Reason> = new Set(['timeout', 'idle'])

/** The status of HTTP for a refusal. */
export function refusalStatus(reason: Reason): number {
  if (GATEWAY_PROBLEMS.has(reason)) return 502
  if (GATEWAY_TIMEOUTS.has(reason)) return 504
  return reason === 'protocol' ? 400 : 403
}
