/** Connects to the first of several checked addresses that answers (RFC 8305, "Happy Eyeballs"). */
import { connect, isIPv6, type Socket } from 'node:net'
import type { Checked } from './reach.ts'
import { Refused } from './refused.ts'

/** Starts to connect. The address is literal, so that nothing is resolved again. */
export type Dial = (address: string, port: number) => Socket

export interface Dialled {
  readonly address: string
  readonly socket: Socket
}

/** RFC 8305, section 5, "Connection Attempt Delay". */
const NEXT_ATTEMPT_MS = 250

export const dialDirect: Dial = (address, port) => connect({ host: address, port, noDelay: true, allowHalfOpen: true })

/** Rejects with Refused `unreachable`, or `timeout` after `timeoutMs`, or `left` when `gone` aborts; nothing is open then. */
export function dialFirst(to: Checked, port: number, dial: Dial, limits: DialLimits): Promise<Dialled> {
  return new Race(to, port, dial).run(limits)
}

export interface DialLimits {
  readonly timeoutMs: number
  /** Aborted when the client has left. */
  readonly gone: AbortSignal
}

class Race {
  readonly #waiting: string[]
  readonly #port: number
  readonly #dial: Dial
  readonly #open = new Set<Socket>()
  readonly #outcome = Promise.withResolvers<Dialled>()
  #next: NodeJS.Timeout | undefined

  constructor(to: Checked, port: number, dial: Dial) {
    this.#waiting = interleave(to)
    this.#port = port
    this.#dial = dial
  }

  async run({ timeoutMs, gone }: DialLimits): Promise<Dialled> {
    const leave = () => this.#fail(new Refused('left'))
    const timer = setTimeout(() => this.#fail(new Refused('timeout')), timeoutMs)
    gone.addEventListener('abort', leave)
    if (gone.aborted) leave()
    else this.#attempt()
    try {
      return await this.#outcome.promise
    } finally {
      clearTimeout(timer)
      gone.removeEventListener('abort', leave)
    }
  }

  #attempt(): void {
    clearTimeout(this.#next)
    const address = this.#waiting.shift()
    if (address === undefined) return
    const socket = this.#dial(address, this.#port)
    this.#open.add(socket)
    socket.once('connect', () => this.#win(address, socket))
    socket.on('error', () => this.#lose(socket))
    this.#next = setTimeout(() => this.#attempt(), NEXT_ATTEMPT_MS)
  }

  #win(address: string, socket: Socket): void {
    this.#open.delete(socket)
    this.#closeAll()
    this.#outcome.resolve({ address, socket })
  }

  #lose(socket: Socket): void {
    socket.destroy()
    if (!this.#open.delete(socket)) return
    if (this.#waiting.length > 0) this.#attempt()
    else if (this.#open.size === 0) this.#fail(new Refused('unreachable'))
  }

  #fail(refused: Refused): void {
    this.#closeAll()
    this.#outcome.reject(refused)
  }

  #closeAll(): void {
    clearTimeout(this.#next)
    this.#waiting.length = 0
    for (const socket of this.#open) socket.destroy()
    this.#open.clear()
  }
}

/** The families take turns, in the order of the resolver (RFC 8305, section 4). */
function interleave(addresses: Checked): string[] {
  const first = addresses.filter((address) => isIPv6(address) === isIPv6(addresses[0]))
  const second = addresses.filter((address) => !first.includes(address))
  return first.flatMap((address, at) => [address, ...second.slice(at, at + 1)]).concat(second.slice(first.length))
}
