// Clients that open event streams and read them for as long as they are open. `open` resolves once the first bytes of one have arrived.
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:tls'
import { listenRequest } from './mcp.mjs'

const STREAMS_A_CONNECTION = 100
/** Below what a gateway lets one address have. */
const CONNECTIONS_AN_ADDRESS = { http1: 400, http2: 4 }

/** A connection each. */
export function http1Streams(target) {
  const sockets = []
  return {
    async open() {
      const { headers, body } = listenRequest(target)
      const socket = connect(addressed(target, Math.floor(sockets.length / CONNECTIONS_AN_ADDRESS.http1)))
      sockets.push(socket)
      await once(socket, 'secureConnect')
      const lines = Object.entries({ host: `127.0.0.1:${target.port}`, ...headers, 'content-length': body.length })
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      socket.write(`POST ${target.path ?? '/mcp'} HTTP/1.1\r\n${head}\r\n${body}`)
      const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])])
      if (!String(first).startsWith('HTTP/1.1 200')) throw new Error(`no stream: ${String(first).slice(0, 120)}`)
      socket.on('error', () => socket.destroy())
      socket.resume()
    },
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** As many on one connection as most servers allow. */
export function http2Streams(target) {
  const connections = []
  let begun = 0
  const connectionOf = (index) => {
    const address = Math.floor(index / CONNECTIONS_AN_ADDRESS.http2)
    const createConnection = () => connect({ ...addressed(target, address), ALPNProtocols: ['h2'] })
    connections[index] ??= connectHttp2(`https://127.0.0.1:${target.port}`, { createConnection }).on('error', () => {})
    return connections[index]
  }
  return {
    async open() {
      const { headers, body } = listenRequest(target)
      const connection = connectionOf(Math.floor(begun++ / STREAMS_A_CONNECTION))
      const stream = connection.request({ ':method': 'POST', ':path': target.path ?? '/mcp', ...headers })
      stream.on('error', () => {})
      stream.end(body)
      const [head] = await Promise.race([once(stream, 'response'), once(stream, 'close').then(() => [{}])])
      if (head[':status'] !== 200) throw new Error(`no stream: status ${head[':status']} instead of 200`)
      await once(stream, 'data')
      stream.resume()
    },
    close() {
      for (const connection of connections) connection.destroy()
    },
  }
}

/** Each of our addresses is another client to who counts them. */
function addressed({ port }, index) {
  return { host: '127.0.0.1', port, rejectUnauthorized: false, localAddress: `127.0.0.${index + 2}` }
}
