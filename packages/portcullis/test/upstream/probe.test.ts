import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { isTooNew, legacyFacts, mayBeLegacy, modernFacts } from '../../src/upstream/probe.ts'
import { isFault } from './harness.ts'

const result = (value: Record<string, unknown>) => ({ jsonrpc: '2.0' as const, id: 1, result: value })
const error = (code: number, data?: unknown) => ({
  jsonrpc: '2.0' as const,
  id: 1,
  error: { code, message: 'm', data },
})

describe('the probe', () => {
  it('reads what a modern upstream says of itself', () => {
    const _meta = { 'io.modelcontextprotocol/serverInfo': { name: 's' } }
    assert.deepEqual(
      modernFacts(result({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, instructions: 'i', _meta })),
      { protocolVersion: '2026-07-28', capabilities: { tools: {} }, serverInfo: { name: 's' }, instructions: 'i' },
    )
  })

  it('takes nothing else for one', () => {
    for (const other of [
      result({}),
      result({ supportedVersions: '2026-07-28' }),
      result({ supportedVersions: [] }),
      error(-32601),
    ]) {
      assert.equal(modernFacts(other), undefined)
    }
  })

  it('knows an upstream that is newer than the gateway', () => {
    assert.equal(isTooNew(error(-32022, { supported: ['2027-01-01'] })), true)
    assert.equal(isTooNew(error(-32022, { supported: ['2027-01-01', '2025-06-18'] })), false)
    assert.equal(isTooNew(error(-32022)), false)
    assert.equal(isTooNew(error(-32601, { supported: ['2027-01-01'] })), false)
  })

  it('falls back to the legacy era only for what may come from a legacy upstream', () => {
    const unavailable = (status?: number) => new Fault('upstream.unavailable', { status })
    for (const status of [400, 404, 405, 406, 415, 500])
      assert.equal(mayBeLegacy(unavailable(status)), true, `${status}`)
    for (const status of [401, 403, 429, 502, 503, 504])
      assert.equal(mayBeLegacy(unavailable(status)), false, `${status}`)
    assert.equal(mayBeLegacy(new Fault('upstream.malformed')), true)
    for (const other of [unavailable(), new Fault('upstream.ended'), new Fault('upstream.too_large'), new Error('x')]) {
      assert.equal(mayBeLegacy(other), false)
    }
  })

  it('refuses an initialize that failed or speaks an unknown revision', () => {
    for (const bad of [
      error(-32600),
      result({}),
      result({ protocolVersion: '2026-07-28' }),
      result({ protocolVersion: 1 }),
    ]) {
      assert.throws(() => legacyFacts(bad), isFault('upstream.unsupported'))
    }
  })
})
