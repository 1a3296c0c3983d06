/** Decides how far a process can be brought before its first caller is known. */
import { Fault } from '../core/fault.ts'
import { LEGACY_VERSIONS } from '../mcp/versions.ts'
import type { Era, Params } from '../mcp/message.ts'
import { NO_EVENTS } from './link.ts'
import type { LinkClient, LinkEvents } from './link.ts'
import { openStdio, type StdioOpenOptions } from './stdio-open.ts'
import type { StdioLink } from './stdio-link.ts'
import type { LineProcess } from './stdio-process.ts'
import type { Standing } from './warm-pool.ts'

/** Whom a process serves: `warm` until somebody has it. Read it each time, for it changes once. */
export interface ProcessOwner {
  readonly scope: string
}

export interface StartedProcess {
  readonly process: LineProcess
  readonly owner: { scope: string }
}

/** For whom a link is opened, as far as the process is concerned. */
export interface Receiver {
  readonly scope: string
  readonly client: LinkClient
  readonly owner: 'one' | 'many'
  readonly unsolicited: LinkEvents
}

export type WarmOptions = Omit<StdioOpenOptions, 'era' | 'client' | 'owner' | 'unsolicited'>

/**
 * What has to be asked of the pool for a link of this era and client.
 *
 * A modern process knows no client, and a legacy one that is initialized for the gateway itself serves whoever declares no
 * capabilities. Any other client is part of `initialize`, so its process can only be started.
 */
export function shapeOf(era: Era, client: LinkClient, gateway: Params): string {
  if (era === 'modern') return 'modern'
  const own = JSON.stringify(ownClient(gateway)) === JSON.stringify(client)
  return own ? 'legacy initialized' : 'legacy started'
}

/** Brings a process as far as its shape says. Throws what a handshake throws; the process is stopped then. */
export async function warmUp(shape: string, started: StartedProcess, options: WarmOptions): Promise<WarmProcess> {
  if (shape === 'legacy started') return new WarmProcess(started, options, undefined)
  const era = shape === 'modern' ? 'modern' : 'legacy'
  const nobody = { client: ownClient(options.gateway), owner: 'many', unsolicited: NO_EVENTS } as const
  return new WarmProcess(started, options, await openStdio(started.process, { ...options, ...nobody, era }))
}

export class WarmProcess implements Standing {
  readonly exited: Promise<unknown>
  readonly #started: StartedProcess
  readonly #options: WarmOptions
  readonly #link: StdioLink | undefined

  constructor(started: StartedProcess, options: WarmOptions, link: StdioLink | undefined) {
    this.#started = started
    this.#options = options
    this.#link = link
    this.exited = started.process.exited
  }

  stop(): Promise<unknown> {
    return this.#link?.close() ?? this.#started.process.stop()
  }

  /** The link for its only receiver. Throws `upstream.ended` when it has ended, and what a handshake throws. */
  async handOver({ scope, client, owner, unsolicited }: Receiver): Promise<StdioLink> {
    this.#started.owner.scope = scope
    if (this.#link === undefined) {
      return openStdio(this.#started.process, { ...this.#options, era: 'legacy', client, owner, unsolicited })
    }
    if (this.#link.closed) throw new Fault('upstream.ended', { reason: 'ended while it waited' })
    this.#link.handOver(owner, unsolicited)
    return this.#link
  }
}

/** As the gateway itself asks: with no capabilities. */
const ownClient = (gateway: Params): LinkClient => ({ info: gateway, capabilities: {}, version: LEGACY_VERSIONS[0] })
