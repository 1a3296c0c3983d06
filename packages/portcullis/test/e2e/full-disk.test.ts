/** AU-3: a gateway that may write no more refuses calls before they happen, loses nothing, and serves again by itself. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '../../src/mcp/canonical.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { callTool, type Reply } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { serveFrom, type Served } from '../fixtures/served.ts'

/** From here on no file of the process grows beyond so many bytes; what is over is EFBIG, in the middle of a write too. */
function limitFiles({ process }: Served, bytes: number | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`])
  assert.equal(status, 0, String(stderr))
}

const codeOf = ({ json }: Reply): unknown => json?.error?.data?.code

test('when no file may grow any more calls are refused, and are served again when they may', {
  timeout: 60_000,
}, async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const served = await serveFrom(t, [{ name: 'one', url: upstream.url }])
  const answered: string[] = []
  const refused: string[] = []
  const one = async (text: string): Promise<boolean> => {
    const earlier = upstream.count()
    const reply = await callTool(served, 'echo', { text })
    if (reply.status === 200) return answered.push(text) > 0
    assert.equal(codeOf(reply), 'audit.unavailable', reply.text)
    // The first may have reached the upstream beside the write that failed; once the failure is known none does.
    if (refused.push(text) > 1) assert.equal(upstream.count(), earlier, 'refused before it happened')
    return false
  }
  await one('before')
  const chain = join(served.auditFolder, 'default')
  const segment = readdirSync(chain).find((name) => name.endsWith('.jsonl')) ?? ''
  // Not at the end of a line, so that the last write is cut short.
  limitFiles(served, statSync(join(chain, segment)).size + 10_007)
  for (let call = 0; call < 400 && refused.length < 10; call++) await one(`narrow-${call}`)
  assert.equal(refused.length, 10)
  limitFiles(served, 'unlimited')
  let isBack = false
  for (let waited = 0; waited < 100 && !isBack; waited++) {
    await sleep(100)
    isBack = await one(`after-${waited}`)
  }
  assert.ok(isBack, 'it serves again by itself')
  served.process.kill('SIGTERM')
  await once(served.process, 'exit')
  const verdict = verdictsOf(served, 'at-rest').get('default')
  assert.ok(verdict?.sound, JSON.stringify(verdict))
  const records = recordsOf(served)
  const recorded = new Set(records.flatMap((record) => (record.kind === 'call' ? [record.arguments] : [])))
  assert.deepEqual(
    answered.filter((text) => !recorded.has(digestOf({ text }))),
    [],
  )
  assert.ok(records.some((record) => record.kind === 'recovered' && record.cause === 'write-failed'))
})

test('when its audit folder is removed while it runs every call is refused', { timeout: 60_000 }, async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const served = await serveFrom(t, [{ name: 'one', url: upstream.url }])
  assert.equal((await callTool(served, 'echo', { text: 'before' })).status, 200)
  rmSync(served.auditFolder, { recursive: true })
  assert.equal(codeOf(await callTool(served, 'echo', { text: 'at once' })), 'audit.unavailable')
  const earlier = upstream.count()
  for (let call = 0; call < 5; call++) {
    await sleep(300)
    assert.equal(codeOf(await callTool(served, 'echo', { text: 'later' })), 'audit.unavailable')
  }
  assert.equal(upstream.count(), earlier)
})
