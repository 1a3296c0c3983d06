import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'

/**
 * Check `transport.negotiate`: only POST carries messages, in JSON, to a client that takes JSON and event streams
 * (MCP 2026-07-28, "Sending Messages").
 */
export const negotiate: Check<Exchange> = {
  name: 'transport.negotiate',
  check({ head }) {
    if (head.method !== 'POST') {
      throw new Fault(
        'transport.method_not_allowed',
        { method: head.method },
        { headers: { allow: 'POST, GET, DELETE' } },
      )
    }
    if (!isJson(head.headers['content-type'])) throw new Fault('transport.unsupported_media')
    const accept = head.headers['accept']
    if (!accepts(accept, 'application/json') || !accepts(accept, 'text/event-stream')) {
      throw new Fault('transport.not_acceptable')
    }
  },
}

/** Whether an Accept header names the media type; a wildcard counts. */
export function accepts(accept: string | string[] | undefined, type: string): boolean {
  if (typeof accept !== 'string') return false
  if (accept.includes(type) || accept.includes('*/*')) return true
  return accept.includes(`${type.slice(0, type.indexOf('/'))}/*`)
}

function isJson(type: string | string[] | undefined): boolean {
  if (typeof type !== 'string') return false
  const end = type.indexOf(';')
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase() === 'application/json'
}
