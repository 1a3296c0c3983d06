// Portcullis, in every variant that the goals need: all layers on, TLS, one difference from the first row each.
//
// A target is { name, roles, command, port, … }; the runner starts `command` pinned to processor 0 and loads it:
//   name       of the row
//   roles      how the goals find it (lib/goals.mjs)
//   command    [program, …arguments]; env: more environment; cwd: folder
//   port       where it listens on 127.0.0.1; path: of the endpoint ('/mcp')
//   tls        true for HTTPS (the certificate is not verified by the load)
//   tokens     bearer tokens, taken in turn by the callers; the first one is used for probes
//   era        'modern' (default) or 'legacy'; sessions: how many to open in front (legacy)
//
// The context has node, scratch, identity, upstreams { few, many }, stdioUpstream and freePort (run.mjs).
import { dirname, join } from 'node:path'
import { ensureBuilt } from '../../scripts/build.mjs'
import { LAYERS } from '../lib/layers.mjs'
import { WORKSPACE } from '../lib/places.mjs'
import { writePortcullisFolder } from '../lib/portcullis-folder.mjs'

const SERVE_LAYERS = join(WORKSPACE, 'bench', 'lib', 'serve-layers.mjs')
const PROGRAM = join(WORKSPACE, 'packages', 'portcullis', 'bin', 'portcullis.cjs')

/** Rows of the load table. */
export async function loadTargets(context) {
  ensureBuilt()
  const few = overHttp(context.upstreams.few)
  const main = ['portcullis', 'tools-10', 'principals-1', 'durable']
  const variants = [
    { name: 'Portcullis, all layers', roles: main, upstream: few },
    { name: 'Portcullis, stdio upstream', roles: ['portcullis-stdio'], upstream: overStdio(context.stdioUpstream) },
    { name: 'Portcullis, 1,000 tools', roles: ['tools-1000'], upstream: overHttp(context.upstreams.many) },
    { name: 'Portcullis, 1,000 principals', roles: ['principals-1000'], upstream: few, principals: 1_000 },
    {
      name: 'Portcullis, audit not waited for',
      roles: ['not-durable'],
      upstream: few,
      audit: { durability: 'eventual' },
    },
  ]
  const targets = []
  for (const variant of variants) targets.push(await target(context, variant))
  for (let layers = 0; layers < LAYERS.length; layers++) targets.push(await layered(context, layers, few))
  return targets
}

/** The gateway with its first layers alone; with all of them it is the first row. */
async function layered(context, layers, upstream) {
  const name = layers === 0 ? 'Portcullis, no layer' : `Portcullis, + ${LAYERS[layers - 1].name}`
  const whole = await target(context, { name, roles: [], upstream })
  const configFile = whole.command.at(-1)
  return { ...whole, command: [context.node, SERVE_LAYERS, configFile, String(layers)] }
}

/** Rows of the idle-stream table: one `subscriptions/listen` a stream. */
export async function idleTargets(context) {
  const upstream = overHttp(context.upstreams.few)
  const roles = { http1: ['portcullis-idle'], http2: ['portcullis-idle-http2'] }
  const http2 = await target(context, { name: 'Portcullis, listening, HTTP/2', roles: roles.http2, upstream })
  return [
    await target(context, { name: 'Portcullis, listening', roles: roles.http1, upstream }),
    { ...http2, protocol: 'http2' },
  ]
}

async function target({ node, scratch, freePort }, { name, roles, upstream, principals, audit }) {
  const port = await freePort()
  const folder = await writePortcullisFolder({ scratch, name, port, upstream, principals, audit })
  const command = [node, PROGRAM, 'serve', '--config', folder.configFile]
  return { name, roles, port, tls: true, path: '/mcp/zero', tokens: folder.tokens, command }
}

function overHttp({ url }) {
  return { era: 'modern', http: { url, plaintext: 'loopback-only', maxConnections: 1_024 } }
}

function overStdio([command, ...args]) {
  return { era: 'modern', stdio: { command, args, sandbox: { read: [dirname(command)] } } }
}
