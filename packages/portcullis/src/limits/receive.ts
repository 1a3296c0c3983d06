import type { Exchange } from '../core/exchange.ts'
import type { Check } from '../core/pipeline.ts'

/** Reads the message, and no more of it than is allowed. */
export interface Received {
  readonly bytes: Buffer
}

/** Costs no promise when the body is already there. Throws `message.too_large` and `message.incomplete`. */
export function receive(maxBytes: number): Check<Exchange, Received> {
  return {
    name: 'limits.receive',
    check(exchange) {
      const bytes = exchange.body.read(maxBytes)
      return bytes instanceof Promise ? bytes.then((settled) => ({ bytes: settled })) : { bytes }
    },
  }
}
