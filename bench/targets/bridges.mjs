// What others wrote: bridges from npm between HTTP and a stdio server, plain HTTP, without any security.
import { join } from 'node:path'
import { BENCH } from '../lib/places.mjs'

const SESSIONS = 16

/** Rows of the load table, each bridge in the ways it can be run. */
export async function loadTargets({ node, stdioUpstream, freePort }) {
  const supergateway = [node, join(BENCH, 'peers/supergateway/node_modules/supergateway/dist/index.js')]
  const mcpProxy = [node, join(BENCH, 'peers/mcp-proxy/node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs')]
  const [one, two, three, four, five] = await Promise.all(Array.from({ length: 5 }, freePort))

  const overStdio = (port) => [
    ...['--stdio', stdioUpstream.join(' '), '--outputTransport', 'streamableHttp'],
    ...['--port', String(port), '--logLevel', 'none'],
  ]
  const inFront = (port, ...flags) => ['--host', '127.0.0.1', '--port', String(port), ...flags, '--', ...stdioUpstream]
  const legacy = { roles: ['bridge'], era: 'legacy' }
  return [
    {
      name: 'supergateway, sessions',
      ...legacy,
      sessions: SESSIONS,
      port: one,
      command: [...supergateway, ...overStdio(one), '--stateful'],
    },
    {
      name: 'supergateway, stateless',
      ...legacy,
      uniqueIds: true,
      port: two,
      command: [...supergateway, ...overStdio(two)],
    },
    { name: 'mcp-proxy, 2026 revision', roles: ['bridge'], port: three, command: [...mcpProxy, ...inFront(three)] },
    {
      name: 'mcp-proxy, sessions',
      ...legacy,
      sessions: SESSIONS,
      port: four,
      command: [...mcpProxy, ...inFront(four, '--no-eventStore')],
    },
    {
      name: 'mcp-proxy, stateless',
      ...legacy,
      uniqueIds: true,
      port: five,
      command: [...mcpProxy, ...inFront(five, '--stateless', '--no-modern')],
    },
  ]
}
