// What an idle event stream costs: resident bytes of the tree before and after opening many, garbage collected.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { http1Streams, http2Streams } from './idle-clients.mjs'
import { BENCH } from './places.mjs'
import { residentBytes } from './process-tree.mjs'
import { end, listens, start } from './programs.mjs'

const AT_ONCE = 50
/** This part of them is opened before anything is measured: it fills what a program has left over from its start. */
const FIRST = 0.25
const SETTLE_MS = 400

/** Opens `counts[protocol]` streams at each target, over TLS; rows with bytes a stream. */
export async function measureIdleStreams(targets, counts, scratch) {
  const rows = []
  for (const target of targets) rows.push(await measureTarget(target, counts[target.protocol ?? 'http1'], scratch))
  return rows
}

async function measureTarget(target, count, scratch) {
  const collector = pathToFileURL(join(BENCH, 'lib', 'collect-garbage.mjs'))
  const env = { ...target.env, NODE_OPTIONS: `--import=${collector.href}` }
  const child = start({ ...target, name: `${target.name} idle`, env }, { scratch })
  const { name, roles, protocol = 'http1' } = target
  const streams = (protocol === 'http2' ? http2Streams : http1Streams)(target)
  try {
    if (!(await listens(child, target.port))) throw new Error('did not start')
    await firstStream(streams)
    await openMany(streams, count * FIRST)
    const before = await collectedBytes(child)
    await openMany(streams, count)
    const bytesPerStream = ((await collectedBytes(child)) - before) / count
    return { name, roles, protocol, streams: count, bytesPerStream }
  } catch (error) {
    return { name, roles, protocol, streams: count, failed: error.message }
  } finally {
    streams.close()
    await end(child)
  }
}

async function openMany(streams, count) {
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, () => streams.open()))
  }
}

/** A target that listens already may still be reading its configuration, and says so with 503. */
async function firstStream(streams, patienceMs = 5_000) {
  for (const until = Date.now() + patienceMs; ; await sleep(50)) {
    try {
      return await streams.open()
    } catch (error) {
      if (!error.message.includes(' 503 ') || Date.now() > until) throw error
    }
  }
}

async function collectedBytes(child) {
  for (let turn = 0; turn < 3; turn++) {
    child.kill('SIGUSR2')
    await sleep(SETTLE_MS)
  }
  return residentBytes(child.pid)
}
