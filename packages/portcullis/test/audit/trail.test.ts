import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Answer, Exchange } from '../../src/core/exchange.ts'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import { Pipeline } from '../../src/core/pipeline.ts'
import { Secret } from '../../src/core/secret.ts'
import { auditIntent, type Intended, type Recorded } from '../../src/audit/intent.ts'
import type { Ledger } from '../../src/audit/ledger.ts'
import type { RecordBody } from '../../src/audit/record.ts'
import { auditTrail } from '../../src/audit/trail.ts'
import { answerOf, clock, knownFacts, newExchange } from './fixtures.ts'

/** A ledger whose commits the test ends by itself. */
function newLedger() {
  const appended: Array<{ tenant: string; body: RecordBody }> = []
  const commits: Array<{ done: () => void; fail: (error: Error) => void }> = []
  const ledger: Ledger & { whole: boolean; held: boolean } = {
    whole: true,
    held: false,
    intact: () => ledger.whole,
    append(tenant, body) {
      if (!ledger.whole) return Promise.reject(new Fault('audit.unavailable'))
      appended.push({ tenant, body })
      if (!ledger.held) return Promise.resolve()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      promise.catch(() => undefined)
      commits.push({ done: resolve, fail: reject })
      return promise
    },
  }
  const logged: unknown[] = []
  const log = { error: (message: string, facts?: object) => void logged.push([message, facts]) }
  const bodies = () => appended.map(({ body }) => body)
  return { ledger, appended, bodies, commits, logged, trail: auditTrail({ ledger, clock, answerOf, log }) }
}

const RESULT: Answer = { status: 200, message: { jsonrpc: '2.0', id: 1, result: { content: ['the answer'] } } }
type Handler = (exchange: Intended & Recorded) => Promise<Answer>

/** Trail, facts, intent, upstream: the order of the gateway. */
function gateway(parts: ReturnType<typeof newLedger>, handler: Handler, options: { facts?: object } = {}) {
  const { facts = knownFacts } = options
  return Pipeline.from<Exchange>()
    .wrap(parts.trail)
    .check({ name: 'test.facts', check: () => facts as unknown as Omit<Intended, keyof Exchange> })
    .check(auditIntent({ ledger: parts.ledger }))
    .to(handler)
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a call has its record before the upstream and its outcome after it', async () => {
  const parts = newLedger()
  const answer = await gateway(parts, async () => {
    assert.deepEqual(
      parts.bodies().map(({ kind }) => kind),
      ['call'],
    )
    return RESULT
  })(newExchange())
  assert.equal(answer, RESULT)
  assert.deepEqual(
    parts.appended.map(({ tenant, body }) => [tenant, body.kind]),
    [
      ['acme', 'call'],
      ['acme', 'outcome'],
    ],
  )
  assert.deepEqual(parts.bodies()[1], {
    kind: 'outcome',
    incident: 'incident-1',
    outcome: 'answered',
    status: 200,
    durationMs: 5,
  })
})

test('the call record names who, what and why, and no arguments', async () => {
  const parts = newLedger()
  await gateway(parts, async () => RESULT)(newExchange())
  assert.partialDeepStrictEqual(parts.bodies()[0], {
    kind: 'call',
    principal: 'key:ab',
    credential: { kind: 'api-key', id: 'ab' },
    address: '192.0.2.7',
    upstream: 'files',
    method: 'tools/call',
    target: { kind: 'tool', name: 'read' },
    decision: knownFacts.decision,
  })
  assert.equal(JSON.stringify(parts.bodies()).includes('/secret'), false)
})

test('the answer waits until both records are durable', async () => {
  const parts = newLedger()
  parts.ledger.held = true
  let answered = false
  const answer = gateway(
    parts,
    async () => RESULT,
  )(newExchange()).finally(() => {
    answered = true
  })
  await turn()
  assert.equal(parts.commits.length, 2)
  parts.commits[1]?.done()
  await turn()
  assert.equal(answered, false)
  parts.commits[0]?.done()
  assert.equal(await answer, RESULT)
})

for (const [title, which] of [
  ['call', 0],
  ['outcome', 1],
] as const) {
  test(`when the ${title} record is lost, nothing of the answer leaves`, async () => {
    const parts = newLedger()
    parts.ledger.held = true
    const answer = gateway(parts, async () => RESULT)(newExchange())
    await turn()
    parts.commits[which]?.fail(new Error('disk'))
    parts.commits[1 - which]?.done()
    assert.equal((await answer).status, 503)
    assert.equal(JSON.stringify(await answer).includes('the answer'), false)
  })
}

test('a broken trail keeps the upstream from being reached', async () => {
  const parts = newLedger()
  parts.ledger.whole = false
  let reached = false
  const answer = await gateway(parts, async () => {
    reached = true
    return RESULT
  })(newExchange())
  assert.deepEqual([answer.status, reached], [503, false])
})

test('a request refused before anything is known is one record of the gateway', async () => {
  const parts = newLedger()
  const refuse = async () => {
    throw new Fault('identity.unknown_key', { id: 'k9' })
  }
  const answer = await parts.trail.wrap(newExchange(), refuse)
  assert.equal(answer.status, 401)
  assert.deepEqual(JSON.parse(JSON.stringify(parts.appended)), [
    {
      tenant: '@gateway',
      body: {
        kind: 'refusal',
        incident: 'incident-1',
        code: 'identity.unknown_key',
        status: 401,
        durationMs: 5,
        address: '192.0.2.7',
        http: { method: 'POST', path: '/files' },
        detail: { id: 'k9' },
      },
    },
  ])
})

test('a refusal that cannot be recorded is told as that, not as what it was', async () => {
  const parts = newLedger()
  parts.ledger.whole = false
  const answer = await parts.trail.wrap(newExchange(), async () => {
    throw new Fault('policy.denied')
  })
  assert.equal(answer.status, 503)
})

test('a denied call is one refusal with all that was known', async () => {
  const parts = newLedger()
  const facts = { ...knownFacts, decision: { effect: 'deny', policies: ['p9'], revision: 'r1' } }
  await parts.trail.wrap(newExchange(facts), async () => {
    throw new Fault('policy.denied')
  })
  assert.equal(parts.appended.length, 1)
  assert.partialDeepStrictEqual(parts.appended[0], {
    tenant: 'acme',
    body: {
      kind: 'refusal',
      code: 'policy.denied',
      principal: 'key:ab',
      decision: facts.decision,
      method: 'tools/call',
    },
  })
})

const ENDINGS: ReadonlyArray<readonly [code: FaultCode, reason: 'client-left' | undefined, outcome: string]> = [
  ['upstream.malformed', undefined, 'failed'],
  ['limits.deadline', undefined, 'failed'],
  ['internal', undefined, 'failed'],
  ['limits.concurrency', undefined, 'refused'],
  ['upstream.ended', 'client-left', 'cancelled'],
]

for (const [code, reason, outcome] of ENDINGS) {
  test(`a call that ends with ${code}${reason ? ' because its client left' : ''} is ${outcome}`, async () => {
    const parts = newLedger()
    const cancellation = new Cancellation()
    if (reason) cancellation.cancel(reason)
    await gateway(parts, () => Promise.reject(new Fault(code)), { facts: { ...knownFacts, cancellation } })(
      newExchange(),
    )
    assert.partialDeepStrictEqual(parts.bodies()[1], { kind: 'outcome', outcome, code, isError: true })
  })
}

test('our own mistakes are told to the log with the incident, and to nobody else', async () => {
  const parts = newLedger()
  const mistake = new TypeError('x of undefined in /srv/app')
  const answer = await gateway(parts, () => Promise.reject(mistake))(newExchange())
  assert.equal(answer.status, 500)
  assert.equal(JSON.stringify([answer, parts.bodies()]).includes('/srv/app'), false)
  assert.deepEqual(parts.logged, [['internal error', { incident: 'incident-1', error: mistake }]])
})

test('a tool result with isError is marked', async () => {
  const parts = newLedger()
  const message = { jsonrpc: '2.0', id: 1, result: { isError: true, content: [] } } as const
  await gateway(parts, async () => ({ status: 200, message }))(newExchange())
  assert.partialDeepStrictEqual(parts.bodies()[1], { outcome: 'answered', isError: true })
})

test('what the gateway answers by itself has both records too', async () => {
  const parts = newLedger()
  await parts.trail.wrap(newExchange(knownFacts), async () => ({ status: 202 }))
  assert.deepEqual(
    parts.bodies().map(({ kind }) => kind),
    ['call', 'outcome'],
  )
})

test('secrets that slipped into a detail do not reach the record', async () => {
  const parts = newLedger()
  const detail = { token: 'abc123', key: new Secret('hidden'), note: 'Bearer abcdefghijkl', big: 1n }
  await parts.trail.wrap(newExchange(), async () => {
    throw new Fault('identity.malformed', detail)
  })
  assert.deepEqual(
    { ...(parts.bodies()[0] as { detail: object }).detail },
    { token: '[redacted]', key: '[secret]', note: '[redacted]', big: '1' },
  )
})

test('names of any length are cut in the record', async () => {
  const parts = newLedger()
  const exchange = newExchange({
    ...knownFacts,
    head: { method: 'POST', path: `/${'x'.repeat(9000)}`, query: '', headers: {} },
  })
  await parts.trail.wrap(exchange, async () => {
    throw new Fault('transport.not_found', { sent: 'y'.repeat(4000), more: 'z'.repeat(4000) })
  })
  const text = JSON.stringify(parts.bodies())
  assert.ok(text.length < 2000)
  assert.match(text, /"omitted":"\d+ characters"/)
})

test('messages that precede the answer wait for the call record, in their order', async () => {
  const parts = newLedger()
  parts.ledger.held = true
  const exchange = newExchange()
  const message = (method: string) => ({ jsonrpc: '2.0', method }) as const
  const answer = gateway(parts, async ({ outlet }) => {
    outlet.open()
    const first = outlet.send(message('one'))
    void outlet.send(message('two'))
    assert.deepEqual(exchange.sent, [])
    parts.commits[0]?.done()
    await first
    void outlet.send(message('three'))
    await turn()
    assert.equal(outlet.send(message('four')), undefined)
    return RESULT
  })(exchange)
  while (parts.commits.length < 2) await turn()
  assert.deepEqual(exchange.sent, ['open', message('one'), message('two'), message('three'), message('four')])
  parts.commits[1]?.done()
  await answer
  assert.partialDeepStrictEqual(parts.bodies()[1], { streamed: 4 })
})

test('when the call record is lost, no message leaves', async () => {
  const parts = newLedger()
  parts.ledger.held = true
  const exchange = newExchange()
  const answer = gateway(parts, async ({ outlet }) => {
    outlet.open()
    const sending = outlet.send({ jsonrpc: '2.0', method: 'leak' })
    parts.commits[0]?.fail(new Fault('audit.unavailable'))
    await sending
    return RESULT
  })(exchange)
  await turn()
  parts.commits[1]?.done()
  assert.equal((await answer).status, 503)
  assert.deepEqual(exchange.sent, [])
})
