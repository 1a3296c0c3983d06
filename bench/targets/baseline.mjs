// What we compare with and write ourselves: the upstream alone, and the bare Node proxy.
import { join } from 'node:path'
import { BENCH } from '../lib/places.mjs'

/** Rows of the load table. */
export async function loadTargets({ node, identity, upstreams, freePort }) {
  return [
    { name: 'direct', roles: ['direct'], upstream: upstreams.few, port: upstreams.few.port },
    {
      name: 'bare Node TLS proxy',
      roles: ['bare'],
      tls: true,
      port: await freePort(),
      command: [node, join(BENCH, 'proxies', 'node-tls.mjs')],
      env: proxyEnvironment(identity, upstreams.few.port),
    },
  ].map(withPort)
}

/** Rows of the idle-stream table. */
export async function idleTargets({ node, identity, upstreams, freePort }) {
  return [
    {
      name: 'bare Node TLS server, stream ends here',
      roles: ['bare-idle'],
      tls: true,
      port: await freePort(),
      command: [node, join(BENCH, 'proxies', 'node-tls-stream.mjs')],
      env: proxyEnvironment(identity, upstreams.few.port),
    },
    {
      name: 'bare Node TLS proxy, stream passed through',
      roles: ['bare-idle-through'],
      tls: true,
      port: await freePort(),
      command: [node, join(BENCH, 'proxies', 'node-tls.mjs')],
      // Each stream that is passed through holds a connection.
      env: { ...proxyEnvironment(identity, upstreams.few.port), CONNECTIONS: '4096' },
    },
    await http2Target({ node, identity, upstreams, freePort }, 'bare Node HTTP/2 server, stream ends here', 'request'),
    await http2Target({ node, identity, upstreams, freePort }, 'the same by the interface of streams', 'stream'),
  ].map(withPort)
}

async function http2Target({ node, identity, upstreams, freePort }, name, ofNode) {
  return {
    name,
    roles: ofNode === 'request' ? ['bare-idle-http2'] : ['bare-idle-http2-streams'],
    protocol: 'http2',
    tls: true,
    port: await freePort(),
    command: [node, join(BENCH, 'proxies', 'node-http2.mjs')],
    env: { ...proxyEnvironment(identity, upstreams.few.port), INTERFACE: ofNode },
  }
}

function proxyEnvironment({ keyFile, certFile }, upstreamPort) {
  return { UPSTREAM: `http://127.0.0.1:${upstreamPort}`, KEY_FILE: keyFile, CERT_FILE: certFile }
}

function withPort(target) {
  return { ...target, env: { ...target.env, PORT: String(target.port) } }
}
