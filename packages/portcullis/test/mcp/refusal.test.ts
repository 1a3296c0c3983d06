import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Exchange } from '../../src/core/exchange.ts'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import type { Parsed } from '../../src/mcp/call.ts'
import { answerOf } from '../../src/mcp/refusal.ts'

const exchange = (headers: Readonly<Record<string, string>>): Exchange & Partial<Parsed> =>
  ({ incident: 'i', head: { method: 'POST', path: '/mcp', query: '', headers } }) as unknown as Exchange

const status = (code: FaultCode, headers: Readonly<Record<string, string>> = {}): number =>
  answerOf(new Fault(code), exchange(headers)).status

describe('the answer to a fault', () => {
  it('tells a legacy client of an unknown method without a 404, which would end its session', () => {
    assert.equal(status('message.unknown_method', { 'mcp-protocol-version': '2026-07-28' }), 404)
    assert.equal(status('message.unknown_method', { 'mcp-protocol-version': '2025-11-25' }), 200)
    assert.equal(status('message.unknown_method'), 200)
    assert.equal(status('session.unknown', { 'mcp-protocol-version': '2025-11-25' }), 404)
  })

  it('sheds a probe by 503, even before its message was read', () => {
    const probe = { 'mcp-method': 'server/discover' }
    assert.deepEqual([status('traffic.rate_limited'), status('traffic.rate_limited', probe)], [429, 503])
    assert.deepEqual([status('message.too_large'), status('message.too_large', probe)], [413, 503])
    assert.deepEqual([status('identity.missing', probe), status('transport.not_found', probe)], [401, 404])
  })

  it('says nothing of detail and cause', () => {
    const fault = new Fault('internal', { secret: 'detail' }, { cause: new Error('cause') })
    assert.doesNotMatch(JSON.stringify(answerOf(fault, exchange({}))), /detail|cause/)
  })
})
