import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Cancellation } from '../../src/core/cancellation.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Params, Request, Response } from '../../src/mcp/message.ts'
import { Questions } from '../../src/upstream/questions.ts'
import { recorder } from './harness.ts'

const question = (id: string | number): Request => ({ jsonrpc: '2.0', id, method: 'roots/list' })
const codeOf = (response: Response | undefined): unknown => (response?.['error'] as Params | undefined)?.['code']

describe('Questions', () => {
  it('tells the upstream only what a fault says', async () => {
    const events = recorder(() => {
      throw new Fault('policy.denied', { secret: 'detail' })
    })
    assert.deepEqual(await new Questions().ask(question(1), events), {
      jsonrpc: '2.0',
      id: 1,
      error: { code: 403, message: 'Not allowed by policy.' },
    })
    const bug = recorder(() => {
      throw new Error('at /some/path')
    })
    assert.equal(codeOf(await new Questions().ask(question(1), bug)), -32603)
  })

  it('puts a repeated question once and bounds how many are open', async () => {
    const questions = new Questions()
    const events = recorder(() => new Promise<Response>(() => {}))
    for (let id = 0; id < 64; id++) void questions.ask(question(id), events)
    assert.equal(await questions.ask(question(3), events), undefined)
    assert.equal(codeOf(await questions.ask(question('one more'), events)), 503)
    assert.equal(events.asked.length, 64)
  })

  it('withdraws the questions of one owner and leaves the others', async () => {
    const questions = new Questions()
    const seen: Array<Cancellation | undefined> = []
    const events = {
      notify() {},
      ask: (_request: Request, withdrawn?: Cancellation) => {
        seen.push(withdrawn)
        return new Promise<Response>(() => {})
      },
    }
    void questions.ask(question(1), events, 'mine')
    void questions.ask(question(2), events, 'other')
    questions.end('mine')
    assert.deepEqual(
      seen.map((one) => one?.cancelled),
      [true, false],
    )
    assert.equal(questions.withdraw(2), true)
    assert.equal(questions.withdraw('2'), false)
  })
})
