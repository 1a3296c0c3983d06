import assert from 'node:assert/strict'
import { test } from 'node:test'
import { argumentsDigest } from '../../src/audit/facts.ts'
import { Cancellation } from '../../src/core/cancellation.ts'
import { atRest } from '../../src/gateway/places.ts'

test('what lasts keeps nothing that came in its head and its body but what it asked for, of which receipts name the digest', () => {
  const secret = 'pcl_0123456789'
  const params = { notifications: { toolsListChanged: true }, _meta: { 'x.example/large': secret } }
  const message = { jsonrpc: '2.0', id: 'a', method: 'subscriptions/listen', params } as const
  const exchange = {
    incident: 'i',
    receivedAt: 1,
    peer: { address: '127.0.0.1', encrypted: true },
    head: { method: 'POST', path: '/mcp/one', query: '', headers: { authorization: `Bearer ${secret}` } },
    body: { read: () => Buffer.from(secret) },
    outlet: { send: () => {}, open: () => {} },
    departure: new Cancellation(),
    bytes: Buffer.from(JSON.stringify(message)),
    call: {
      message,
      kind: 'request',
      era: 'modern',
      version: '2026-07-28',
      method: 'subscriptions/listen',
      params,
      target: { kind: 'none' },
    },
  } as const
  const asked = argumentsDigest(exchange.call)
  const resting = { ...exchange }
  atRest(resting)
  assert.doesNotMatch(JSON.stringify(resting), new RegExp(secret))
  assert.deepEqual([resting.bytes.length, resting.body.read()], [0, Buffer.alloc(0)])
  const { head, call, incident, peer } = resting
  assert.deepEqual([head.method, head.path, incident, peer], ['POST', '/mcp/one', 'i', exchange.peer])
  assert.deepEqual(
    [call.method, call.era, call.message.id, argumentsDigest(call)],
    [message.method, 'modern', 'a', asked],
  )
  const other = { ...exchange }
  atRest(other)
  assert.equal(other.head, head)
})
