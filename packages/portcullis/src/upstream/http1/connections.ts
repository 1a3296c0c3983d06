import { Fault } from '../../core/fault.ts'
import { Connection, type ConnectionOwner, type Target, type Transfer } from './connection.ts'

/**
 * Connections to one upstream: the one that was used last is used next, so that the others may grow cold and end.
 * A request waits when all are busy; how many may wait is for the caller to say.
 */
const SWEEP_MS = 500

export class Connections implements ConnectionOwner {
  readonly #target: Target
  readonly #max: number
  readonly #all = new Set<Connection>()
  /** Not connected yet. */
  readonly #fresh = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #waiting: Transfer[] = []
  #sweep: NodeJS.Timeout | undefined
  #closed = false

  constructor(target: Target, max: number) {
    this.#target = target
    this.#max = max
  }

  /** Every transfer hears `onEnd` or `onFailure`, some at once. */
  send(transfer: Transfer): void {
    if (this.#closed) return transfer.onFailure(new Fault('upstream.ended', { reason: 'closed by the gateway' }))
    const connection = this.#takeIdle()
    if (connection !== undefined) return connection.send(transfer)
    this.#waiting.push(transfer)
    if (this.#fresh.size < this.#waiting.length && this.#all.size < this.#max) this.#connect()
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#sweep)
    const fault = new Fault('upstream.ended', { reason: 'closed by the gateway' })
    for (const connection of [...this.#all]) connection.destroy(fault)
    for (const transfer of this.#waiting.splice(0)) transfer.onFailure(fault)
  }

  onReady(connection: Connection): void {
    if (!this.#all.has(connection)) return
    this.#fresh.delete(connection)
    const next = this.#nextWaiting()
    if (next === undefined) this.#idle.push(connection)
    else connection.send(next)
  }

  onClosed(connection: Connection, fault: Fault | undefined): void {
    this.#all.delete(connection)
    this.#fresh.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    // One attempt fails one request, so that a burst against a dead upstream does not wait in a row.
    if (fault !== undefined) this.#nextWaiting()?.onFailure(fault)
    if (this.#all.size === 0) this.#stopSweep()
    if (this.#fresh.size < this.#waiting.length && this.#all.size < this.#max && !this.#closed) this.#connect()
  }

  #connect(): void {
    const connection = new Connection(this.#target, this)
    this.#all.add(connection)
    this.#fresh.add(connection)
    this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS).unref()
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idle) return connection
    }
    return undefined
  }

  #nextWaiting(): Transfer | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!next.over) return next
    }
    return undefined
  }

  #expire(): void {
    const now = performance.now()
    for (const connection of [...this.#all]) connection.expire(now)
  }

  #stopSweep(): void {
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}
