/** DP-2: answers to questions fit their forms after they were masked, also where they waited for an approval; addresses get their tokens back. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { encodeHeaderValue } from '../../src/mcp/headers.ts'
import { type AskingUpstream, startAsking } from '../fixtures/asking-upstream.ts'
import { ask, type Reply } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type ScriptedUpstream, startScripted } from '../fixtures/scripted-upstream.ts'

const MAIL = 'jane.roe@mail.example.org'
const HIDDEN = '••••.•••@••••.•••••••.org'
const PLAIN = 'xxxx.xxx@xxxx.xxxxxxx.xxx'
const string = { type: 'string' } as const
const TOOLS = [
  {
    name: 'say',
    description: 'Says.',
    inputSchema: { type: 'object', properties: { order_id: string, text: string } },
  },
]
const UPWARD = { arguments: { secrets: 'remove', personal: 'mask' } }
const capabilities = { elicitation: {} }
const APPROVAL = 'portcullis-approval'
const YES = { [APPROVAL]: { action: 'accept', content: { approve: true } } }

let upstream: ScriptedUpstream
let asking: AskingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startScripted('modern', TOOLS)
  asking = await startAsking()
  const http = (url: string) => ({ url, plaintext: 'loopback-only' })
  const asks = { roles: { identifier: { strong: 'ask' }, text: { strong: 'ask' } } }
  gateway = await startTestGateway({
    upstreams: [],
    policy: 'permit (principal, action, resource);',
    config: {
      // Whoever touches it has a person asked about each call from then on.
      anomalies: {
        canaries: ['desk/get_admin_password'],
        answers: { low: 'note', medium: 'alert', high: 'alert', critical: 'ask' },
      },
      upstreams: {
        desk: { trust: 'trusted', http: http(upstream.url), masking: UPWARD, inspection: asks },
        old: { trust: 'trusted', http: http(asking.url), era: 'legacy', masking: UPWARD, inspection: asks },
        pages: { trust: 'trusted', http: http(upstream.url), masking: { results: { personal: 'tokenise' } } },
      },
    },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await asking.close()
})

type Params = Readonly<Record<string, unknown>>
const codeOf = ({ json, text }: Reply): string =>
  json?.error?.data?.code ?? json?.result?._meta?.['dev.portcullis/code'] ?? text
const call = (at: string, name: string, args: Params, more: Params = {}, token = gateway.token) =>
  ask(gateway, 'tools/call', { name, arguments: args, ...more }, { url: gateway.endpoint(at), capabilities, token })
const last = (method: string) => upstream.messages.findLast((one) => one.method === method)?.params
const count = (method: string) => upstream.messages.filter((one) => one.method === method).length
const form = (properties: object, requestState?: string) => ({
  result: {
    resultType: 'input_required',
    inputRequests: {
      who: {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'Who?', requestedSchema: { type: 'object', properties, required: ['mail'] } },
      },
    },
    ...(requestState !== undefined && { requestState }),
  },
})
const DONE = { result: { content: [{ type: 'text', text: 'done' }] } }
const answer = (content: object) => ({ who: { action: 'accept', content } })

describe('a masked answer is held against the form that was asked', () => {
  async function answered(properties: object, content: object, state?: string): Promise<Reply> {
    upstream.answer(form(properties, state))
    const { json, text } = await call('desk', 'say', {})
    const { requestState } = json.result ?? assert.fail(text)
    assert.equal(typeof requestState, 'string', text)
    upstream.answer(DONE)
    return call('desk', 'say', {}, { requestState, inputResponses: answer(content) })
  }

  for (const state of ['round-1', undefined])
    test(`and goes in plain characters where the mask leaves it, ${state === undefined ? 'without' : 'with'} a state of the upstream`, async () => {
      const done = await answered({ mail: { ...string, format: 'email' } }, { mail: MAIL }, state)
      assert.equal(done.json.result?.content[0].text, 'done', done.text)
      const { inputResponses, requestState } = last('tools/call') ?? {}
      assert.deepEqual(inputResponses, answer({ mail: PLAIN }))
      assert.equal(requestState, state)
    })

  test('stays as it is masked where that fits', async () => {
    await answered({ mail: string }, { mail: MAIL }, 'round-1')
    assert.deepEqual(last('tools/call')?.['inputResponses'], answer({ mail: HIDDEN }))
  })

  test('is refused where no mask fits, and the upstream hears nothing', async () => {
    const refused = await answered({ mail: { ...string, enum: [MAIL] } }, { mail: MAIL }, 'round-1')
    assert.equal(codeOf(refused), 'masking.arguments_refused')
    assert.doesNotMatch(refused.text, /jane/)
    assert.equal(last('tools/call')?.['inputResponses'], undefined)
  })

  test('is the business of the upstream where nothing was masked', async () => {
    await answered({ mail: { ...string, enum: ['a'] } }, { mail: 'b' }, 'round-1')
    assert.deepEqual(last('tools/call')?.['inputResponses'], answer({ mail: 'b' }))
  })
})

describe('an answer that was sealed while a person was asked', () => {
  const SUSPECT = { order_id: '17; cat /etc/passwd' }

  test('is masked when it goes on, once', async () => {
    upstream.answer(DONE)
    const earlier = count('tools/call')
    const asked = await call('desk', 'say', SUSPECT, { inputResponses: answer({ mail: MAIL, password: 'hunter2' }) })
    const { requestState, inputRequests } = asked.json.result ?? assert.fail(asked.text)
    assert(inputRequests[APPROVAL], asked.text)
    assert.doesNotMatch(Buffer.from(requestState, 'base64url').toString('latin1'), /jane|hunter2/)
    assert.equal(count('tools/call'), earlier)
    const done = await call('desk', 'say', SUSPECT, { requestState, inputResponses: YES })
    assert.equal(done.json.result?.content[0].text, 'done', done.text)
    assert.deepEqual(last('tools/call')?.['inputResponses'], answer({ mail: HIDDEN, password: '[secret removed]' }))
    assert.equal(last('tools/call')?.['requestState'], undefined)
    assert.equal(count('tools/call'), earlier + 1)
  })

  test('fits the form of the upstream that asked before', async () => {
    const token = await gateway.issue(['user'])
    upstream.answer(form({ mail: { ...string, format: 'email' }, note: string }, 'round-1'))
    const first = await call('desk', 'say', {}, {}, token)
    const { requestState } = first.json.result ?? assert.fail(first.text)
    await call('desk', 'get_admin_password', {}, {}, token)
    const inputResponses = answer({ mail: MAIL, note: `of ${MAIL}` })
    const second = await call('desk', 'say', {}, { requestState, inputResponses }, token)
    assert(second.json.result?.inputRequests?.[APPROVAL], second.text)
    upstream.answer(DONE)
    const more = { requestState: second.json.result.requestState, inputResponses: YES }
    const third = await call('desk', 'say', {}, more, token)
    assert.equal(third.json.result?.content[0].text, 'done', third.text)
    const { inputResponses: came, requestState: state } = last('tools/call') ?? {}
    assert.deepEqual([came, state], [answer({ mail: PLAIN, note: `of ${PLAIN}` }), 'round-1'])
  })

  test('reaches the call of a server of 2025 that waits for it, which is not made anew', {
    timeout: 20_000,
  }, async () => {
    const token = await gateway.issue(['user'])
    const first = await call('old', 'ask', {}, {}, token)
    const { requestState, inputRequests } = first.json.result ?? assert.fail(first.text)
    const [key = ''] = Object.keys(inputRequests)
    assert.equal(asking.waiting, 1)
    await call('desk', 'get_admin_password', {}, {}, token)
    const inputResponses = { [key]: { action: 'accept', content: { name: `${MAIL}, Bath` } } }
    const second = await call('old', 'ask', {}, { requestState, inputResponses }, token)
    assert(second.json.result?.inputRequests?.[APPROVAL], second.text)
    assert.deepEqual(asking.answers, [])
    const more = { requestState: second.json.result.requestState, inputResponses: YES }
    const third = await call('old', 'ask', {}, more, token)
    assert.equal(third.json.result?.content[0].text, 'accept', third.text)
    assert.deepEqual(asking.answers, [{ action: 'accept', content: { name: `${HIDDEN}, Bath` } }])
    assert.equal(asking.waiting, 0)
  })
})

describe('a token in an address', () => {
  const read = (uri: string, token?: string) =>
    ask(
      gateway,
      'resources/read',
      { uri },
      {
        url: gateway.endpoint('pages'),
        headers: { 'mcp-name': encodeHeaderValue(uri) },
        ...(token !== undefined && { token }),
      },
    )
  async function address(): Promise<string> {
    upstream.answer({ result: { content: [{ type: 'resource_link', uri: `test://pages/${MAIL}`, name: 'her' }] } })
    const { json, text } = await ask(
      gateway,
      'tools/call',
      { name: 'say', arguments: {} },
      { url: gateway.endpoint('pages') },
    )
    const uri = json.result?.content[0].uri ?? assert.fail(text)
    assert.match(uri, /^test:\/\/pages\/«email:1\.[\w-]+»$/)
    return uri
  }

  test('becomes what it stands for, however it is written, and a token again on the way back', async () => {
    const uri = await address()
    upstream.answer({ result: { contents: [{ uri: `test://pages/${MAIL}`, text: 'hers' }] } })
    for (const written of [uri, encodeURI(uri)]) {
      const { json, text } = await read(written)
      assert.deepEqual(json.result?.contents, [{ uri, text: 'hers' }], text)
      assert.equal(last('resources/read')?.['uri'], `test://pages/${MAIL}`)
    }
  })

  test('of somebody else is refused before the upstream hears of it', async () => {
    const uri = await address()
    const earlier = count('resources/read')
    const refused = await read(uri, await gateway.issue(['admin']))
    assert.equal(codeOf(refused), 'masking.token_refused')
    assert.equal(count('resources/read'), earlier)
  })
})
