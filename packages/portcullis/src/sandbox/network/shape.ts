/** What a network namespace listens on, which follows from the rules alone: namespaces of one shape stand in for another. */
import { Fault } from '../../core/fault.ts'
import type { NetworkAccess } from '../access.ts'

export interface NetworkShape {
  /** On 127.0.0.1, in both modes. */
  readonly proxyPort: number
  /** Ports that are taken at every address, ascending; undefined: only the proxy is there, and no names are answered. */
  readonly transparentPorts: readonly number[] | undefined
}

/** Addresses that stand for names inside; reserved for benchmarks, so that nobody misses them (RFC 2544, appendix C). */
export const STAND_IN_RANGE = '198.18.0.0/15'

/** The usual port of proxies; the next free one when a rule is about that port. */
const PROXY_PORT = 3128
/** Each is a descriptor of the gateway. */
const MAX_PORTS = 64

/** Throws `sandbox.start_failed` when the rules name more than 64 ports in transparent mode, or a port that is none. */
export function shapeOf({ mode, allow }: Pick<NetworkAccess, 'mode' | 'allow'>): NetworkShape {
  const ports = [...new Set(allow.flatMap((rule) => rule.ports))].sort((left, right) => left - right)
  if (!ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536))
    refuse('a rule names a port that is none')
  if (mode === 'explicit') return { proxyPort: PROXY_PORT, transparentPorts: undefined }
  if (ports.length > MAX_PORTS) refuse(`transparent mode listens on ${MAX_PORTS} ports at most`)
  return { proxyPort: firstFree(PROXY_PORT, ports), transparentPorts: ports }
}

/** Equal for shapes that listen on the same. */
export function shapeKey({ proxyPort, transparentPorts }: NetworkShape): string {
  return `${proxyPort} ${transparentPorts?.join() ?? 'explicit'}`
}

function firstFree(port: number, taken: readonly number[]): number {
  return taken.includes(port) ? firstFree(port + 1, taken) : port
}

function refuse(reason: string): never {
  throw new Fault('sandbox.start_failed', { reason })
}
