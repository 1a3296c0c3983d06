/** The only way to the outside: decide by rule, check the addresses, dial one of them, count every byte. */
import { connect as startTls, type TLSSocket } from 'node:tls'
import type { NetworkAccess, NetworkRule } from '../access.ts'
import { within } from './deadline.ts'
import { type Dial, dialFirst } from './dial.ts'
import type { Meter } from './meter.ts'
import { MeteredSocket } from './metered-socket.ts'
import type { Checked, Reach } from './reach.ts'
import { Refused } from './refused.ts'
import type { Rules } from './rules.ts'

export interface WayOutParts {
  readonly rules: Rules
  readonly reach: Reach
  readonly dial: Dial
  readonly meter: Meter
  readonly limits: Pick<NetworkAccess, 'connectTimeoutMs' | 'idleTimeoutMs'>
  /** Authorities (PEM) that prove hosts behind opened TLS, instead of those that Node trusts. */
  readonly trust: readonly string[] | undefined
}

export class WayOut {
  readonly #parts: WayOutParts

  constructor(parts: WayOutParts) {
    this.#parts = parts
  }

  /** Throws Refused `quota`, `host` or `not-allowed`. */
  decide(host: string | undefined, port: number): NetworkRule {
    const { meter, rules } = this.#parts
    if (meter.spent) throw new Refused('quota')
    return rules.find(host, port)
  }

  /** Throws Refused `unresolved`, `address` or `timeout`. */
  check(host: string, rule: NetworkRule): Promise<Checked> {
    const { limits, reach } = this.#parts
    return within(limits.connectTimeoutMs, reach.check(host, rule))
  }

  /** Throws Refused `quota`, `unreachable`, `timeout`, or `left` once `gone` is aborted. */
  async connect(to: Checked, port: number, gone: AbortSignal): Promise<MeteredSocket> {
    const { dial, limits, meter } = this.#parts
    if (meter.spent) throw new Refused('quota')
    const { socket, address } = await dialFirst(to, port, dial, { timeoutMs: limits.connectTimeoutMs, gone })
    return new MeteredSocket(socket, { address, meter, idleTimeoutMs: limits.idleTimeoutMs })
  }

  /** TLS that proves the host's name. Throws Refused `certificate` or `timeout`; `way` is closed then. */
  async secure(way: MeteredSocket, host: string): Promise<TLSSocket> {
    const { trust, limits } = this.#parts
    const tls = startTls({
      socket: way,
      servername: host,
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(trust !== undefined && { ca: [...trust] }),
    })
    try {
      await within(limits.connectTimeoutMs, secured(tls))
      return tls
    } catch (problem) {
      tls.destroy()
      way.destroy()
      throw problem
    }
  }
}

function secured(tls: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    tls.once('secureConnect', resolve)
    tls.on('error', (cause) => reject(cause instanceof Refused ? cause : new Refused('certificate', cause)))
    tls.once('close', () => reject(new Refused('unreachable')))
  })
}
