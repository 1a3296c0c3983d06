// DP-3: 50 callers call while backups are made: whatever was answered before one began is in its chains.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { digestOf } from '../../src/mcp/canonical.ts'
import { readLast } from '../../src/audit/tail.ts'
import { callTool } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { operator } from '../fixtures/operator.ts'

const CALLERS = 50
const BACKUPS = 3

it('no call that was answered before lacks its records, and no payload', { timeout: 180_000 }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'portcullis-backup-load-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const folder = join(root, 'home')
  mkdirSync(folder)
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const http = { url: upstream.url, plaintext: 'loopback-only' }
  const one = { trust: 'trusted', payloads: { arguments: true, results: true }, http }
  const limits = { concurrency: { total: 200, perPrincipal: 100 } }
  const gateway = await startTestGateway({
    folder,
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { upstreams: { one }, limits },
  })
  t.after(() => gateway.close())
  const run = operator(folder)
  const identity = join(root, 'identity.txt')
  const { out: recipient } = await run('backup', 'identity', '-o', identity)
  const answered: string[] = []
  const over = new AbortController()
  const caller = async (lane: number) => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const text = `${lane}-${turn}`
      const reply = await callTool(gateway, 'echo', { text }, { url: gateway.endpoint('one') })
      assert.equal(reply.status, 200, reply.text)
      answered.push(text)
    }
  }
  const callers = Array.from({ length: CALLERS }, (_, lane) => caller(lane))
  let since: readonly string[] = []
  try {
    for (let n = 0; n < BACKUPS; n++) {
      const before = answered.slice()
      const made = await run('backup', 'create', '-o', join(root, 'backups'), '-r', recipient, ...since)
      assert.equal(made.status, 0, made.err)
      since = ['--since', made.out]
      const to = join(root, `restored-${n}`)
      const restored = await run(
        'backup',
        'restore',
        made.out,
        '-i',
        identity,
        '--to',
        to,
        '--lost-audit-key',
        '-k',
        join(gateway.stateFolder, 'audit.key.pub'),
      )
      assert.equal(restored.status, 0, restored.err)
      const records = readLast(join(to, 'state', 'audit', 'default'), 1_000_000)
      const ended = new Set(
        records.flatMap((record) => (record.kind === 'outcome' && record.payload ? [record.incident] : [])),
      )
      const held = new Set(
        records.flatMap((record) =>
          record.kind === 'call' && record.payload && ended.has(record.incident) ? [record.arguments] : [],
        ),
      )
      assert.ok(before.length > 0 || n === 0)
      assert.deepEqual(
        before.filter((text) => !held.has(digestOf({ text }))),
        [],
      )
    }
  } finally {
    over.abort()
    await Promise.all(callers)
  }
  t.diagnostic(`${answered.length} calls, ${BACKUPS} backups`)
})
