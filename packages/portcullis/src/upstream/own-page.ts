/** One page of a list, asked for by the gateway itself. */
import { Fault } from '../core/fault.ts'
import { isError, type Params } from '../mcp/message.ts'
import { type Link, NO_EVENTS } from './link.ts'
import { withinTime } from './own-time.ts'
import { gatewayEnvelope } from './probe.ts'

const METHOD_NOT_FOUND = -32601

/**
 * Undefined when the upstream has no such method. `gateway` is the gateway's own `clientInfo`. Throws
 * `upstream.unavailable` for every other error, and the faults of the link.
 */
export async function ownPage(
  link: Link,
  method: string,
  cursor: string | undefined,
  { gateway, ownTimeoutMs }: { readonly gateway: Params; readonly ownTimeoutMs: number },
): Promise<Params | undefined> {
  const params = {
    ...(link.era === 'modern' && { _meta: gatewayEnvelope(gateway) }),
    ...(cursor !== undefined && { cursor }),
  }
  const request = { id: method.slice(0, method.lastIndexOf('/')), method, params }
  const response = await withinTime(ownTimeoutMs, (late) => link.request(request, NO_EVENTS, late))
  if (!isError(response)) return response.result
  if (response.error.code === METHOD_NOT_FOUND) return undefined
  throw new Fault('upstream.unavailable', { reason: method, code: response.error.code })
}
