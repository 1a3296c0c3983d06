// Fifty kills without warning under load: whatever a client was answered is on record, and the chain is whole (AU-3).

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '../../src/mcp/canonical.ts'
import { readCheckpointPublicKey } from '../../src/audit/checkpoint.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { readLast } from '../../src/audit/tail.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { META } from '../../src/mcp/meta.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { serveAgain, serveFrom, type Served } from '../fixtures/served.ts'

const KILLS = 50
const CALLERS = 16

test('no answered call lacks its records after fifty kill -9 under load', { timeout: 600_000 }, async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const served = await serveFrom(t, [{ name: 'counting', url: upstream.url, era: 'modern' }])
  const answered: string[] = []
  let running: { process: ChildProcess; origin: string } = served
  for (let kill = 0; kill < KILLS; kill++) {
    const load = loaded(served, running.origin, `${kill}`, answered)
    // Some calls must have been answered before, and the moment must differ from kill to kill.
    await load.some(5 + ((kill * 7) % 40))
    running.process.kill('SIGKILL')
    await Promise.all([new Promise((resolve) => running.process.once('exit', resolve)), load.end()])
    running = await serveAgain(t, served)
  }
  running.process.kill('SIGTERM')
  await new Promise((resolve) => running.process.once('exit', resolve))

  assert.ok(answered.length > KILLS * 5, `only ${answered.length} calls were answered`)
  const directory = join(served.auditFolder, 'default')
  assert.deepEqual(missing(answered, readLast(directory, 1_000_000)), [])
  const keys = new Map([readCheckpointPublicKey(join(served.stateFolder, 'audit.key.pub'))])
  const verdict = verifyChain({ directory, keys })
  assert.ok(verdict.sound, JSON.stringify(verdict))
  t.diagnostic(`${answered.length} answered calls, ${verdict.records} records, ${verdict.checkpoints} checkpoints`)
})

/** Answered calls without a call record, or whose outcome is not on record. */
function missing(answered: readonly string[], records: readonly AuditRecord[]): readonly string[] {
  const ended = new Set(records.flatMap((record) => (record.kind === 'outcome' ? [record.incident] : [])))
  const complete = new Set(
    records.flatMap((record) => (record.kind === 'call' && ended.has(record.incident) ? [record.arguments] : [])),
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
