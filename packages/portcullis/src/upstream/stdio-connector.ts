/** How a link to an upstream over stdio comes to be: from a process that waits already, or from one that is started. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Params } from '../mcp/message.ts'
import type { Connector, LinkWish } from './connector.ts'
import type { ManagedLink, Parse } from './link.ts'
import type { OnViolation, Violation } from './offences.ts'
import type { StdioLink } from './stdio-link.ts'
import { openStdio } from './stdio-open.ts'
import type { LineProcess } from './stdio-process.ts'
import { WarmPool } from './warm-pool.ts'
import { WatchedLink } from './watched-link.ts'
import {
  type ProcessOwner,
  shapeOf,
  type StartedProcess,
  type WarmOptions,
  type WarmProcess,
  warmUp,
} from './warm-process.ts'

export interface StdioConnectorOptions {
  /**
   * Starts a confined process. Called once for each link and for each process of the pool; `owner` says at any time
   * whom it serves, `scope` is what that was at the start.
   */
  readonly spawn: (scope: string, owner: ProcessOwner) => Promise<LineProcess>
  readonly parse: Parse
  /** The gateway's own `clientInfo`. */
  readonly gateway: Params
  readonly probeTimeoutMs: number
  readonly startTimeoutMs: number
  readonly maxWaitingBytes: number
  readonly maxWaitingMessages: number
  /** Hears of what a process says against the protocol. Must not throw. */
  readonly onViolation?: ((owner: ProcessOwner, violation: Violation | 'too-many') => void) | undefined
  /** Processes that are kept ready. Absent: none. */
  readonly warm?: WarmSettings | undefined
}

export interface WarmSettings {
  readonly clock: Clock
  readonly processes: number
  /** After which those that nobody came for are ended. */
  readonly idleMs: number
  /** Hears of a process that could not be made ready. Must not throw. */
  readonly onFailure?: ((thrown: unknown) => void) | undefined
}

type Stoppable = Pick<LineProcess, 'stop'>

export class StdioConnector implements Connector {
  readonly stateless = false
  readonly #options: StdioConnectorOptions
  readonly #pool: WarmPool<WarmProcess> | undefined
  readonly #starting = new Set<Stoppable>()
  #shut = false

  constructor(options: StdioConnectorOptions) {
    this.#options = options
    const { warm } = options
    if (warm === undefined || warm.processes === 0) return
    this.#pool = new WarmPool({ ...warm, size: warm.processes, prepare: (shape) => this.#prepare(shape) })
  }

  async open(wish: LinkWish): Promise<ManagedLink> {
    const link = (await this.#warm(wish)) ?? (await this.#cold(wish))
    this.#pool?.expect(shapeOf(link.era, wish.client, this.#options.gateway))
    return link.calls === undefined ? link : new WatchedLink(link, link.calls)
  }

  /** A process that says nothing would otherwise hold up the end of the gateway for as long as it may take to start. */
  shut(): void {
    this.#shut = true
    for (const process of this.#starting) void process.stop(0).catch(() => {})
  }

  async close(): Promise<void> {
    this.shut()
    await this.#pool?.close()
  }

  async #prepare(shape: string): Promise<WarmProcess> {
    const started = await this.#spawn('warm')
    return this.#whileStarting(started.process, warmUp(shape, started, this.#openOptions(started)))
  }

  /** Undefined when no process waits, or when the one that did has ended in the meantime. */
  async #warm(wish: LinkWish): Promise<StdioLink | undefined> {
    if (wish.era === 'auto') return undefined
    const process = this.#pool?.take(shapeOf(wish.era, wish.client, this.#options.gateway))
    try {
      return process && (await this.#whileStarting(process, process.handOver(wish)))
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'upstream.ended') return undefined
      throw thrown
    }
  }

  async #cold(wish: LinkWish): Promise<StdioLink> {
    try {
      return await this.#start(wish)
    } catch (thrown) {
      // Some old servers exit on a method that they do not know before `initialize`; only those start a second time.
      if (wish.era !== 'auto' || !exitedByItself(thrown)) throw thrown
      return this.#start({ ...wish, era: 'legacy' })
    }
  }

  async #start({ era, client, unsolicited, scope, owner }: LinkWish): Promise<StdioLink> {
    const started = await this.#spawn(scope)
    const options = { ...this.#openOptions(started), era, client, unsolicited, owner }
    return this.#whileStarting(started.process, openStdio(started.process, options))
  }

  async #spawn(scope: string): Promise<StartedProcess> {
    const owner = { scope }
    const process = await this.#options.spawn(scope, owner)
    if (!this.#shut) return { owner, process }
    await process.stop(0)
    throw new Fault('upstream.ended', { reason: 'the upstream was closed' })
  }

  async #whileStarting<T>(process: Stoppable, work: Promise<T>): Promise<T> {
    this.#starting.add(process)
    try {
      return await work
    } finally {
      this.#starting.delete(process)
    }
  }

  #openOptions({ owner }: StartedProcess): WarmOptions {
    const { onViolation } = this.#options
    const tell: OnViolation | undefined = onViolation && ((violation) => onViolation(owner, violation))
    return { ...this.#options, onViolation: tell }
  }
}

const exitedByItself = (thrown: unknown): boolean =>
  thrown instanceof Fault && thrown.code === 'upstream.ended' && thrown.detail['code'] !== undefined
