import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { guardedFetch } from '../../src/core/guarded-fetch.ts'
import { isSpecialAddress } from '../../src/core/special-addresses.ts'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'

const INSIDE = [
  ...[
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
  ],
  ...['192.168.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::7f00:1',
    '64:ff9b::7f00:1',
    'fc00::1',
    'fd00::1',
    'fe80::1',
    'fec0::1',
  ],
  ...['ff02::1', '2001:db8::1', '2002:7f00:1::', '2001::1', '100::1', 'nothing', ''],
]
const OUTSIDE = ['8.8.8.8', '172.32.0.1', '192.167.255.255', '100.128.0.1', '2606:4700::1111', '2a00:1450::1']

for (const address of INSIDE)
  test(`${address || 'no address'} is inside`, () => assert.equal(isSpecialAddress(address), true))
for (const address of OUTSIDE) test(`${address} is public`, () => assert.equal(isSpecialAddress(address), false))

let identity: TestIdentity
let requests = 0
const server = createServer((request, response) => {
  requests += 1
  if (request.url === '/moved') response.writeHead(302, { location: '/' }).end()
  else
    response
      .writeHead(200, { 'cache-control': 'max-age=60', 'x-other': '1' })
      .end(request.url === '/big' ? 'x'.repeat(2000) : '{}')
})
let port = 0

before(async () => {
  identity = await createTestIdentity()
  server.setSecureContext({ key: identity.key, cert: identity.cert })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
after(() => {
  identity.remove()
  server.close()
  server.closeAllConnections()
})

const GET = { method: 'GET', headers: {} } as const

const fetching = (privateNetworks: readonly string[]) =>
  guardedFetch({ timeoutMs: 2_000, maxBytes: 1_000, privateNetworks, ca: readFileSync(identity.caFile, 'utf8') })

test('nothing inside is connected to, by name or by any spelling of its address', async () => {
  for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f000001', '127.1', '[::ffff:127.0.0.1]', '[::1]'])
    await assert.rejects(fetching([])(`https://${host}:${port}/`, GET), host)
  assert.equal(requests, 0)
})

test('a network of this house that is spelled out can be reached, its certificate is checked, and redirects stay untouched', async () => {
  const answer = await fetching(['127.0.0.0/8'])(`https://127.0.0.1:${port}/`, GET)
  assert.equal(answer.status, 200)
  assert.deepEqual([...answer.headers.keys()].toSorted(), ['cache-control'])
  assert.equal((await fetching(['127.0.0.0/8'])(`https://127.0.0.1:${port}/moved`, GET)).status, 302)
  const distrusting = guardedFetch({ timeoutMs: 2_000, maxBytes: 1_000, privateNetworks: ['127.0.0.0/8'] })
  await assert.rejects(distrusting(`https://127.0.0.1:${port}/`, GET))
})

test('no more is read than may be', async () => {
  await assert.rejects(fetching(['127.0.0.0/8'])(`https://127.0.0.1:${port}/big`, GET), /more than 1000 bytes/)
})
