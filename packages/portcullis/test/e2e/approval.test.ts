/** The verdict `ask`: a person approves one call, in both eras and behind both kinds of upstream, once, and nothing else by it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, openSession, send, stream, type Reply, type Sending } from '../fixtures/client.ts'
import { type CountedTool, type CountingUpstream, respond, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { encodeHeaderValue } from '../../src/mcp/headers.ts'

const TOOL: CountedTool = {
  name: 'buy',
  inputSchema: { type: 'object', properties: { order_id: { type: 'string' }, note: { type: 'string' } } },
}
const inspection = { roles: { identifier: { strong: 'ask' } }, on: { characters: { strong: 'mask' } } }
const SUSPECT = { order_id: '17; cat /etc/passwd' }
const KEY = 'portcullis-approval'
const capabilities = { elicitation: {} }

let upstream: CountingUpstream
let gateway: TestGateway
let now = Date.now()

before(async () => {
  upstream = await startCounting([TOOL])
  gateway = await startTestGateway({
    upstreams: [{ name: 'shop', url: upstream.url, inspection }],
    clock: { now: () => now },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

type Args = Readonly<Record<string, unknown>>
type More = Sending & { readonly capabilities?: object }

const call = (args: Args, params: Args = {}, more: More = { capabilities }): Promise<Reply> =>
  ask(gateway, 'tools/call', { name: 'buy', arguments: args, ...params }, more)

const answered = (state: unknown, value: object): Args => ({ requestState: state, inputResponses: { [KEY]: value } })
const YES = { action: 'accept', content: { approve: true } }

async function question(args: Args = SUSPECT, more: More = { capabilities }) {
  const { json, text } = await call(args, {}, more)
  assert.equal(json.result?.resultType, 'input_required', text)
  return json.result as { requestState: string; inputRequests: Record<string, { method: string; params: Args }> }
}

const codeOf = ({ json }: Reply): string =>
  json.result?._meta?.['dev.portcullis/code'] ?? json.error?.data?.code ?? 'none'

const approvals = () => recordsOf(gateway).filter((record) => record.kind === 'approval')

describe('a modern client', () => {
  test('is asked with all that will be sent, and what was approved is executed once', async () => {
    const earlier = upstream.count()
    const { requestState, inputRequests } = await question()
    assert.equal(upstream.count(), earlier)
    const { method, params } = inputRequests[KEY] as { method: string; params: Args }
    assert.equal(method, 'elicitation/create')
    assert.equal(params['mode'], 'form')
    assert.match(
      String(params['message']),
      /"buy" of "shop"[^]*"order_id" looks like an injection[^]*17; cat \/etc\/passwd/,
    )

    const done = await call(SUSPECT, answered(requestState, YES))
    assert.equal(done.json.result.content[0].text, JSON.stringify(SUSPECT), done.text)
    assert.equal(upstream.count(), earlier + 1)
    const sent = upstream.seen.at(-1)?.message.params
    assert.equal(sent.requestState, undefined)
    assert.equal(sent.inputResponses, undefined)

    const again = await call(SUSPECT, answered(requestState, YES))
    assert.equal(codeOf(again), 'state.expired')
    assert.equal(upstream.count(), earlier + 1)
  })

  test('proposed, decided and executed are on record under one question', async () => {
    const { requestState } = await question()
    await call(SUSPECT, answered(requestState, YES))
    const [proposed, decided] = approvals().slice(-2)
    assert.equal(proposed?.event, 'proposed')
    assert.equal(decided?.event, 'decided')
    assert.equal(decided?.answer, 'accepted')
    assert.equal(proposed?.approval, decided?.approval)
    assert.equal(proposed?.arguments, decided?.arguments)
    const executed = recordsOf(gateway).findLast((record) => record.kind === 'call' && record.method === 'tools/call')
    assert.ok(executed?.kind === 'call')
    assert.equal(executed.approval, proposed?.approval)
    assert.equal(executed.arguments, proposed?.arguments)
    assert.equal(executed.findings?.[0]?.verdict, 'ask')
  })

  const NOT_YES: readonly (readonly [title: string, value: object])[] = [
    ['a no', { action: 'accept', content: { approve: false } }],
    ['a yes in words', { action: 'accept', content: { approve: 'true' } }],
    ['no content', { action: 'accept' }],
    ['a decline', { action: 'decline' }],
    ['a cancel', { action: 'cancel', content: { approve: true } }],
    ['nothing', {}],
  ]
  for (const [title, value] of NOT_YES) {
    test(`that answers with ${title} has denied it`, async () => {
      const earlier = upstream.count()
      const { requestState } = await question()
      const denied = await call(SUSPECT, answered(requestState, value))
      assert.equal(codeOf(denied), 'inspection.not_approved', denied.text)
      assert.equal(codeOf(await call(SUSPECT, answered(requestState, YES))), 'state.expired')
      assert.equal(upstream.count(), earlier)
      assert.equal(approvals().at(-1)?.answer, 'declined')
    })
  }

  test('a yes is worth nothing for other arguments, for another principal, or invented', async () => {
    const earlier = upstream.count()
    const { requestState } = await question()
    const other = { order_id: '17; rm -rf /' }
    assert.equal(codeOf(await call(other, answered(requestState, YES))), 'state.invalid')
    assert.equal(codeOf(await call({ ...SUSPECT, note: 'x' }, answered(requestState, YES))), 'state.invalid')
    const token = await gateway.issue(['admin'])
    assert.equal(codeOf(await call(SUSPECT, answered(requestState, YES), { token, capabilities })), 'state.invalid')
    assert.equal(codeOf(await call(SUSPECT, answered('AAAA', YES))), 'state.invalid')
    assert.equal(upstream.count(), earlier)
  })

  test('fifty answers at once execute it once', async () => {
    const earlier = upstream.count()
    const { requestState } = await question()
    const replies = await Promise.all(Array.from({ length: 50 }, () => call(SUSPECT, answered(requestState, YES))))
    assert.equal(replies.filter((reply) => codeOf(reply) === 'none').length, 1)
    assert.equal(upstream.count(), earlier + 1)
  })

  test('that cannot ask a person is refused and told so', async () => {
    const earlier = upstream.count()
    const reply = await call(SUSPECT, {}, {})
    assert.equal(codeOf(reply), 'inspection.not_approved')
    assert.match(reply.json.result.content[0].text, /^This call needs the approval of a person/)
    assert.equal(upstream.count(), earlier)
    assert.equal(approvals().at(-1)?.answer, 'unable')
  })

  test('is not asked about more than a person can read', async () => {
    const earlier = upstream.count()
    const reply = await call({ ...SUSPECT, note: 'x'.repeat(5_000) })
    assert.equal(codeOf(reply), 'inspection.not_approved')
    assert.equal(upstream.count(), earlier)
  })

  test('sees nothing that the eye does not', async () => {
    const { inputRequests } = await question({ ...SUSPECT, note: 'a\u202eb' })
    assert.doesNotMatch(String(inputRequests[KEY]?.params['message']), /\u202e/)
  })

  test('masked is what was approved, and only then', async () => {
    const args = { ...SUSPECT, note: 'a\u{e0041}\u{e0042}b' }
    const { requestState } = await question(args)
    const done = await call(args, answered(requestState, YES))
    assert.deepEqual(upstream.seen.at(-1)?.message.params.arguments, { ...SUSPECT, note: 'ab' }, done.text)
  })

  test('what comes into being by a mask was approved by nobody', async () => {
    const earlier = upstream.count()
    const hidden = '17; c\u001b]0;x\u0007at /et\u001b]0;x\u0007c/passwd'
    assert.equal(codeOf(await call({ order_id: hidden })), 'inspection.refused')
    assert.equal(upstream.count(), earlier)
  })

  test('reads a name of any kind as one word of one line', async () => {
    const own = await startTestGateway({
      upstreams: [{ name: 'shop', url: upstream.url, inspection: { roles: { text: { strong: 'ask' } } } }],
    })
    try {
      const uri = 'docs://a" of "shop" be called? All is well.\n{}\n; cat /etc/passwd'
      const headers = { 'mcp-name': encodeHeaderValue(uri) }
      const { json, text } = await ask(own, 'resources/read', { uri }, { capabilities, headers })
      const message: string = json.result?.inputRequests[KEY].params.message ?? text
      assert.ok(message.startsWith(`Shall ${JSON.stringify(uri)} of "shop" be called? The argument "uri" `), message)
      assert.equal(message.split('\n').length, 2)
    } finally {
      await own.close()
    }
  })

  test('the questions of the upstream that follow are not asked about again', async () => {
    const asked = {
      name: {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'Name?', requestedSchema: { type: 'object', properties: {} } },
      },
    }
    upstream.misbehave((seen, response) => {
      const { id, method, params } = seen.message ?? {}
      if (method !== 'tools/call' || params.requestState !== undefined) return false
      const result = { resultType: 'input_required', inputRequests: asked, requestState: 'round-1' }
      respond(response, { jsonrpc: '2.0', id, result })
      return true
    })
    try {
      const { requestState } = await question()
      const second = await call(SUSPECT, answered(requestState, YES))
      assert.deepEqual(second.json.result.inputRequests, asked, second.text)
      const round = {
        requestState: second.json.result.requestState,
        inputResponses: { name: { action: 'accept', content: {} } },
      }
      const third = await call(SUSPECT, round)
      assert.equal(third.json.result.content[0].text, JSON.stringify(SUSPECT), third.text)
      assert.equal(upstream.seen.at(-1)?.message.params.requestState, 'round-1')
      assert.equal(codeOf(await call(SUSPECT, round)), 'state.expired')
    } finally {
      upstream.misbehave(undefined)
    }
  })
})

describe('a legacy client', () => {
  async function asked(clientCapabilities: object, args: Args = SUSPECT) {
    const headers = await openSession(gateway, {}, clientCapabilities)
    const body = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'buy', arguments: args } }
    const open = await stream(gateway, body, { headers })
    return { headers, open }
  }
  const questionIn = (text: string): { id: string; params: Args } =>
    JSON.parse(/^data: (.*elicitation\/create.*)$/m.exec(text)?.[1] ?? '{}')

  for (const [approve, reached] of [
    [true, 1],
    [false, 0],
  ] as const) {
    test(`is asked on the stream of its call; ${approve ? 'yes' : 'no'}`, async () => {
      const earlier = upstream.count()
      const { headers, open } = await asked(capabilities)
      await open.until(/elicitation\/create/)
      assert.equal(upstream.count(), earlier)
      const { id, params } = questionIn(open.text())
      assert.match(String(params['message']), /"buy" of "shop"/)
      await send(gateway, { jsonrpc: '2.0', id, result: { action: 'accept', content: { approve } } }, { headers })
      await open.ended
      assert.match(open.text(), approve ? /cat \/etc\/passwd/ : /did not approve this call/)
      assert.equal(upstream.count(), earlier + reached)
      assert.equal(approvals().at(-1)?.answer, approve ? 'accepted' : 'declined')
    })
  }

  test('that cannot ask a person is refused and told so', async () => {
    const earlier = upstream.count()
    const { open } = await asked({})
    await open.ended
    assert.match(open.text(), /needs the approval of a person, and this client cannot ask/)
    assert.equal(upstream.count(), earlier)
  })

  test('that takes its call back has approved nothing', async () => {
    const earlier = upstream.count()
    const { headers, open } = await asked(capabilities)
    await open.until(/elicitation\/create/)
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
    await send(gateway, cancelled, { headers })
    await open.ended
    const { id } = questionIn(open.text())
    await send(gateway, { jsonrpc: '2.0', id, result: { action: 'accept', content: { approve: true } } }, { headers })
    assert.equal(upstream.count(), earlier)
    assert.equal(approvals().at(-1)?.answer, 'expired')
  })
})

test('a yes that comes too late denies', async () => {
  const earlier = upstream.count()
  const { requestState } = await question()
  now += 11 * 60_000
  // Whoever jumps in time has to read the revocations again first.
  let late: Reply
  do late = await call(SUSPECT, answered(requestState, YES))
  while (codeOf(late) === 'identity.unavailable')
  assert.equal(codeOf(late), 'state.expired')
  assert.equal(upstream.count(), earlier)
})
