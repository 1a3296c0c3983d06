/**
 * The way out of a sandbox of macOS: the gateway's proxy on a port of loopback that only this sandbox may connect to.
 *
 * Every program of the host can connect to that port as well. It reaches no host through it that the rules do not name,
 * but credentials would be put into its requests too, so rules with credentials are refused.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Fault } from '../../core/fault.ts'
import type { LaunchSpec } from '../driver.ts'
import type { EgressGround } from '../network/networks.ts'
import { proxyVariables } from '../network/variables.ts'
import type { Meter } from '../process.ts'

export interface LoopbackProxy {
  readonly port: number
  readonly variables: Readonly<Record<string, string>>
  readonly meter: Meter
  /** Ends every connection and the listener. */
  close(): void
}

/** Undefined when no network is asked for. Throws `sandbox.start_failed` for what this system cannot hold. */
export async function openProxy(
  { network: access, env, onAccess = () => {} }: Pick<LaunchSpec, 'network' | 'env' | 'onAccess'>,
  ground: EgressGround = {},
): Promise<LoopbackProxy | undefined> {
  if (access === 'none') return undefined
  if (access.mode === 'transparent') refuse('macOS has no network namespaces: use mode: explicit')
  if (access.allow.some((rule) => rule.inject !== undefined || rule.openTls === true)) {
    refuse('rules with credentials or opened TLS need a network that no other program of the host can use')
  }
  const { Egress } = await import('../egress/egress.ts')
  const egress = new Egress(access, { ...ground, ...(access.authority && { authority: access.authority }), onAccess })
  const server = createServer({ allowHalfOpen: true }).listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  server.unref()
  egress.serveProxy(server)
  const { port } = server.address() as AddressInfo
  return {
    port,
    variables: proxyVariables(port, Object.keys(env)),
    meter: () => egress.counters(),
    close: () => {
      egress.close()
      server.close()
    },
  }
}

function refuse(reason: string): never {
  throw new Fault('sandbox.start_failed', { reason })
}
