/** AU-2: however the process ends, what it leaves behind has no secret in it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Canaries } from '../fixtures/canaries.ts'
import { callTool } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { serveFrom } from '../fixtures/served.ts'

/** Loaded into the process: a mistake that we do not have, at a signal that we do not use. */
const MISTAKES = `
process.on('SIGWINCH', () => {
  const cause = Object.assign(new Error('request failed'), { request: { headers: { authorization: process.env.CANARY } } })
  throw Object.assign(new Error('boom', { cause }), { options: { key: process.env.CANARY }, env: process.env })
})
process.on('SIGURG', () => {
  Promise.reject(Object.assign(new Error('boom'), { env: { ...process.env } }))
})
process.on('SIGPROF', () => {
  const kept = []
  for (;;) kept.push(new Array(100_000).fill(0).map((_, at) => ({ at })))
})
`

async function scene(t: TestContext, more: readonly string[] = []) {
  const canaries = new Canaries()
  const canary = canaries.plant('secret of the environment', 'canary-of-the-environment-1234')
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const reports = mkdtempSync(join(tmpdir(), 'portcullis-reports-'))
  t.after(() => rmSync(reports, { recursive: true, force: true }))
  const preload = join(reports, 'mistakes.mjs')
  writeFileSync(preload, MISTAKES)
  const flags = [
    ...['--report-on-signal', '--report-uncaught-exception', '--report-on-fatalerror'],
    ...[`--report-directory=${reports}`, `--import=${pathToFileURL(preload)}`, '--max-old-space-size=180', ...more],
  ]
  const http = { headers: { 'x-key': { env: 'CANARY' } } }
  const prefix = () => ['/usr/bin/env', `CANARY=${canary}`, `NODE_OPTIONS=${flags.join(' ')}`]
  const served = await serveFrom(t, [{ name: 'files', url: upstream.url, http }], prefix)
  canaries.plant('API key', served.token)
  let output = ''
  for (const stream of [served.process.stdout, served.process.stderr])
    stream?.on('data', (chunk) => {
      output += String(chunk)
    })
  assert.equal((await callTool(served, 'echo', { text: 'x' })).status, 200)
  assert.ok(
    upstream.seen.some(({ headers }) => headers['x-key'] === canary),
    'the secret is in use',
  )
  const written = () => readdirSync(reports).filter((name) => name.startsWith('report.'))
  const found = () => [...canaries.inText(output, 'output'), ...canaries.inFolder(reports)]
  return { ...served, written, found, output: () => output }
}

describe('what a process leaves behind', { timeout: 120_000 }, () => {
  for (const [what, signal] of [
    ['an error that nobody has caught', 'SIGWINCH'],
    ['a promise that nobody has heard', 'SIGURG'],
  ] as const)
    it(`after ${what} is one line`, async (t) => {
      const { process: child, found, output } = await scene(t)
      child.kill(signal)
      const [code] = await once(child, 'exit')
      assert.equal(code, 70)
      assert.match(output(), /"message":"boom"/)
      assert.deepEqual(found(), [])
    })

  it('in a report that an operator asks for has neither environment nor addresses', async (t) => {
    const { process: child, written, found } = await scene(t)
    child.kill('SIGUSR2')
    for (let attempt = 0; attempt < 200 && written().length === 0; attempt++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(written().length, 1)
    assert.deepEqual(found(), [])
    child.kill('SIGABRT')
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGABRT')
    assert.deepEqual(found(), [])
  })

  for (const [what, more, reports] of [
    ['is nothing, because the environment would be in it', [], 0],
    ['is a report without environment where Node was told so', ['--report-exclude-env'], 1],
  ] as const)
    it(`when it runs out of memory ${what}`, async (t) => {
      const { process: child, written, found } = await scene(t, more)
      child.kill('SIGPROF')
      await once(child, 'exit')
      assert.equal(written().length, reports)
      assert.deepEqual(found(), [])
    })
})
