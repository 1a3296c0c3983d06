// Two hundred kills without warning, most of them under load: whatever a client was answered is on record, with what was
// kept of it, and every chain is whole (AU-3).

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '../../src/mcp/canonical.ts'
import { readCheckpointPublicKey } from '../../src/audit/checkpoint.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { readLast } from '../../src/audit/tail.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { META } from '../../src/mcp/meta.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { serveAgain, serveFrom, startAgain, type Served } from '../fixtures/served.ts'

/** Gateways side by side, each with a folder of its own: a start is mostly one processor that waits for the other. */
const LANES = 4
const KILLS_A_LANE = 50
const CALLERS = 8
/** The chance of a kill before the gateway listens. */
const EARLY = 0.15

test('no answered call lacks its records after two hundred kill -9 at random moments', {
  timeout: 900_000,
}, async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  await compileOnce(t)
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => lived(t, upstream.url, lane % 2 === 1)))
  const kills = lanes.reduce((sum, lane) => sum + lane.kills, 0)
  const answered = lanes.reduce((sum, lane) => sum + lane.answered, 0)
  assert.ok(kills >= 200 && answered > kills * 3, `${kills} kills, ${answered} answered calls`)
  t.diagnostic(`${kills} kills, ${answered} answered calls, ${lanes.map(({ records }) => records).join(' + ')} records`)
})

/** A start costs half when the sources are compiled already; a process that is killed leaves nothing of that behind. */
async function compileOnce(t: TestContext): Promise<void> {
  const cache = mkdtempSync(join(tmpdir(), 'portcullis-compiled-'))
  t.after(() => rmSync(cache, { recursive: true, force: true }))
  process.env['NODE_COMPILE_CACHE'] = cache
  t.after(() => delete process.env['NODE_COMPILE_CACHE'])
  await end((await serveFrom(t, [])).process, 'SIGTERM')
}

/** One gateway through all its lives, and what its chain says in the end. */
async function lived(t: TestContext, url: string, keepsPayloads: boolean) {
  const http = { url, plaintext: 'loopback-only' }
  const payloads = { arguments: true, results: true }
  const upstreams = { counting: { era: 'modern', trust: 'trusted', http, ...(keepsPayloads && { payloads }) } }
  const served = await serveFrom(t, [{ name: 'counting', url, era: 'modern' }], undefined, { upstreams })
  const answered: string[] = []
  let running: { process: ChildProcess; origin: string } = served
  for (let kill = 0; kill < KILLS_A_LANE; kill++) {
    if (Math.random() < EARLY) {
      await end(running.process, 'SIGKILL')
      const { process: young } = startAgain(t, served)
      await sleep(Math.random() * 700)
      await end(young, 'SIGKILL')
    } else {
      const load = loaded(served, running.origin, `${kill}`, answered)
      // Some calls are answered before, and then it is any moment.
      await load.some(1 + Math.floor(Math.random() * 20))
      await sleep(Math.random() * 40)
      await Promise.all([end(running.process, 'SIGKILL'), load.end()])
    }
    running = await serveAgain(t, served)
  }
  await end(running.process, 'SIGTERM')
  const directory = join(served.auditFolder, 'default')
  const records = readLast(directory, 1_000_000)
  assert.deepEqual(missing(answered, records, keepsPayloads), [])
  const keys = new Map([readCheckpointPublicKey(join(served.stateFolder, 'audit.key.pub'))])
  for (const chain of readdirSync(served.auditFolder)) mustVerify(join(served.auditFolder, chain), keys)
  return { kills: KILLS_A_LANE, answered: answered.length, records: records.length }
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  child.kill(signal)
  await gone
}

function mustVerify(directory: string, keys: Parameters<typeof verifyChain>[0]['keys']): void {
  const verdict = verifyChain({ directory, keys })
  // Killed between its folder and its first record.
  if (!verdict.sound && verdict.problem === 'there are no records') return
  assert.ok(verdict.sound, JSON.stringify({ directory, ...verdict }))
}

/** Answered calls without a call record, without an outcome, or without what was to be kept of them. */
function missing(answered: readonly string[], records: readonly AuditRecord[], kept: boolean): readonly string[] {
  const isWhole = (record: AuditRecord) => !kept || ('payload' in record && record.payload !== undefined)
  const ended = new Set(
    records.flatMap((record) => (record.kind === 'outcome' && isWhole(record) ? [record.incident] : [])),
  )
  const complete = new Set(
    records.flatMap((record) =>
      record.kind === 'call' && isWhole(record) && ended.has(record.incident) ? [record.arguments] : [],
    ),
  )
  return answered.filter((text) => !complete.has(digestOf({ text })))
}

/** Callers that call until the gateway is gone; each call has arguments of its own. */
function loaded(served: Served, origin: string, name: string, answered: string[]) {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(served.caFile), servername: 'localhost' })
  let wanted = Number.POSITIVE_INFINITY
  let reached = (): void => {}
  let count = 0
  const caller = async (lane: number): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const text = `${name}-${lane}-${turn}`
      if (!(await call(served, origin, agent, text))) return
      answered.push(text)
      if (++count >= wanted) reached()
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, lane) => caller(lane)))
  return {
    some: (calls: number) =>
      new Promise<void>((resolve) => {
        wanted = calls
        reached = resolve
        if (count >= calls) resolve()
      }),
    end: () => callers.then(() => agent.destroy()),
  }
}

/** True when the whole answer has arrived; false when the gateway is gone. Any other answer is a failure. */
function call({ token, url }: Served, origin: string, agent: Agent, text: string): Promise<boolean> {
  const meta = { [META.version]: '2026-07-28', [META.clientCapabilities]: {} }
  const params = { name: 'echo', arguments: { text }, _meta: meta }
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'echo',
  }
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}${new URL(url).pathname}`, { method: 'POST', agent, headers }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () =>
        body.includes(`"${text}`) || body.includes(text) ? resolve(true) : reject(new Error(body)),
      )
      response.on('error', () => resolve(false))
    })
    sent.on('error', () => resolve(false))
    sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }))
  })
}
