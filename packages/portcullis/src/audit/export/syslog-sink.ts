/**
 * Sends syslog over TLS (RFC 5425), to a receiver whose certificate is verified.
 *
 * Syslog has no answer, so what the network has taken may still be lost with the connection. By `close` each delivery ends
 * with the closing handshake of TLS, to which a receiver comes only after it has read everything before it; by `written`
 * the connection stays open and what the system has taken counts as delivered.
 */
import { once } from 'node:events'
import { isIP } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { ProveServer } from '../../core/tls-agent.ts'
import type { Origin } from './event.ts'
import { type Sink, SinkError } from './sink.ts'
import { octetCounted, syslogMessage, type SyslogRules } from './syslog-message.ts'

export interface SyslogSinkOptions extends SyslogRules {
  readonly host: string
  readonly port: number
  /** Name that the certificate has to bear; `host` when absent. */
  readonly serverName?: string | undefined
  /** PEM of authorities to trust instead of the usual ones. */
  readonly ca?: string | undefined
  /** Our own certificate and key, PEM. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** What has to be true of the receiver beside what the platform asks. */
  readonly prove?: ProveServer | undefined
  readonly acknowledgement: 'close' | 'written'
  readonly origin: Origin
}

export class SyslogSink implements Sink {
  readonly #options: SyslogSinkOptions
  #socket: TLSSocket | undefined

  constructor(options: SyslogSinkOptions) {
    this.#options = options
  }

  async deliver({ items }: Parameters<Sink['deliver']>[0], signal: AbortSignal): Promise<void> {
    const { origin } = this.#options
    const frames = items.flatMap(({ event, texts }) =>
      texts.map((text) => octetCounted(syslogMessage(event, text, origin, this.#options))),
    )
    const socket = this.#socket?.writable === true ? this.#socket : await this.#connect(signal)
    const destroy = () => void socket.destroy(new SinkError('the receiver was too slow'))
    signal.addEventListener('abort', destroy, { once: true })
    try {
      if (this.#options.acknowledgement === 'close') await this.#closeWith(socket, frames.join(''))
      else await written(socket, frames.join(''))
    } catch (thrown) {
      this.#socket = undefined
      socket.destroy()
      throw thrown
    } finally {
      signal.removeEventListener('abort', destroy)
    }
  }

  close(): Promise<void> {
    this.#socket?.destroy()
    this.#socket = undefined
    return Promise.resolve()
  }

  async #connect(signal: AbortSignal): Promise<TLSSocket> {
    const { host, serverName = host, prove } = this.#options
    const socket = connect(this.#tls())
    const verify = prove?.(socket, serverName)
    this.#socket = socket
    // Whoever waits for it hears of a failure; without this one at another moment would end the process.
    socket.on('error', () => undefined)
    // Receivers say nothing: what they do say is thrown away, and their end is heard.
    socket.resume()
    try {
      await once(socket, 'secureConnect', { signal })
      await within(signal, verify?.())
    } catch (cause) {
      socket.destroy()
      this.#socket = undefined
      throw new SinkError(`no connection to the receiver (${reasonOf(cause)})`, { cause })
    }
    return socket
  }

  /** No session is resumed: each connection proves its certificate anew. */
  #tls(): ConnectionOptions {
    const { host, port, serverName = host, ca, certificate, key } = this.#options
    return {
      ...{ host, port, minVersion: 'TLSv1.2', rejectUnauthorized: true, requestOCSP: true },
      ...(isIP(serverName) === 0 && { servername: serverName }),
      ...(serverName !== host && {
        checkServerIdentity: (_: string, peer: PeerCertificate) => checkServerIdentity(serverName, peer),
      }),
      ...(ca !== undefined && { ca }),
      ...(certificate !== undefined && { cert: certificate, key }),
    }
  }

  /** Resolves when the receiver has closed its side in order, which it does after it has read to our end. */
  async #closeWith(socket: TLSSocket, text: string): Promise<void> {
    this.#socket = undefined
    const ended = once(socket, 'end')
    const closed = once(socket, 'close')
    socket.end(text)
    await Promise.race([ended, closed.then(() => Promise.reject(new SinkError('the connection broke')))])
    socket.destroy()
  }
}

function written(socket: TLSSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const broken = () => reject(new SinkError('the connection broke'))
    socket.once('close', broken)
    socket.write(text, (error) => {
      socket.removeListener('close', broken)
      if (error) reject(error)
      else resolve()
    })
  })
}

/** Rejects as soon as nobody waits any more. */
async function within(signal: AbortSignal, proof: Promise<void> | undefined): Promise<void> {
  if (proof === undefined) return
  const over = once(signal, 'abort').then(() => Promise.reject(new SinkError('the receiver was too slow')))
  over.catch(() => undefined)
  await Promise.race([proof, over])
}

const reasonOf = (cause: unknown): string => {
  const { code, name } = cause as NodeJS.ErrnoException
  return code ?? name
}
