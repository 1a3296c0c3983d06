/** CO-4: answers, streams and upstreams that sign, through the running gateway. What is refused is in `attacks/signatures`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
// @ts-expect-error -- plain JavaScript, as its readers will use it
import { checkAnswer, checkMessage, wanted } from '../../../../examples/signing-client/signatures.mjs'
import { answerSeal } from '../../src/signatures/answer-seal.ts'
import type { HttpView } from '../../src/signatures/http-view.ts'
import { readSignatures, signatureBase } from '../../src/signatures/signature-input.ts'
import { isSignatureOf } from '../../src/signatures/algorithms.ts'
import { callTool, type Reply, send } from '../fixtures/client.ts'
import type { SeenRequest } from '../fixtures/counting-upstream.ts'
import { type SigningGateway, startSigning } from '../fixtures/signing-gateway.ts'

const NONCE = 'a nonce of the caller'

/** Throws for an answer that is not the one to what was prepared. */
function check(
  running: SigningGateway,
  reply: Reply,
  prepared: ReturnType<SigningGateway['prepare']>,
  more: object = {},
): void {
  const key = { keyId: 'gateway', publicKey: running.keys.gateway.publicKey, nonce: NONCE, ...more }
  checkAnswer(
    { status: reply.status, headers: reply.headers, body: reply.text },
    prepared.request,
    prepared.signed,
    key,
  )
}

describe('answers', () => {
  let running: SigningGateway
  before(async () => {
    running = await startSigning()
  })
  after(() => running.close())

  const ask = async () => {
    const prepared = running.prepare({ headers: { 'accept-signature': wanted(NONCE) } })
    return { prepared, reply: await running.deliver(prepared) }
  }

  test('are signed for those who ask, as the answer to the very request', async () => {
    const { prepared, reply } = await ask()
    assert.equal(reply.status, 200, reply.text)
    check(running, reply, prepared)
    assert.match(String(reply.headers['signature-input']), /^answer=/)
  })

  test('cannot be swapped, changed, or taken for fresh', async () => {
    const [one, two] = [await ask(), await ask()]
    assert.throws(() => check(running, one.reply, two.prepared), /not signed/)
    assert.throws(
      () => check(running, { ...one.reply, text: one.reply.text.replace('hello', 'other') }, one.prepared),
      /body/,
    )
    assert.throws(() => check(running, { ...one.reply, status: 500 }, one.prepared), /not signed/)
    assert.throws(() => check(running, one.reply, one.prepared, { nonce: 'another nonce of it' }), /this question/)
  })

  test('that refuse are signed too', async () => {
    const prepared = running.prepare({ headers: { 'accept-signature': wanted(NONCE) } })
    const first = await running.deliver(prepared)
    const second = await running.deliver(prepared)
    assert.deepEqual([first.status, second.status], [200, 403])
    check(running, second, prepared)
  })

  test('are not signed for those who do not ask, or who ask for what the gateway cannot do', async () => {
    const asked = [
      undefined,
      'a=("x-other");created',
      'a=("@status");keyid="other"',
      'a=("@status");tag="other"',
      '???',
    ]
    for (const wish of asked) {
      const headers = wish === undefined ? {} : { 'accept-signature': wish }
      const reply = await running.deliver(running.prepare({ headers }))
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.headers['signature'], undefined, wish)
      assert.equal(reply.headers['content-digest'], undefined, wish)
    }
  })

  test('that are streams carry a signature in each message', async () => {
    running.upstream.misbehave(streaming)
    const meta = { progressToken: 'p' }
    const prepared = running.prepare({ meta, headers: { 'accept-signature': wanted(NONCE) } })
    const reply = await running.deliver(prepared)
    running.upstream.misbehave(undefined)
    assert.match(String(reply.headers['content-type']), /event-stream/)
    const messages = [...reply.text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(String(data)))
    assert.equal(messages.length, 2, reply.text)
    const key = { keyId: 'gateway', publicKey: running.keys.gateway.publicKey, nonce: NONCE }
    const bare = messages.map((message) => checkMessage(message, prepared.signed, key))
    assert.equal(bare[1].result.content[0].text, 'streamed')
    const other = running.prepare().signed
    for (const message of messages) {
      assert.throws(() => checkMessage(message, other, key), /not signed/)
      assert.throws(() => checkMessage({ ...message, more: 1 }, prepared.signed, key), /not signed/)
    }
  })

  test('reach the example client, which signs and checks by itself', async () => {
    const { folder, gateway, tokens } = running
    writeFileSync(join(folder, 'token'), tokens.alice)
    const flags = {
      ...{
        url: gateway.endpoint('one').replace('127.0.0.1', 'localhost'),
        ca: gateway.caFile,
        token: join(folder, 'token'),
      },
      ...{ 'key-id': 'alice', key: join(folder, 'alice.key') },
      ...{ 'answer-key-id': 'gateway', 'answer-key': join(folder, 'gateway.pub') },
    }
    const client = resolve(import.meta.dirname, '../../../../examples/signing-client/client.mjs')
    const run = (change: object = {}) => {
      const given = Object.entries({ ...flags, ...change }).flatMap(([name, value]) => [`--${name}`, value])
      return promisify(execFile)(process.execPath, [client, ...given, 'echo', '{"text":"from the example"}'])
    }
    const { stdout } = await run()
    assert.match(JSON.parse(stdout).result.content[0].text, /from the example/)
    const earlier = running.upstream.count()
    const refused = await run({ key: join(folder, 'mallory.key') })
    assert.equal(JSON.parse(refused.stdout).error.data.code, 'signature.refused')
    assert.equal(running.upstream.count(), earlier)
    await assert.rejects(run({ 'answer-key': join(folder, 'mallory.pub') }), /not signed with gateway/)
  })
})

/** Tells something before it answers. */
const streaming = ({ message }: SeenRequest, response: ServerResponse): boolean => {
  if (message.method !== 'tools/call') return false
  const event = (value: object) => response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...value })}\n\n`)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const { progressToken } = message.params._meta
  event({ method: 'notifications/progress', params: { progressToken, progress: 1, message: 'soon' } })
  event({ id: message.id, result: { resultType: 'complete', content: [{ type: 'text', text: 'streamed' }] } })
  response.end()
  return true
}

describe('where signatures are not demanded', () => {
  test('they may be left out; a policy can ask for them; a wrong one is refused all the same', async (t) => {
    const policy = `permit (principal, action, resource);
forbid (principal, action == Action::"tools/call", resource) unless { context.signed };`
    const running = await startSigning({ upstream: { signatures: {} }, policy })
    t.after(() => running.close())
    const { gateway, tokens, upstream } = running
    const lists = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { token: tokens.bob })
    assert.notEqual(lists.status, 403)
    const unsigned = await callTool(gateway, 'echo', {}, { token: tokens.alice })
    assert.equal(unsigned.json.error.data.code, 'policy.unknown_target', unsigned.text)
    assert.equal(upstream.count(), 0)
    assert.equal((await running.deliver(running.prepare())).status, 200)
    const wrong = await running.deliver(running.prepare({ token: tokens.bob }))
    assert.equal(wrong.json.error.data.code, 'signature.refused')
    assert.equal(upstream.count(), 1)
  })

  test('roles and paths can be told apart', async (t) => {
    const signatures = { required: { roles: ['user'], routes: ['administration'] } }
    const running = await startSigning({ upstream: { signatures: {} }, signatures })
    t.after(() => running.close())
    const { gateway, tokens } = running
    assert.equal((await callTool(gateway, 'echo', {}, { token: tokens.bob })).status, 200)
    const user = await gateway.issue(['user'])
    const refused = await callTool(gateway, 'echo', {}, { token: user })
    assert.equal(refused.json.error.data.code, 'signature.required')
    const admin = { method: 'GET', url: `${gateway.origin}/admin/v1/upstreams`, token: tokens.alice }
    const looked = await send(gateway, undefined, admin)
    assert.equal(looked.json.error.data.code, 'signature.required')
  })

  test('answers can be signed always', async (t) => {
    const running = await startSigning({ upstream: { signatures: { answers: 'always' } } })
    t.after(() => running.close())
    const reply = await callTool(running.gateway, 'echo', {}, { token: running.tokens.bob })
    assert.match(
      String(reply.headers['signature-input']),
      /^mcp=\("@status" "content-digest" "content-type" "@method";req "@target-uri";req\)/,
    )
    const spoilt = await callTool(
      running.gateway,
      'echo',
      {},
      { token: running.tokens.bob, headers: { signature: '?' } },
    )
    assert.equal(spoilt.json.error.data.code, 'signature.refused')
    assert.match(String(spoilt.headers['signature-input']), /^mcp=\("@status"/, 'so is the refusal')
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
    const began = await send(running.gateway, hello, { token: running.tokens.bob })
    assert.ok(began.headers['mcp-session-id'], began.text)
    assert.match(String(began.headers['signature-input']), /"content-type" "mcp-session-id" /, 'and the session')
  })
})

describe('an upstream over HTTP that shares keys', () => {
  let running: SigningGateway
  let lie: 'none' | 'unsigned' | 'body' | 'another request' | 'another key' | 'session' | 'stream' | 'wrong stream' =
    'none'
  const seen: SeenRequest[] = []

  before(async () => {
    const key = { file: 'gateway.key' }
    running = await startSigning({
      upstream: {
        signatures: {
          requests: { id: 'gateway', algorithm: 'ed25519', key },
          expect: { id: 'server', algorithm: 'ed25519', publicKey: 'mallory.pub' },
        },
      },
    })
    running.upstream.misbehave((request, response) => answerSigned(request, response))
  })
  after(() => running.close())

  /** Stands for an upstream that signs with Mallory's key. */
  function answerSigned(request: SeenRequest, response: ServerResponse): boolean {
    seen.push(request)
    const view = viewOf(request)
    const [given] = readSignatures(view.header('signature-input'), view.header('signature'))
    const isCall = request.message?.method === 'tools/call'
    const wrong = isCall ? lie : 'none'
    const privateKey = wrong === 'another key' ? running.keys.alice.privateKey : running.keys.mallory.privateKey
    const rules = {
      key: { id: 'server', algorithm: 'ed25519', key: privateKey },
      tag: 'mcp',
      clock: { now: () => Date.now() },
    } as const
    const bound =
      wrong === 'another request' || wrong === 'wrong stream' ? { label: 'mcp', signature: randomBytes(64) } : given
    const of =
      wrong === 'another request'
        ? { ...view, header: (name: string) => (name === 'signature' ? 'mcp=:AAAA:' : view.header(name)) }
        : view
    const seal = answerSeal(rules, of, bound)
    const message = {
      jsonrpc: '2.0',
      id: request.message.id,
      result: { resultType: 'complete', ...RESULTS[request.message.method] },
    } as const
    if (wrong === 'stream' || wrong === 'wrong stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`data: ${JSON.stringify(seal.message(message))}\n\n`)
      return true
    }
    const text = JSON.stringify(message)
    const headers = { 'content-type': 'application/json' }
    const added = wrong === 'session' ? { 'mcp-session-id': 'of somebody else' } : {}
    const signed = wrong === 'unsigned' ? {} : seal.headers(200, headers, text)
    response.writeHead(200, { ...headers, ...signed, ...added })
    response.end(wrong === 'body' ? text.replace('from upstream', 'from nowhere!') : text)
    return true
  }

  const call = () => callTool(running.gateway, 'echo', {}, { token: running.tokens.bob })

  test('gets signed requests, and is believed where it signs', async () => {
    for (const one of ['none', 'stream'] as const) {
      lie = one
      const reply = await call()
      assert.equal(reply.status, 200, reply.text)
      assert.equal(JSON.parse(reply.text.replace(/^data: /m, '')).result.content[0].text, 'from upstream')
      assert.doesNotMatch(reply.text, /dev\.portcullis\/signature/)
    }
    const request = seen.at(-1) as SeenRequest
    const view = viewOf(request)
    const [given] = readSignatures(view.header('signature-input'), view.header('signature'))
    assert.ok(given)
    const key = { id: 'gateway', algorithm: 'ed25519', key: running.keys.gateway.publicKey } as const
    assert.equal(isSignatureOf(key, signatureBase(given.input, view), given.signature), true)
    assert.match(given.input.text, /^\("@method" "@target-uri" "content-digest" "content-type" "mcp-/)
  })

  for (const one of ['unsigned', 'body', 'another request', 'another key', 'session', 'wrong stream'] as const) {
    test(`is not believed: ${one}`, async () => {
      lie = one
      const reply = await call()
      assert.equal(reply.status, 502, reply.text)
      assert.equal(reply.json.error.data.code, 'upstream.signature_refused')
      assert.doesNotMatch(reply.text, /from upstream|from nowhere/)
    })
  }
})

// oxlint-disable-next-line typescript/no-explicit-any -- results of a test
const RESULTS: Readonly<Record<string, any>> = {
  'server/discover': {
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    serverInfo: { name: 's', version: '1' },
  },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }], ttlMs: 1_000, cacheScope: 'public' },
  'tools/call': { content: [{ type: 'text', text: 'from upstream' }] },
}

const viewOf = ({ method, headers }: SeenRequest): HttpView => ({
  ...{ method, scheme: 'http', authority: String(headers.host), path: '/mcp', query: '' },
  header: (name) => headers[name] as string | undefined,
})
