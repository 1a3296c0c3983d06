import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool } from './scripted.ts'
import { errorOf, modern } from './wire.ts'

const SCARCE = { permits: 1, perSeconds: 3600, burst: 4 }
const AMPLE = { permits: 1_000_000, perSeconds: 1, burst: 1_000_000 }

describe('checklist: shedding', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway

  before(async () => {
    upstream = await startModern([tool('free')], {
      'tools/call': (turn) => turn.result({ resultType: 'complete', content: [] }),
    })
    const traffic = { rate: { perAddress: AMPLE, perPrincipal: SCARCE } }
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config: { traffic } })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  it('row 46: tool calls above the rate are refused, and do not happen', async () => {
    const token = await gateway.issue(['admin'])
    const statuses: number[] = []
    for (let n = 0; n < 6; n++) {
      const reply = await modern({ ...gateway, token }, { method: 'tools/call', params: { name: 'free' } })
      statuses.push(reply.status)
      if (reply.status === 429) assert.ok(reply.headers['retry-after'])
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 429, 429])
    assert.equal(upstream.of('tools/call').length, 4)
  })

  it('row 17: server/discover is never answered with a 4xx that clients take for an old server', async () => {
    const token = await gateway.issue(['admin'])
    const statuses: number[] = []
    for (let n = 0; n < 6; n++)
      statuses.push((await modern({ ...gateway, token }, { method: 'server/discover' })).status)
    assert.deepEqual(statuses, [200, 200, 200, 200, 503, 503])
    const unknown = await modern({ ...gateway, token: 'no such token' }, { method: 'server/discover' })
    assert.deepEqual([unknown.status, errorOf(unknown).code], [401, 401])
  })
})
