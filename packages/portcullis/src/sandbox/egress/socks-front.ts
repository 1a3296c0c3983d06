/** Speaks SOCKS5 with the programs inside: only to connect, only without a password. */
import type { Socket } from 'node:net'
import { farewell } from './farewell.ts'
import { peek } from './peek.ts'
import { type Reason, reasonOf, Refused } from './refused.ts'
import type { Reporter } from './report.ts'
import { MAX_SOCKS_BYTES, METHOD_ACCEPTED, METHOD_REFUSED, readGreeting, readRequest, socksReply } from './socks.ts'

export interface SocksFrontParts {
  readonly reporter: Reporter
  readonly timeoutMs: number
  /** Takes over a connection that asks for a host, and answers it with `reply`. */
  readonly onConnect: (socket: Socket, host: string, port: number, reply: SocksAnswer) => void
}

export interface SocksAnswer {
  readonly accept: () => void
  readonly refuse: (reason: Reason) => void
}

export class SocksFront {
  readonly #parts: SocksFrontParts

  constructor(parts: SocksFrontParts) {
    this.#parts = parts
  }

  /** Takes the connection over. Never rejects. */
  async serve(socket: Socket): Promise<void> {
    const asked = { host: '', port: 0 }
    try {
      if (!(await this.#read(socket, readGreeting))) {
        farewell(socket, METHOD_REFUSED)
        throw new Refused('protocol')
      }
      socket.write(METHOD_ACCEPTED)
      const { host, port, command } = await this.#read(socket, readRequest)
      Object.assign(asked, { host, port })
      if (command !== 'connect') throw new Refused('protocol')
      this.#parts.onConnect(socket, host, port, answerWith(socket))
    } catch (problem) {
      const reason = reasonOf(problem)
      if (reason !== 'left') this.#parts.reporter.refusedOften({ protocol: 'socks', ...asked }, reason)
      if (socket.writable) farewell(socket, socksReply(reason))
      else socket.resume()
    }
  }

  #read<T>(socket: Socket, read: Parameters<typeof peek<T>>[2]): Promise<T> {
    return peek(socket, { maxBytes: MAX_SOCKS_BYTES, timeoutMs: this.#parts.timeoutMs }, read)
  }
}

function answerWith(socket: Socket): SocksAnswer {
  return {
    accept: () => socket.write(socksReply(undefined)),
    refuse: (reason) => farewell(socket, socksReply(reason)),
  }
}
