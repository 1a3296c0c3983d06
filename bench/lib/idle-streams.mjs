// What an idle event stream costs: resident bytes of the tree before and after opening many, garbage collected.
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { listenRequest } from './mcp.mjs'
import { BENCH } from './places.mjs'
import { residentBytes } from './process-tree.mjs'
import { end, listens, start } from './programs.mjs'

const AT_ONCE = 50
const FIRST = 20
const SETTLE_MS = 400

/** Opens `count` streams at each target (TLS, HTTP/1.1, one connection a stream); rows with bytes a stream. */
export async function measureIdleStreams(targets, count, scratch) {
  const rows = []
  for (const target of targets) rows.push(await measureTarget(target, count, scratch))
  return rows
}

async function measureTarget(target, count, scratch) {
  const collector = pathToFileURL(join(BENCH, 'lib', 'collect-garbage.mjs'))
  const env = { ...target.env, NODE_OPTIONS: `--import=${collector.href}` }
  const child = start({ ...target, name: `${target.name} idle`, env }, { scratch })
  const sockets = []
  try {
    if (!(await listens(child, target.port))) throw new Error('did not start')
    sockets.push(await firstStream(target))
    while (sockets.length < FIRST) sockets.push(await openStream(target))
    const before = await collectedBytes(child)
    while (sockets.length < FIRST + count) {
      sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => openStream(target)))))
    }
    const after = await collectedBytes(child)
    return { name: target.name, roles: target.roles, bytesPerStream: (after - before) / (sockets.length - FIRST) }
  } catch (error) {
    return { name: target.name, roles: target.roles, failed: error.message }
  } finally {
    for (const socket of sockets) socket.destroy()
    await end(child)
  }
}

/** A target that listens already may still be reading its configuration, and says so with 503. */
async function firstStream(target, patienceMs = 5_000) {
  for (const until = Date.now() + patienceMs; ; await sleep(50)) {
    try {
      return await openStream(target)
    } catch (error) {
      if (!error.message.includes(' 503 ') || Date.now() > until) throw error
    }
  }
}

/** Resolves once the first bytes of an event stream have arrived. */
async function openStream(target) {
  const { headers, body } = listenRequest(target)
  const socket = connect({ host: '127.0.0.1', port: target.port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const lines = Object.entries({ host: `127.0.0.1:${target.port}`, ...headers, 'content-length': body.length })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`POST ${target.path ?? '/mcp'} HTTP/1.1\r\n${head}\r\n${body}`)
  const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])])
  if (!String(first).startsWith('HTTP/1.1 200')) throw new Error(`no stream: ${String(first).slice(0, 120)}`)
  socket.on('error', () => socket.destroy())
  socket.resume()
  return socket
}

async function collectedBytes(child) {
  for (let turn = 0; turn < 3; turn++) {
    child.kill('SIGUSR2')
    await sleep(SETTLE_MS)
  }
  return residentBytes(child.pid)
}
