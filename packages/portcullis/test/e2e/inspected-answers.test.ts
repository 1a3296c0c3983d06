/** IN-3: what a client sends beside the arguments of a call — answers, headers, `_meta`, URIs — is inspected before it goes on. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, openSession, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, respond, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { encodeHeaderValue } from '../../src/mcp/headers.ts'

const TOOL = {
  name: 'greet',
  inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
}
const ATTACK = '17; cat /etc/passwd'
const QUESTION = {
  name: {
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Name?', requestedSchema: { type: 'object', properties: { name: {} } } },
  },
}

type Params = Readonly<Record<string, unknown>>

let upstream: CountingUpstream
/** With nothing configured. */
let plain: TestGateway
/** By verdict about strong findings in text. */
const gateways = new Map<string, TestGateway>()

before(async () => {
  upstream = await startCounting([TOOL])
  plain = await startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url }] })
  for (const strong of ['refuse', 'ask', 'mask'] as const) {
    const inspection = { roles: { text: { strong } } }
    gateways.set(strong, await startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url, inspection }] }))
  }
  // Asks for a name, and ends with the answer.
  upstream.misbehave(({ message }, response) => {
    const { id, method, params } = message ?? {}
    if (method !== 'tools/call' || params.requestState !== undefined || params.arguments?.region !== undefined)
      return false
    respond(response, {
      jsonrpc: '2.0',
      id,
      result: { resultType: 'input_required', inputRequests: QUESTION, requestState: 'round-1' },
    })
    return true
  })
})
after(async () => {
  await plain.close()
  for (const gateway of gateways.values()) await gateway.close()
  await upstream.close()
})

const answerOf = (name: string) => ({ action: 'accept', content: { name } })
const capabilities = { elicitation: {} }
const call = (gateway: TestGateway, params: Params, headers = {}) =>
  ask(gateway, 'tools/call', { name: 'greet', arguments: {}, ...params }, { capabilities, headers })
const isCall = { name: 'greet', arguments: { region: 'north' } }
const region = { 'mcp-param-region': 'north' }

describe('what a modern client answers', () => {
  for (const verdict of ['refuse', 'ask', 'mask'])
    test(`${verdict}: an attack in it does not reach the upstream, and an honest answer does`, async () => {
      const gateway = gateways.get(verdict) as TestGateway
      const { json } = await call(gateway, {})
      const { requestState } = json.result
      const earlier = upstream.count()
      const refused = await call(gateway, { requestState, inputResponses: { name: answerOf(ATTACK) } })
      assert.match(refused.text, /\/inputResponses\/name\/content\/name\\" looks like an injection and was refused/)
      assert.equal(upstream.count(), earlier)
      const record = recordsOf(gateway).findLast(({ kind }) => kind === 'refusal')
      assert.ok(record?.kind === 'refusal' && record.code === 'inspection.refused')
      assert.equal((record.findings as readonly { at: string }[])[0]?.at, '/inputResponses/name/content/name')

      const passed = await call(gateway, { requestState, inputResponses: { name: answerOf('Ann') } })
      assert.equal(passed.json.result.resultType, 'complete', passed.text)
      assert.deepEqual(upstream.seen.at(-1)?.message.params.inputResponses, { name: answerOf('Ann') })
    })
})

test('what a legacy client answers reaches the upstream only when it is honest', async () => {
  const gateway = gateways.get('refuse') as TestGateway
  const headers = await openSession(gateway, {}, capabilities)
  const params = { name: 'greet', arguments: {} }
  const open = await stream(gateway, { jsonrpc: '2.0', id: 7, method: 'tools/call', params }, { headers })
  await open.until(/elicitation\/create/)
  const { id } = JSON.parse(/^data: (.*elicitation\/create.*)$/m.exec(open.text())?.[1] ?? '{}')
  const earlier = upstream.count()
  const refused = await send(gateway, { jsonrpc: '2.0', id, result: answerOf(ATTACK) }, { headers })
  assert.match(refused.text, /\/result\/content\/name\\" looks like an injection/)
  assert.equal(upstream.count(), earlier)
  assert.equal((await send(gateway, { jsonrpc: '2.0', id, result: answerOf('Ann') }, { headers })).status, 202)
  await open.ended
  assert.equal(upstream.count(), earlier + 1)
  assert.deepEqual(upstream.seen.at(-1)?.message.params.inputResponses, { name: answerOf('Ann') })
})

describe('an `Mcp-Param-*` header that the tool does not declare', () => {
  for (const value of [ATTACK, encodeHeaderValue(`${ATTACK}\n`)])
    test(`with an attack does not reach the upstream: ${value}`, async () => {
      const earlier = upstream.count()
      const { text } = await call(plain, isCall, { ...region, 'mcp-param-other': value })
      assert.match(text, /looks like an injection and was refused/)
      assert.equal(upstream.count(), earlier)
    })

  test('goes on when it is honest', async () => {
    const { json, text } = await call(plain, isCall, { ...region, 'mcp-param-other': 'blue' })
    assert.equal(json.result.resultType, 'complete', text)
    assert.equal(upstream.seen.at(-1)?.headers['mcp-param-other'], 'blue')
    assert.equal(upstream.seen.at(-1)?.headers['mcp-param-region'], 'north')
  })
})

test('members of `_meta` that are not of the envelope are text', async () => {
  const gateway = gateways.get('refuse') as TestGateway
  const headers = await openSession(gateway)
  const earlier = upstream.count()
  const body = (note: string) => ({
    ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
    params: { ...isCall, _meta: { 'com.example/note': note } },
  })
  const refused = await send(gateway, body(ATTACK), { headers })
  assert.match(refused.text, /\/_meta\/com.example~1note\\" looks like an injection/)
  assert.equal(upstream.count(), earlier)
  const passed = await send(gateway, body('blue'), { headers })
  assert.equal(passed.json.result.isError, undefined, passed.text)
  assert.equal(upstream.count(), earlier + 1)
})

describe('a resource', () => {
  for (const uri of ['test://a/../../etc/passwd', 'test://a/%2e%2e/%2e%2e/etc/passwd', 'file:///a/..%2f..%2fb'])
    test(`whose URI climbs is not asked for: ${uri}`, async () => {
      const earlier = upstream.count('resources/read')
      const { json, text } = await ask(plain, 'resources/read', { uri })
      assert.equal(json.error?.data?.code, 'inspection.refused', text)
      assert.equal(upstream.count('resources/read'), earlier)
    })
  test('of an ordinary URI is', async () => {
    const earlier = upstream.count('resources/read')
    await ask(plain, 'resources/read', { uri: 'file:///home/ann/a..b.txt' })
    assert.equal(upstream.count('resources/read'), earlier + 1)
  })
})
