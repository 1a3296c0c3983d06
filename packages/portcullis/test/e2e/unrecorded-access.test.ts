/** SB-5: a server whose accesses cannot be recorded is ended, and the next call works once records can be written again. */
import assert from 'node:assert/strict'
import fs, { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')
const write = fs.write

let folder: string
let gateway: TestGateway

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-unrecorded-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'work'))
  chmodSync(join(folder, 'work'), 0o777)
  const sandbox = { read: [SERVER], write: [join(folder, 'work')], memoryMiB: 2048 }
  gateway = await startTestGateway({
    upstreams: [{ name: 'busy', command: [process.execPath, SERVER], stdio: { sandbox } }],
  })
})
after(async () => {
  mend()
  await gateway?.close()
  rmSync(folder, { recursive: true })
})

/** As on a disk that is full: no record can be written. */
function fillDisk(): void {
  const refuse = (...args: readonly unknown[]) => {
    const [, bytes] = args
    const isRecord = Buffer.isBuffer(bytes) && bytes.toString('latin1', 0, 7) === '{"seq":'
    if (!isRecord) return Reflect.apply(write, fs, args)
    const done = args.at(-1) as (error: Error) => void
    setImmediate(() => done(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })))
  }
  fs.write = refuse as typeof fs.write
  syncBuiltinESMExports()
}

function mend(): void {
  fs.write = write
  syncBuiltinESMExports()
}

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!what()) {
    assert.ok(Date.now() < deadline, gateway.logged.slice(-5).join(''))
    await sleep(50)
  }
}

test('a server that goes on changing files ends when that cannot be recorded', async () => {
  const path = join(folder, 'work', 'log')
  const answer = await callTool(gateway, 'keepWriting', { path })
  assert.equal(answer.json.result?.content[0].text, 'did: it')
  const isOnRecord = () =>
    recordsOf(gateway).some((record) => record.kind === 'access' && record.incident === undefined)
  await until(isOnRecord)
  fillDisk()
  await until(() =>
    gateway.logged.some((line) => line.includes('"reason":"unrecorded"') || line.includes('not on record')),
  )
  const { size } = statSync(path)
  await sleep(200)
  assert.equal(statSync(path).size, size, 'it writes no more')
  const refused = await callTool(gateway, 'idle')
  assert.equal(refused.json.error?.data.code, 'audit.unavailable')
})

test('afterwards a call finds a server again, and the chains are sound', async () => {
  mend()
  let text: string | undefined
  for (let turn = 0; text === undefined && turn < 100; turn++) {
    await sleep(100)
    text = (await callTool(gateway, 'idle')).json.result?.content[0].text
  }
  assert.equal(text, 'did: nothing')
  for (const verdict of verdictsOf(gateway).values()) assert.ok(verdict.sound, JSON.stringify(verdict))
})
