/** SB-2, ID-10: with the word for it, methods and credentials hold inside https too; the host is verified as ever. */
import assert from 'node:assert/strict'
import { promises as dns } from 'node:dns'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, mock, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { passingAuthority } from '../../src/pki/passing-authority.ts'
import { auditText, recordsOf } from '../fixtures/audit.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')
const trusted = getCACertificates('default')

let gateway: TestGateway
let host: Server
let impostor: Server
const heard: Array<readonly [method: string | undefined, authorization: string | undefined]> = []

before(async () => {
  mock.method(dns, 'lookup', async () => [{ address: '127.0.0.1', family: 4 }])
  const [known, unknown] = await Promise.all([passingAuthority(1, systemClock), passingAuthority(1, systemClock)])
  setDefaultCACertificates([...trusted, known.certificate])
  host = await listen(await known.mintLeaf('api.example'))
  impostor = await listen(await unknown.mintLeaf('other.example'))
  const rule = { private: 'allowed', tls: 'opened', methods: ['GET'] }
  const credential = { header: 'authorization', value: { env: 'PORTCULLIS_TEST_TOKEN' } }
  const allow = [
    { ...rule, host: 'api.example', ports: [portOf(host)], credential },
    { ...rule, host: 'other.example', ports: [portOf(impostor)] },
  ]
  gateway = await startTestGateway({
    environment: { PORTCULLIS_TEST_TOKEN: 'Bearer of-the-gateway' },
    upstreams: [
      {
        name: 'busy',
        command: [process.execPath, SERVER],
        stdio: { sandbox: { read: [SERVER], memoryMiB: 2048, network: { allow } } },
      },
    ],
  })
})
after(async () => {
  mock.restoreAll()
  setDefaultCACertificates(trusted)
  await gateway?.close()
  host?.close()
  impostor?.close()
})

async function listen({ certificate, key }: { readonly certificate: string; readonly key: string }): Promise<Server> {
  const server = createServer({ cert: certificate, key }, (request, response) => {
    heard.push([request.method, request.headers.authorization])
    response.end('hello')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

async function fetchInside(args: object): Promise<string> {
  const reply = await callTool(gateway, 'fetch', args)
  return reply.json.result?.content[0].text ?? JSON.stringify(reply.json)
}

test('a program trusts the gateway in place of the host, and its request arrives with the credential', async () => {
  const text = await fetchInside({ url: `https://api.example:${portOf(host)}/`, header: 'Bearer of-the-server' })
  assert.equal(text, 'did: 200 hello')
  assert.deepEqual(heard.at(-1), ['GET', 'Bearer of-the-gateway'])
  assert.ok(!auditText(gateway).includes('of-the-gateway'))
})

test('a method that is not listed does not arrive', async () => {
  const count = heard.length
  await fetchInside({ url: `https://api.example:${portOf(host)}/`, method: 'DELETE' })
  assert.equal(heard.length, count)
  const reasons = recordsOf(gateway).flatMap((record) =>
    record.kind === 'access' && record.access.kind === 'egress' && !record.access.allowed ? [record.access.reason] : [],
  )
  assert.ok(reasons.includes('method'), JSON.stringify(reasons))
})

test('a host that nobody vouches for is not reached', async () => {
  const count = heard.length
  assert.notEqual(await fetchInside({ url: `https://other.example:${portOf(impostor)}/` }), 'did: 200 hello')
  assert.equal(heard.length, count)
})

test('that TLS is opened is listed among the weaknesses', () => {
  const started = recordsOf(gateway).find((record) => record.kind === 'start')
  const weak = 'upstreams.busy.stdio.sandbox.network.allow[0].tls: opened'
  assert.ok(started?.kind === 'start' && started.weaknesses.includes(weak))
})
