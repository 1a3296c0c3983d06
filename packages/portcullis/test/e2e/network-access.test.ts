/** SB-2, SB-5, ID-10: a server reaches the hosts that are listed and no other; each try is on record with its call. */
import assert from 'node:assert/strict'
import { promises as dns } from 'node:dns'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, mock, test } from 'node:test'
import type { AuditRecord } from '../../src/audit/record.ts'
import { auditText, recordsOf } from '../fixtures/audit.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')

type AccessRecord = Extract<AuditRecord, { kind: 'access' }>

let gateway: TestGateway
let host: Server
let port: number
const heard: Array<readonly [host: string | undefined, authorization: string | undefined]> = []

before(async () => {
  // Names of the tests lead to this machine, whatever the resolver of the host knows.
  mock.method(dns, 'lookup', async () => [{ address: '127.0.0.1', family: 4 }])
  host = createServer((request, response) => {
    heard.push([request.headers.host, request.headers.authorization])
    response.end('hello')
  })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  port = (host.address() as AddressInfo).port
  const credential = { header: 'authorization', value: { env: 'PORTCULLIS_TEST_TOKEN' } }
  const rules = [
    { host: 'api.example', ports: [port], methods: ['GET'], private: 'allowed' },
    { host: 'paid.example', ports: [port], private: 'allowed', credential },
    { host: 'public.example', ports: [port] },
  ]
  gateway = await startTestGateway({
    environment: { PORTCULLIS_TEST_TOKEN: 'Bearer of-the-gateway' },
    upstreams: [
      {
        name: 'busy',
        command: [process.execPath, SERVER],
        readable: [SERVER],
        stdio: { sandbox: { read: [SERVER], memoryMiB: 2048, network: { allow: rules } } },
      },
    ],
  })
})
after(async () => {
  mock.restoreAll()
  await gateway.close()
  host.close()
})

/** What the tool says, and the accesses that are recorded of the call. */
async function call(name: string, args: object): Promise<{ text: string; accesses: readonly AccessRecord[] }> {
  const known = new Set(recordsOf(gateway).map(({ seq, tenant }) => `${tenant} ${seq}`))
  const reply = await callTool(gateway, name, args)
  const fresh = recordsOf(gateway).filter(({ seq, tenant }) => !known.has(`${tenant} ${seq}`))
  const incident = fresh.find((record) => record.kind === 'call')?.incident
  const accesses = fresh.filter((record) => record.kind === 'access')
  for (const record of accesses) assert.equal(record.incident, incident, JSON.stringify(record))
  return { text: reply.json.result?.content[0].text ?? JSON.stringify(reply.json), accesses }
}

test('a listed host is reached by a program that knows no proxy, and the connection is on record', async () => {
  const { text, accesses } = await call('fetch', { url: `http://api.example:${port}/` })
  assert.equal(text, 'did: 200 hello')
  const reached = accesses.map(({ access }) => access).find((access) => access.kind === 'egress' && access.allowed)
  assert.ok(reached?.kind === 'egress')
  assert.deepEqual([reached.host, reached.port, reached.address], ['api.example', port, '127.0.0.1'])
  assert.ok((reached.receivedBytes ?? 0) > 0)
  const [record] = accesses
  assert.equal(record?.upstream, 'busy')
  assert.equal(record?.scope, 'principal')
  assert.match(record?.principal ?? '', /^key:/)
  assert.equal(record?.tenant, 'default')
})

test('a host that is not listed is not reached, and the try is on record with its reason', async () => {
  const count = heard.length
  const { text, accesses } = await call('fetch', { url: `http://other.example:${port}/` })
  assert.match(text, /^refused: /)
  assert.equal(heard.length, count)
  const [refused] = accesses.map(({ access }) => access)
  assert.ok(refused?.kind === 'egress' && !refused.allowed)
  assert.equal(refused.host, 'other.example')
  assert.equal(refused.reason, 'not-allowed')
})

test('a listed name that leads to this machine is not reached without the word for it', async () => {
  const count = heard.length
  const { accesses } = await call('fetch', { url: `http://public.example:${port}/` })
  assert.equal(heard.length, count)
  const reasons = accesses.map(({ access }) => (access.kind === 'egress' ? access.reason : undefined))
  assert.ok(reasons.includes('address'), JSON.stringify(reasons))
})

test('a credential is put in by the gateway, and the server never has it', async () => {
  const { text } = await call('fetch', { url: `http://paid.example:${port}/`, header: 'Bearer of-the-server' })
  assert.equal(text, 'did: 200 hello')
  assert.deepEqual(heard.at(-1), [`paid.example:${port}`, 'Bearer of-the-gateway'])
  const { text: environment } = await call('environment', {})
  assert.ok(!environment.includes('of-the-gateway'))
  assert.ok(!auditText(gateway).includes('of-the-gateway'))
  assert.ok(!gateway.logged.join('').includes('of-the-gateway'))
})

test('a flood of tries is on record as a number, and hides nothing of another kind', async () => {
  const { text, accesses } = await call('lookups', { count: '95' })
  assert.equal(text, 'did: 0')
  assert.ok(accesses.length > 0 && accesses.length <= 2 * 95, `${accesses.length}`)
  const { accesses: later } = await call('fetch', { url: `http://api.example:${port}/` })
  assert.ok(later.some(({ access }) => access.kind === 'egress' && access.allowed))
})

test('the words that weaken the network are in the log and in the first record', () => {
  const started = recordsOf(gateway).find((record) => record.kind === 'start')
  const weak = 'upstreams.busy.stdio.sandbox.network.allow[0].private: allowed'
  assert.ok(started?.kind === 'start' && started.weaknesses.includes(weak), JSON.stringify(started))
})
