/** Decides how the gateway itself asks servers over TLS: each connection proves the server anew, and nothing is sent before. */
import type { TLSSocket } from 'node:tls'
import type { Agent, buildConnector } from 'undici'

/**
 * Follows a TLS socket from its making; call the inner function once the platform has verified the server. It rejects for a
 * server that is not to be believed. Ask the platform for a staple (`requestOCSP`).
 */
export type ProveServer = (socket: TLSSocket, host: string) => () => Promise<void>

/** `about` is for the log: who is asked. `ca` are the authorities of the configuration, PEM, beside those of the platform. */
export type Prover = (about: string, ca?: readonly string[]) => ProveServer

/** What undici does, and does not tell the compiler. */
type Connect = (options: buildConnector.Options, callback: buildConnector.Callback) => TLSSocket

/** Loads undici. Without `prove` the platform's own verification is all there is. */
export async function tlsAgent(
  connect: buildConnector.BuildOptions,
  options: Agent.Options,
  prove: ProveServer | undefined,
): Promise<Agent> {
  const { Agent: UndiciAgent, buildConnector: build } = await import('undici')
  if (prove === undefined) return new UndiciAgent({ ...options, connect })
  // A resumed session would show no certificate again (RFC 8446 §2.2).
  const open = build({ ...connect, requestOCSP: true, maxCachedSessions: 0 })
  return new UndiciAgent({ ...options, connect: proving(open as Connect, prove) })
}

const proving =
  (open: Connect, prove: ProveServer): buildConnector.connector =>
  (target, callback) => {
    if (target.protocol !== 'https:') return void open(target, callback)
    const socket = open(target, (...[error, opened]) => {
      if (error !== null || opened === null) return callback(error ?? new Error('no connection'), null)
      verify().then(
        () => (socket.destroyed ? callback(new Error('the connection broke'), null) : callback(null, socket)),
        (thrown: unknown) => {
          socket.destroy()
          callback(thrown instanceof Error ? thrown : new Error('the server is not proved'), null)
        },
      )
    })
    const verify = prove(socket, target.hostname.replaceAll(/[[\]]/g, ''))
  }
