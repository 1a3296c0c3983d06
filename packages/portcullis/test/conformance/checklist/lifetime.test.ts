import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool, type Turn, within } from './scripted.ts'
import { openSession } from './session.ts'
import { errorOf, modern, modernRequest, open, start } from './wire.ts'

describe('checklist: lifetimes', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway
  let turns: Turn[]

  before(async () => {
    turns = []
    upstream = await startModern([tool('held'), tool('chatty')], {
      'tools/call': async (turn) => {
        turns.push(turn)
        if (turn.params['name'] === 'held') return
        for (let progress = 0; !turn.seen.aborted; progress++) {
          turn.event({ method: 'notifications/progress', params: { progressToken: 'p', progress } })
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      },
    })
    const limits = { callSeconds: 1 }
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config: { limits } })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const latest = (): Turn => turns.at(-1) ?? assert.fail('nothing arrived')

  it('row 22: a modern client that leaves ends the call at the upstream', async () => {
    const { message, headers } = modernRequest({ method: 'tools/call', params: { name: 'held' } })
    const count = turns.length
    const call = start(gateway, { message, headers })
    assert.ok(await within(1_000, () => turns.length > count))
    call.leave()
    assert.ok(await within(900, () => latest().seen.aborted), 'the upstream was not told')
  })

  it('row 22: a legacy client that leaves ends nothing', async () => {
    const session = await openSession(gateway)
    const count = turns.length
    const call = session.begin('tools/call', { name: 'held' })
    assert.ok(await within(1_000, () => turns.length > count))
    call.leave()
    assert.equal(await within(300, () => latest().seen.aborted), false)
    latest().result({ resultType: 'complete', content: [] })
    assert.equal(await within(100, () => latest().seen.aborted), false)
    assert.equal((await session.request('ping')).status, 200)
  })

  it('row 22: a legacy client ends a call by saying so', async () => {
    const session = await openSession(gateway)
    const count = turns.length
    const call = session.begin('tools/call', { name: 'held' }, 'mine')
    assert.ok(await within(1_000, () => turns.length > count))
    await session.tell({ method: 'notifications/cancelled', params: { requestId: 'mine' } })
    assert.ok(await within(900, () => latest().seen.aborted))
    await (await call.opened).whole()
  })

  it('row 25: the deadline ends a call, however much progress it reports', async () => {
    for (const name of ['held', 'chatty']) {
      const { message, headers } = modernRequest({
        method: 'tools/call',
        params: { name },
        meta: { progressToken: 'p' },
      })
      const reply = await (await open(gateway, { message, headers })).whole()
      assert.equal(errorOf(reply).code, 504, name)
      assert.ok(await within(900, () => latest().seen.aborted), name)
    }
    assert.equal((await modern(gateway, { method: 'tools/list' })).status, 200)
  })
})
