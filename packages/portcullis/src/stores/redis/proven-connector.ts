/** Decides when a connection to Redis may be used: after its server is proved, and before a password is sent to it. */
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { AbstractConnector } from 'ioredis'
import type { ProveServer } from '../../core/tls-agent.ts'

export interface Proof {
  readonly tls: ConnectionOptions & { readonly host: string }
  readonly prove: ProveServer
  /** Until the server is proved. */
  readonly timeoutMs: number
}

/** How long a connection that we end may take to close. */
const GOODBYE_MS = 2_000

/** For `Connector` of ioredis. A connection that fails is given out destroyed: only so is another one tried for later. */
export const provenConnector = ({ tls, prove, timeoutMs }: Proof): (new () => AbstractConnector) =>
  class ProvenConnector extends AbstractConnector {
    constructor() {
      super(GOODBYE_MS)
    }

    connect(): Promise<TLSSocket> {
      this.connecting = true
      delete this.firstError
      const socket = connect({ ...tls, requestOCSP: true })
      const verify = prove(socket, tls.host)
      this.stream = socket
      return new Promise((resolve) => {
        const settle = (error?: Error): void => {
          clearTimeout(late)
          if (error !== undefined) {
            this.firstError ??= error
            socket.destroy()
          }
          resolve(socket)
        }
        const late = setTimeout(() => settle(new Error('the server was not proved in time')), timeoutMs)
        socket.on('error', settle)
        socket.once('close', () => settle(new Error('the connection broke')))
        socket.once('secureConnect', () => verify().then(() => settle(), settle))
      })
    }
  }
