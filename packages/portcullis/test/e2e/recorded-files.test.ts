/** SB-3, SB-5: what a server changes, and each limit that it meets, is on record with the call that did it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditRecord } from '../../src/audit/record.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')

type AccessRecord = Extract<AuditRecord, { kind: 'access' }>

let folder: string
let work: string
let gateway: TestGateway

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-files-'))
  chmodSync(folder, 0o755)
  work = join(folder, 'work')
  mkdirSync(work)
  chmodSync(work, 0o777)
  const sandbox = {
    read: [SERVER],
    write: [work],
    memoryMiB: 700,
    processes: 40,
    diskMiB: 20,
    tmpMiB: 8,
    tmpFiles: 100,
  }
  gateway = await startTestGateway({
    upstreams: [{ name: 'busy', command: [process.execPath, SERVER], stdio: { sandbox } }],
  })
})
after(async () => {
  await gateway?.close()
  rmSync(folder, { recursive: true })
})

/** What the tool says or the code of the refusal, and the accesses that are recorded of the call. */
async function call(name: string, args: object = {}) {
  const count = recordsOf(gateway).length
  const reply = await callTool(gateway, name, args)
  const text = reply.json.result?.content[0].text ?? reply.json.error.data.code
  const records = recordsOf(gateway)
  const incident = records.findLast((record) => record.kind === 'call')?.incident
  assert.ok(records.length > count)
  const accesses = () =>
    recordsOf(gateway).filter(
      (record): record is AccessRecord => record.kind === 'access' && record.incident === incident,
    )
  return { text, incident, accesses, records }
}

const changesIn = (accesses: readonly AccessRecord[]) =>
  accesses.flatMap(({ access }) => (access.kind === 'file' ? [[access.change, access.path, access.bytes]] : []))
const wallsIn = (accesses: readonly AccessRecord[]) =>
  accesses.flatMap(({ access }) => (access.kind === 'refused' ? [access.wall] : []))

test('a file that a call makes is on record before its answer, with size and digest', async () => {
  const path = join(work, 'note')
  const { text, accesses, incident, records } = await call('write', { path, text: 'hello' })
  assert.equal(text, 'did: it')
  assert.deepEqual(changesIn(accesses()), [['created', path, 5]])
  const [{ access, ...doer } = assert.fail()] = accesses()
  assert.ok(access.kind === 'file')
  assert.equal(access.digest, createHash('sha256').update('hello').digest('hex'))
  assert.deepEqual([doer.upstream, doer.scope, doer.tenant], ['busy', 'principal', 'default'])
  const order = records.filter((record) => 'incident' in record && record.incident === incident).map(({ kind }) => kind)
  assert.deepEqual(order, ['call', 'access', 'outcome'])
})

test('so is one that it changes, and one that it removes', async () => {
  const path = join(work, 'note')
  assert.deepEqual(changesIn((await call('change', { path, text: '!' })).accesses()), [['changed', path, 6]])
  assert.deepEqual(
    changesIn((await call('remove', { path })).accesses()).map(([change]) => change),
    ['removed'],
  )
})

test('what the host itself changes between two calls is not blamed on a call', async () => {
  await call('idle')
  writeFileSync(join(work, 'from-outside'), 'x')
  await sleep(500)
  const { accesses } = await call('idle')
  assert.deepEqual(changesIn(accesses()), [])
  const seen = recordsOf(gateway).some(
    (record) =>
      record.kind === 'access' && record.access.kind === 'file' && record.access.path.endsWith('from-outside'),
  )
  assert.ok(seen)
})

test('private files end at their limit, in size and in number', async () => {
  assert.equal((await call('fill', { path: '/tmp', count: '50' })).text, 'refused: ENOSPC')
  const { text } = await call('litter', { path: '/tmp', count: '500' })
  assert.equal(text, 'refused: ENOSPC')
})

test('a folder that grows over its limit ends the process, and the wall is on record with the call', async () => {
  const { text, accesses } = await call('fill', { path: work, count: '200' })
  assert.match(text, /^(?:upstream\.ended|refused: ENOSPC)$/)
  await sleep(300)
  assert.ok(wallsIn(accesses()).includes('disk'), JSON.stringify(accesses()))
  rmSync(work, { recursive: true })
  mkdirSync(work)
  chmodSync(work, 0o777)
})

test('processes end at their limit, and the next call works', async () => {
  assert.equal(await recovered(), 'did: nothing')
  const { text, accesses } = await call('processes', { count: '200' })
  assert.ok(text === 'upstream.ended' || Number(text.replace(/^did: /, '')) < 40, text)
  await sleep(300)
  // Only a control group tells whom it refused.
  assert.equal(wallsIn(accesses()).includes('processes'), held('processes'), JSON.stringify(accesses()))
})

test('memory ends at its limit, the wall is on record with the call, and the next call works', async () => {
  assert.equal(await recovered(), 'did: nothing')
  const { text, accesses } = await call('memory', { count: '2000' })
  assert.equal(text, 'upstream.ended')
  await sleep(300)
  assert.equal(wallsIn(accesses()).includes('memory'), held('memory'), JSON.stringify(accesses()))
  assert.equal(await recovered(), 'did: nothing')
})

/** Whether this host holds a limit by a control group, as the records themselves say. */
const held = (limit: string): boolean =>
  recordsOf(gateway).some((record) => record.kind === 'process' && record.enforcement?.[limit] === 'cgroup')

/** A server that crashed several times is not started again at once. */
async function recovered(): Promise<string> {
  for (;;) {
    const { text } = await call('idle')
    if (text !== 'upstream.unavailable') return text
    await sleep(100)
  }
}

test('each process has a beginning and an end on record, with what it used', async () => {
  const processes = recordsOf(gateway).filter((record) => record.kind === 'process')
  const ended = processes.filter(({ event }) => event === 'ended')
  const started = new Set(processes.filter(({ event }) => event === 'started').map(({ pid }) => pid))
  assert.ok(ended.length > 1)
  for (const end of ended) {
    assert.ok(started.has(end.pid))
    assert.equal(end.driver, 'bubblewrap')
    assert.equal(typeof end.usage?.['outputBytes'], 'number')
  }
  const reasons = ended.map(({ reason }) => reason)
  assert.ok(reasons.includes('disk-quota'), reasons.join())
  assert.equal(reasons.includes('out-of-memory'), held('memory'), reasons.join())
})

test('the chains with all of this in them are sound', () => {
  const verdicts = [...verdictsOf(gateway).values()]
  assert.ok(verdicts.length > 1)
  for (const verdict of verdicts) assert.ok(verdict.sound, JSON.stringify(verdict))
  assert.ok(existsSync(work))
})
