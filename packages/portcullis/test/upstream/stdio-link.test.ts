import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import { readUpstream } from '../../src/inspection/read-json.ts'
import { META } from '../../src/mcp/meta.ts'
import type { Era, Params, Response } from '../../src/mcp/message.ts'
import type { LinkEvents } from '../../src/upstream/link.ts'
import { StdioLink, type StdioLinkOptions } from '../../src/upstream/stdio-link.ts'
import { call, FakeProcess, isFault, never, parse, type Recorder, recorder } from './harness.ts'

const NO_FACTS = { protocolVersion: '', capabilities: {}, serverInfo: {} }
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function setUp(
  options: Partial<StdioLinkOptions> = {},
  era: Era = 'modern',
): { link: StdioLink; process: FakeProcess; unsolicited: Recorder } {
  const process = new FakeProcess()
  const unsolicited = recorder()
  const bounds = { maxWaitingBytes: 1_000, maxWaitingMessages: 3 }
  const link = new StdioLink(process, { parse, owner: 'one', unsolicited, ...bounds, ...options })
  link.adopt(era, NO_FACTS)
  return { link, process, unsolicited }
}

const ask = (link: StdioLink, id: string, events: LinkEvents = recorder(), cancellation = never(), more: Params = {}) =>
  link.request({ ...call('echo', {}, more), id }, events, cancellation)
const answer = (id: unknown, result: unknown = {}) => ({ jsonrpc: '2.0', id, result })
const idOf = (process: FakeProcess, at: number): unknown => process.lines[at]?.['id']
const errorOf = (process: FakeProcess, at: number): Params => process.lines[at]?.['error'] as Params
const paramsOf = (process: FakeProcess, at: number): Params => process.lines[at]?.['params'] as Params

describe('StdioLink', () => {
  it('gives each caller its own response, whatever ids the callers chose', async () => {
    const { link, process } = setUp()
    const first = ask(link, 'same')
    const second = ask(link, 'same')
    process.emit(answer(idOf(process, 1), { n: 2 }))
    process.emit(answer(idOf(process, 0), { n: 1 }))
    assert.deepEqual(await first, { jsonrpc: '2.0', id: 'same', result: { n: 1 } })
    assert.deepEqual(await second, { jsonrpc: '2.0', id: 'same', result: { n: 2 } })
    assert.equal(link.inFlight, 0)
  })

  it('keeps progress tokens of two callers apart and leaves the rest of _meta alone', async () => {
    const { link, process } = setUp({ owner: 'many' })
    const mine = recorder()
    const others = recorder()
    const calls = [mine, others].map((events, n) =>
      ask(link, `c${n}`, events, never(), { _meta: { progressToken: 'p', k: n } }),
    )
    assert.deepEqual(paramsOf(process, 0)['_meta'], { progressToken: idOf(process, 0), k: 0 })
    assert.deepEqual(paramsOf(process, 1)['_meta'], { progressToken: idOf(process, 1), k: 1 })
    const progress = (token: unknown) => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: token, progress: 1 },
    })
    process.emit(progress(idOf(process, 1)))
    process.emit(progress('p'))
    process.emit(progress(99))
    for (const at of [0, 1]) process.emit(answer(idOf(process, at)))
    await Promise.all(calls)
    assert.equal(mine.notes.length, 0)
    assert.deepEqual(others.notes, [progress('p')])
  })

  it('does not give progress to a call that asked for none', async () => {
    const { link, process, unsolicited } = setUp()
    const events = recorder()
    const done = ask(link, 'a', events)
    process.emit({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: idOf(process, 0) } })
    process.emit(answer(idOf(process, 0)))
    await done
    assert.equal(events.notes.length + unsolicited.notes.length, 0)
  })

  it('maps subscription ids both ways and ends a subscription that the upstream gives up', async () => {
    const { link, process } = setUp()
    const events = recorder()
    const listen = { id: 'sub', method: 'subscriptions/listen', params: {} }
    const ended = link.request(listen, events, never())
    const ours = idOf(process, 0)
    const message = (id: unknown) => ({
      jsonrpc: '2.0',
      method: 'notifications/x',
      params: { _meta: { [META.subscriptionId]: id } },
    })
    process.emit(message(ours))
    process.emit(message(12345))
    process.emit(answer(ours, { _meta: { [META.subscriptionId]: ours } }))
    assert.deepEqual(await ended, answer('sub', { _meta: { [META.subscriptionId]: 'sub' } }))
    assert.deepEqual(events.notes, [message('sub')])
    const given = link.request(listen, events, never())
    process.emit({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: idOf(process, 1) } })
    await assert.rejects(given, isFault('upstream.ended'))
  })

  it('tells the upstream its own id when a call is cancelled, and drops a late response', async () => {
    const { link, process } = setUp()
    const cancellation = new Cancellation()
    const done = ask(link, 'a', recorder(), cancellation)
    cancellation.cancel('client-left')
    await assert.rejects(done, isFault('upstream.ended', { reason: 'cancelled', why: 'client-left' }))
    assert.equal(process.lines[1]?.['method'], 'notifications/cancelled')
    assert.deepEqual(paramsOf(process, 1), { requestId: idOf(process, 0) })
    process.emit(answer(idOf(process, 0)))
    assert.equal(link.inFlight, 0)
    await assert.rejects(ask(link, 'b', recorder(), cancellation), isFault('upstream.ended'))
    assert.equal(process.lines.length, 2)
  })

  it('waits for the caller between messages and for the messages before the response', async () => {
    const { link, process } = setUp()
    const order: string[] = []
    const events: LinkEvents = {
      ...recorder(),
      async notify(message) {
        await tick()
        order.push(message.method)
      },
    }
    const done = ask(link, 'a', events).then(() => order.push('response'))
    for (const method of ['notifications/message', 'notifications/message']) process.emit({ jsonrpc: '2.0', method })
    process.emit(answer(idOf(process, 0)))
    await done
    assert.deepEqual(order, ['notifications/message', 'notifications/message', 'response'])
  })

  it('takes the call from a caller who is too slow, and from nobody else', async () => {
    const { link, process } = setUp({ maxWaitingMessages: 2 })
    const slow = ask(link, 'slow', { ...recorder(), notify: () => new Promise<void>(() => {}) }, never(), {
      _meta: { progressToken: 1 },
    })
    const other = ask(link, 'other')
    for (let n = 0; n < 4; n++) {
      process.emit({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: idOf(process, 0) } })
    }
    await assert.rejects(slow, isFault('upstream.too_large'))
    assert.equal(process.lines[2]?.['method'], 'notifications/cancelled')
    process.emit(answer(idOf(process, 1)))
    await other
  })

  it('fails a call whose message the gateway refused', async () => {
    const { link, process } = setUp()
    const refusal = new Error('refused')
    const done = ask(link, 'a', {
      ...recorder(),
      notify: () => {
        throw refusal
      },
    })
    process.emit({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
    await assert.rejects(done, refusal)
  })

  it('holds lines back while the process does not read, and refuses more than it may hold', async () => {
    const { link, process } = setUp({ maxWaitingBytes: 250 })
    process.room = 1
    const calls = ['a', 'b', 'c'].map((id) => ask(link, id))
    assert.equal(process.lines.length, 1)
    await assert.rejects(ask(link, 'd'), isFault('upstream.unavailable'))
    process.drain(1)
    assert.equal(process.lines.length, 2)
    process.drain()
    assert.equal(process.lines.length, 3)
    for (const at of [0, 1, 2]) process.emit(answer(idOf(process, at)))
    assert.equal((await Promise.all(calls)).length, 3)
  })

  it('fails every call when the process dies, and takes no more', async () => {
    const { link, process } = setUp()
    const calls = [ask(link, 'a'), ask(link, 'b')]
    process.exit('out-of-memory', 137)
    for (const one of calls)
      await assert.rejects(one, isFault('upstream.ended', { reason: 'out-of-memory', code: 137 }))
    assert.equal(link.closed, true)
    await assert.rejects(ask(link, 'c'), isFault('upstream.ended'))
    await assert.rejects(link.notify({ jsonrpc: '2.0', method: 'x' }), isFault('upstream.ended'))
    assert.equal(process.lines.length, 2)
  })

  it('says so when the process was ended for a line that was too long', async () => {
    const { link, process } = setUp()
    const done = ask(link, 'a')
    process.exit('line-too-long', null)
    await assert.rejects(done, isFault('upstream.too_large'))
  })

  it('stops the process once when it is closed', async () => {
    const { link, process } = setUp()
    const done = ask(link, 'a')
    const closing = link.close()
    await assert.rejects(done, isFault('upstream.ended'))
    await closing
    assert.equal(process.stopped, 1)
  })
})

describe('StdioLink and what belongs to no request', () => {
  const log = { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'secret of one' } }

  it('gives a log message to the only call in flight of the only owner', async () => {
    const { link, process, unsolicited } = setUp()
    const events = recorder()
    void ask(link, 'a', events).catch(() => {})
    process.emit(log)
    assert.deepEqual([events.notes.length, unsolicited.notes.length], [1, 0])
  })

  it('gives it to no call when there are two, or when the process has many owners', async () => {
    for (const [owner, calls] of [
      ['one', 2],
      ['many', 1],
      ['one', 0],
    ] as const) {
      const { link, process, unsolicited } = setUp({ owner })
      const events = recorder()
      for (let n = 0; n < calls; n++) void ask(link, `${n}`, events).catch(() => {})
      process.emit(log)
      assert.deepEqual([events.notes.length, unsolicited.notes.length], [0, 1])
    }
  })

  it('announces a changed list to nobody in particular', () => {
    const { link, process, unsolicited } = setUp()
    void ask(link, 'a').catch(() => {})
    process.emit({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    assert.equal(unsolicited.notes.length, 1)
  })
})

describe('StdioLink and questions of the upstream', () => {
  const question = { jsonrpc: '2.0', id: 'q1', method: 'elicitation/create', params: { message: '?' } }
  const yes = (): Response => ({ jsonrpc: '2.0', id: 'whatever', result: { action: 'accept' } })

  it('puts a question to the only call in flight and sends the answer with the id of the question', async () => {
    const { link, process } = setUp({}, 'legacy')
    const events = recorder(yes)
    void ask(link, 'a', events).catch(() => {})
    process.emit(question)
    await tick()
    assert.equal(events.asked.length, 1)
    assert.deepEqual(process.lines[1], { jsonrpc: '2.0', id: 'q1', result: { action: 'accept' } })
  })

  it('asks nobody among two calls', async () => {
    const { link, process, unsolicited } = setUp({}, 'legacy')
    const events = recorder(yes)
    for (const id of ['a', 'b']) void ask(link, id, events).catch(() => {})
    process.emit(question)
    await tick()
    assert.deepEqual([events.asked.length, unsolicited.asked.length], [0, 1])
    assert.equal(errorOf(process, 2)['message'], 'The upstream cannot do this.')
  })

  it('asks nobody at all for a modern upstream, which may not ask', async () => {
    const { link, process, unsolicited } = setUp({}, 'modern')
    const events = recorder(yes)
    void ask(link, 'a', events).catch(() => {})
    process.emit(question)
    await tick()
    assert.deepEqual([events.asked.length, unsolicited.asked.length], [0, 0])
    assert.equal(errorOf(process, 1)['code'], -32601)
  })

  it('answers ping itself', async () => {
    const { process } = setUp({}, 'legacy')
    process.emit({ jsonrpc: '2.0', id: 3, method: 'ping' })
    await tick()
    assert.deepEqual(process.lines, [{ jsonrpc: '2.0', id: 3, result: {} }])
  })

  it('withdraws a question when the upstream takes it back, and when its call ends', async () => {
    for (const back of [true, false]) {
      const { link, process } = setUp({}, 'legacy')
      const seen: Cancellation[] = []
      const events: LinkEvents = {
        notify() {},
        ask: (_request, withdrawn) => {
          seen.push(withdrawn as Cancellation)
          return new Promise((resolve) => withdrawn?.onCancel(() => resolve(yes())))
        },
      }
      const done = ask(link, 'a', events)
      process.emit(question)
      const gone = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'q1' } }
      process.emit(back ? gone : answer(idOf(process, 0)))
      await tick()
      assert.equal(seen[0]?.cancelled, true)
      assert.equal(process.lines.length, 1)
      if (!back) await done
    }
  })
})

describe('StdioLink with a hostile process', () => {
  it('ignores what is no message, an unknown id and a second response', async () => {
    const { link, process } = setUp()
    const done = ask(link, 'a')
    for (const noise of ['Server started', '', '[1]', 'null', '"x"']) process.emit(noise)
    process.emit(answer(77))
    process.emit(answer('1'))
    process.emit(answer(idOf(process, 0), { n: 1 }))
    process.emit(answer(idOf(process, 0), { n: 2 }))
    assert.deepEqual((await done)['result'], { n: 1 })
  })

  const broken = {
    'truncated JSON': '{"jsonrpc":"2.0","id":1,"res',
    'a repeated member': '{"jsonrpc":"2.0","id":1,"id":2,"result":{}}',
    'a forbidden member': '{"jsonrpc":"2.0","id":1,"result":{"__proto__":1}}',
    'no version': '{"id":1,"result":{}}',
    'neither result nor error': '{"jsonrpc":"2.0","id":1}',
    'a result that is no object': '{"jsonrpc":"2.0","id":1,"result":[]}',
    'broken UTF-8': Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":"\xff"}}', 'latin1'),
  }
  for (const [title, line] of Object.entries(broken)) {
    it(`fails the calls in flight on ${title}, and serves the next one`, async () => {
      const { link, process } = setUp()
      const done = ask(link, 'a')
      process.emit(line)
      await assert.rejects(done, isFault('upstream.malformed'))
      const next = ask(link, 'b')
      process.emit(answer(2))
      assert.equal((await next)['id'], 'b')
    })
  }
})

describe('a large message of a process', () => {
  const inTurns = (bytes: Buffer): unknown => readUpstream(bytes, { maxDepth: 64 })
  const large = (mark: string) => ({ mark, names: Object.fromEntries(range(20_000).map((i) => [`name${i}`, i])) })
  const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
  const note = (data: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } })

  class PausedProcess extends FakeProcess {
    readonly told: string[] = []
    pause(): void {
      this.told.push('pause')
    }
    resume(): void {
      this.told.push('resume')
    }
  }

  function paused() {
    const process = new PausedProcess()
    const bounds = { maxWaitingBytes: 4_000_000, maxWaitingMessages: 30 }
    const link = new StdioLink(process, { parse: inTurns, owner: 'one', unsolicited: recorder(), ...bounds })
    return { process, link }
  }

  it('is read while others run, and what follows it keeps its place', async () => {
    const { process, link } = paused()
    const events = recorder()
    const first = ask(link, 'first', events)
    const second = ask(link, 'second', events)
    const order: string[] = []
    void first.then(() => order.push('first'))
    second.catch(() => order.push('second'))
    let others = 0
    const count = (): void => void (others++, order.length === 0 && setImmediate(count))
    setImmediate(count)
    process.emit(answer(idOf(process, 0), large('a')))
    process.emit('{ broken')
    process.emit(answer(idOf(process, 1), {}))
    assert.deepEqual(process.told, ['pause'])
    assert.deepEqual((await first).result, large('a'))
    await assert.rejects(second, isFault('upstream.malformed'))
    assert.deepEqual(order, ['first', 'second'])
    assert.deepEqual(process.told, ['pause', 'resume'])
    assert(others >= 2, `${others}`)
  })

  it('comes before the notifications and the answers behind it, several in a row too', async () => {
    const { process, link } = paused()
    const heard: string[] = []
    const calls = range(3).map((n) =>
      ask(link, `c${n}`).then(({ result }) => heard.push(String((result as Params)['mark']))),
    )
    for (const n of range(3)) process.emit(answer(idOf(process, n), n === 1 ? { mark: 'small' } : large(`large ${n}`)))
    await Promise.all(calls)
    assert.deepEqual(heard, ['large 0', 'small', 'large 2'])
  })

  it('still answers its call when the process ends meanwhile; what never came does not', async () => {
    const { process, link } = paused()
    const answered = ask(link, 'answered')
    const unanswered = ask(link, 'unanswered')
    process.emit(answer(idOf(process, 0), large('last words')))
    process.exit('exited', 0)
    assert.equal(((await answered).result as Params)['mark'], 'last words')
    await assert.rejects(unanswered, isFault('upstream.ended'))
    assert.equal(link.closed, true)
  })

  it('goes nowhere when its call was given up meanwhile, and the next one works', async () => {
    const { process, link } = paused()
    const cancellation = new Cancellation()
    const given = ask(link, 'given up', recorder(), cancellation)
    process.emit(answer(idOf(process, 0), large('late')))
    cancellation.cancel('client-cancelled')
    await assert.rejects(given, isFault('upstream.ended'))
    const next = ask(link, 'next')
    process.emit(answer(idOf(process, 2), {}))
    assert.deepEqual((await next).result, {})
  })

  it('does not hold the link open after it was closed', async () => {
    const { process, link } = paused()
    const waiting = ask(link, 'waiting')
    process.emit(answer(idOf(process, 0), large('too late')))
    await Promise.all([link.close(), assert.rejects(waiting, isFault('upstream.ended'))])
    process.emit(note('nobody hears this'))
  })

  it('is written to the process in turns, unless its call is given up before', async () => {
    const { process, link } = paused()
    const sent = ask(link, 'large', recorder(), never(), { arguments: large('sent') })
    const cancellation = new Cancellation()
    const never1 = ask(link, 'given up', recorder(), cancellation, { arguments: large('never sent') })
    assert.equal(process.lines.length, 0)
    cancellation.cancel('client-cancelled')
    await assert.rejects(never1, isFault('upstream.ended'))
    while (!process.lines.some(({ method }) => method === 'tools/call')) await tick()
    for (let turns = 0; turns < 20; turns++) await tick()
    const calls = process.lines.filter(({ method }) => method === 'tools/call')
    assert.deepEqual(
      calls.map(({ params }) => ((params as Params)['arguments'] as Params)['mark']),
      ['sent'],
    )
    process.emit(answer(calls[0]?.['id']))
    assert.equal((await sent).id, 'large')
  })
})
