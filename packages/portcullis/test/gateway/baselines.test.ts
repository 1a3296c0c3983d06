/** What the watch for anomalies hears beside the requests of known callers, and the file in which it keeps what it has learned. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Memory } from '../../src/anomalies/memory.ts'
import type { RecordBody } from '../../src/audit/record.ts'
import { restore, save } from '../../src/gateway/baseline-file.ts'
import { watchedLedger } from '../../src/gateway/watched-ledger.ts'
import { scene, work } from '../anomalies/traffic.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-baselines-'))
after(() => rmSync(folder, { recursive: true }))

const make = () => new Memory({ principals: 1_000, tools: 1_000 }, 0)

describe('the file of baselines', () => {
  it('is for its owner alone, whole, and brings back what was learned', async () => {
    const file = join(folder, 'whole.bin')
    assert.equal(restore(file, make).restored.state, 'fresh')
    const stage = scene()
    work(stage, 2)
    await save(file, stage.memory, stage.now)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const { memory, restored } = restore(file, make)
    assert.equal(restored.state, 'restored')
    assert.equal(memory.tables.tool.size, 3)
  })

  it('that is cut short, open to others, a link or no file is put aside, and nothing of it is believed', async () => {
    const spoil: readonly (readonly [name: string, act: (file: string) => void])[] = [
      ['short', (file) => truncateSync(file, 5_000)],
      ['open', (file) => chmodSync(file, 0o644)],
      ['text', (file) => writeFileSync(file, 'hello')],
    ]
    const stage = scene()
    work(stage, 1)
    for (const [name, act] of spoil) {
      const file = join(folder, name)
      await save(file, stage.memory, stage.now)
      act(file)
      const { memory, restored } = restore(file, make)
      assert.equal(restored.state, 'damaged', name)
      assert.equal(memory.tables.principal.size, 0)
      assert.ok(existsSync(`${file}.damaged`) && !existsSync(file))
    }
    const link = join(folder, 'link')
    symlinkSync(join(folder, 'whole.bin'), link)
    assert.equal(restore(link, make).restored.state, 'damaged')
  })
})

describe('a watched ledger', () => {
  const access = { kind: 'egress', allowed: true, host: 'h', port: 443, protocol: 'tls', sentBytes: 70 } as const
  const doer = { kind: 'access', upstream: 'u', scope: 'principal', pid: 1 } as const
  const refusal = { kind: 'refusal', incident: 'i', status: 401, durationMs: 1, address: '192.0.2.7' } as const
  const http = { http: { method: 'POST', path: '/mcp' } }
  const hear = async (body: RecordBody, fails = false) => {
    const heard: unknown[] = []
    const kept: RecordBody[] = []
    const failures: unknown[] = []
    const note = (...told: unknown[]) => {
      if (fails) throw new Error('broken')
      heard.push(told)
    }
    const inner = { intact: () => true, append: async (_tenant: string, one: RecordBody) => void kept.push(one) }
    const ledger = watchedLedger(
      inner,
      { sent: note, stranger: note },
      (address) => address,
      (error) => failures.push(error),
    )
    await ledger.append('acme', body)
    assert.deepEqual(kept, [body])
    return { heard, failures }
  }

  it('tells of bytes that the sandbox of a principal has sent, and of failed sign-ins', async () => {
    assert.deepEqual((await hear({ ...doer, principal: 'ana', access })).heard, [['acme', 'ana', 70]])
    const guess = { ...refusal, ...http, code: 'identity.unknown_key' }
    assert.deepEqual((await hear(guess)).heard, [['192.0.2.7', '@gateway', 'i']])
  })

  it('tells of nothing else, and keeps records when the watch is broken', async () => {
    for (const body of [
      { ...doer, access },
      { ...refusal, ...http, code: 'identity.missing' },
      { ...refusal, ...http, code: 'policy.denied' },
      { ...refusal, ...http, code: 'identity.expired', principal: 'ana' },
    ] satisfies readonly RecordBody[])
      assert.deepEqual((await hear(body)).heard, [])
    assert.equal((await hear({ ...doer, principal: 'ana', access }, true)).failures.length, 1)
  })
})
