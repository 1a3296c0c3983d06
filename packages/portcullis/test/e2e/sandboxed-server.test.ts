/** SB-1, SB-4: a hostile stdio server behind the gateway sees what is listed, reaches nothing, and dies with its owner. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/hostile-stdio.ts')

let folder: string
let gateway: TestGateway
let listener: Server
let knocks = 0

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-hostile-'))
  for (const name of ['library', 'secret']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'library', 'book'), 'a book')
  writeFileSync(join(folder, 'secret', 'key'), 'PRIVATE')
  listener = createServer(() => knocks++)
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  gateway = await startTestGateway({
    config: { limits: { callSeconds: 3 } },
    environment: { PORTCULLIS_TEST_SECRET: 'in the environment of the gateway' },
    upstreams: [
      {
        name: 'hostile',
        command: [process.execPath, SERVER],
        readable: [SERVER, join(folder, 'library')],
        stdio: { env: { GIVEN: 'given' }, deadlines: { idleSeconds: 600 } },
        // The walls have to hold by themselves.
        inspection: { mode: 'shadow' },
      },
    ],
  })
})
after(async () => {
  await gateway.close()
  listener.close()
  rmSync(folder, { recursive: true })
})

async function call(name: string, args: object = {}, token = gateway.token): Promise<string> {
  const reply = await callTool(gateway, name, args, { token })
  return reply.json.result?.content[0].text ?? reply.json.error.data.code
}

test('it reads what is listed and changes nothing there', async () => {
  const book = join(folder, 'library', 'book')
  assert.equal(await call('read', { path: book }), 'did: a book')
  assert.match(await call('write', { path: book }), /^refused: E(ROFS|ACCES|PERM)$/)
  assert.equal(readFileSync(book, 'utf8'), 'a book')
})

test('everything else is invisible to it', async () => {
  const hidden = [
    join(folder, 'secret', 'key'),
    join(folder, 'secret'),
    join(folder, 'library', '..', 'secret', 'key'),
    `/proc/self/root${join(folder, 'secret', 'key')}`,
    join(gateway.stateFolder, 'store.sqlite'),
    join(gateway.stateFolder, 'audit.key'),
    gateway.auditFolder,
    `/proc/${process.pid}/environ`,
    '/root',
    '/etc/shadow',
    '/var/run/docker.sock',
  ]
  for (const path of hidden) {
    for (const tool of ['read', 'list']) assert.match(await call(tool, { path }), /^refused: E/, `${tool} ${path}`)
  }
  assert.equal(await call('exists', { path: join(folder, 'secret') }), 'false')
})

test('it sees no process but its own, and an environment of its own', async () => {
  const processes = (await call('processes')).split(' ').map(Number)
  assert.ok(processes.length < 10 && processes.every((pid) => pid < 100), processes.join(' '))
  const environment = JSON.parse(await call('environment'))
  assert.equal(environment.GIVEN, 'given')
  for (const name of Object.keys(environment)) {
    assert.ok(['GIVEN', 'PATH', 'HOME', 'TMPDIR', 'LANG', 'USER', 'PWD'].includes(name), name)
  }
  assert.ok(!JSON.stringify(environment).includes('of the gateway'))
})

test('it has no network, not even to this machine', async () => {
  const { port } = listener.address() as AddressInfo
  const gatewayPort = new URL(gateway.origin).port
  for (const [host, at] of [
    ['127.0.0.1', port],
    ['127.0.0.1', gatewayPort],
    ['::1', gatewayPort],
    ['169.254.169.254', 80],
    ['192.0.2.1', 443],
    ['example.com', 443],
  ]) {
    assert.match(await call('connect', { host, port: String(at) }), /^refused: E/, String(host))
  }
  assert.equal(knocks, 0)
})

test('each principal has a process of its own', async () => {
  const other = await gateway.issue(['admin'])
  await call('write', { path: '/tmp/mine' })
  assert.equal(await call('exists', { path: '/tmp/mine' }), 'true')
  assert.equal(await call('exists', { path: '/tmp/mine' }, other), 'false')
})

for (const lie of ['wrongId', 'garbage', 'flood', 'die']) {
  test(`its ${lie} ends one call, and a later one finds a server again`, async () => {
    const token = await gateway.issue(['admin'])
    const { json } = await callTool(gateway, lie, {}, { token, headers: {} })
    assert.match(json.error.data.code, /^(upstream|limits)\./, JSON.stringify(json))
    // A server that died is not started again at once.
    while ((await call('exists', { path: '/nothing' }, token)) === 'upstream.unavailable') await sleep(100)
    assert.equal(await call('exists', { path: '/nothing' }, token), 'false')
  })
}

test('an answer that comes twice is heard once', async () => {
  assert.equal(await call('twice'), 'did: answered')
  assert.equal(await call('exists', { path: '/nothing' }), 'false')
})

test('what it left behind ends with its gateway', async (t) => {
  const mark = `left-by-${process.pid}-${Date.now()}`
  const own = await startTestGateway({
    upstreams: [{ name: 'hostile', command: [process.execPath, SERVER], readable: [SERVER] }],
  })
  t.after(() => own.close())
  const reply = await callTool(own, 'detach', { mark })
  assert.equal(reply.json.result.content[0].text, 'did: detached')
  while (!isRunning(mark)) await sleep(10)
  await own.close()
  while (isRunning(mark)) await sleep(10)
})

function isRunning(mark: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark)
    } catch {
      return false
    }
  })
}
