/** AU-1: callers get a constant sentence, a stable code and an incident; never a path, a stack, a token or a reason. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FAULTS } from '../../src/core/fault.ts'
import { recordsOfIncident } from '../fixtures/audit.ts'
import { callTool, modern, openSession, type Reply, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let upstream: CountingUpstream
let gateway: TestGateway
let shiftMs = 0

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [
      { name: 'one', url: upstream.url },
      { name: 'gone', url: 'http://127.0.0.1:9/mcp' },
    ],
    clock: { now: () => Date.now() + shiftMs },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const request = modern('tools/call', { name: 'echo', arguments: {} })

/** Every way to be refused that a caller can bring about at will. */
async function refusals(): Promise<ReadonlyMap<string, Reply>> {
  const { body, headers } = request
  const post = (more: object) => send(gateway, body, { headers, ...more })
  const session = await openSession(gateway)
  const found: readonly (readonly [string, Promise<Reply>])[] = [
    ['no credential', post({ token: null })],
    ['a bad credential', post({ token: 'secret-of-a-caller' })],
    ['a path into nothing', post({ url: `${gateway.origin}/etc/passwd` })],
    ['a foreign host', post({ headers: { ...headers, host: 'evil.example' } })],
    ['a foreign origin', post({ headers: { ...headers, origin: 'https://evil.example' } })],
    ['a token in the query', post({ url: `${gateway.url}?access_token=secret-of-a-caller` })],
    ['another type', post({ headers: { ...headers, 'content-type': 'text/html' } })],
    ['no accept', post({ headers: { ...headers, accept: 'text/html' } })],
    ['another method', post({ method: 'PUT' })],
    ['bad JSON', send(gateway, '{"secret-of-a-caller', { headers })],
    ['a bad header', post({ headers: { ...headers, 'mcp-name': 'secret-of-a-caller' } })],
    ['an unknown tool', callTool(gateway, 'secret-of-a-caller')],
    [
      'an unknown method',
      send(
        gateway,
        { ...body, method: 'secret-of-a-caller' },
        { headers: { ...headers, 'mcp-method': 'secret-of-a-caller' } },
      ),
    ],
    [
      'an unknown session',
      send(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { headers: { 'mcp-session-id': 'secret-of-a-caller' } }),
    ],
    ['an unknown event', send(gateway, { jsonrpc: '2.0', id: 1, method: 'secret-of-a-caller' }, { headers: session })],
    [
      'a bad state',
      callTool(gateway, 'echo', {}, { headers: {} }).then(() =>
        send(
          gateway,
          { ...body, params: { ...(body as { params: object }).params, requestState: 'secret-of-a-caller' } },
          { headers },
        ),
      ),
    ],
    ['an upstream that is gone', callTool(gateway, 'echo', {}, { url: gateway.endpoint('gone') })],
  ]
  return new Map(await Promise.all(found.map(async ([title, reply]) => [title, await reply] as const)))
}

const REVEALING = [
  /\bat .+:\d+:\d+/,
  /node:internal/,
  /node_modules/,
  /\.ts\b/,
  /\/tmp\//,
  /portcullis-test/,
  /127\.0\.0\.1:9/,
  /ECONNREFUSED/,
  /secret-of-a-caller/,
]

test('no refusal reveals anything, and each is on record under its incident', async () => {
  const all = await refusals()
  for (const [title, { status, text, headers, json }] of all) {
    assert.ok(status >= 400 || json.error !== undefined, `${title}: ${text}`)
    for (const pattern of REVEALING) assert.doesNotMatch(text, pattern, title)
    assert.ok(!text.includes(gateway.token) && !text.includes(gateway.stateFolder), title)
    assert.equal(headers['x-powered-by'], undefined)
    assert.equal(headers.server, undefined)
    const { code, incident } = json.error.data
    assert.ok(Object.hasOwn(FAULTS, code), `${title}: ${code}`)
    const records = recordsOfIncident(gateway, incident)
    assert.ok(records.length > 0, title)
    assert.ok(
      records.some((record) => 'code' in record && (record.code === code || code === 'identity.invalid_token')),
      `${title}: ${JSON.stringify(records)}`,
    )
  }
  assert.equal(new Set([...all.values()].map(({ json }) => json.error.data.incident)).size, all.size)
})

test('every failed sign-in is answered alike', async () => {
  const good = await gateway.issue(['admin'])
  const revoked = await gateway.issue(['admin'])
  await gateway.revoke(revoked)
  const expired = await gateway.issue(['admin'], { expiresAt: Date.now() + shiftMs + 1_000 })
  shiftMs += 2_000
  const bent = `${good.slice(0, -6)}AAAAAA`
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jwt = `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part({ iss: 'https://i.example', exp: 1 })}.AAAA`
  const unknown = await otherKey()
  const earlier = upstream.count()
  const answers = new Map<string, string>()
  for (const [title, token] of Object.entries({
    revoked,
    expired,
    bent,
    jwt,
    unknown,
    short: 'x',
    long: 'x'.repeat(9_000),
  })) {
    const reply = await callTool(gateway, 'echo', {}, { token })
    const { date: _date, ...headers } = reply.headers
    const { incident } = reply.json.error.data
    const text = reply.text.replace(incident, 'INCIDENT')
    answers.set(title, JSON.stringify([reply.status, { ...headers, 'content-length': '' }, text]))
  }
  assert.equal(upstream.count(), earlier)
  assert.equal(new Set(answers.values()).size, 1, [...answers].join('\n'))
})

/** A well-formed key of another gateway. */
async function otherKey(): Promise<string> {
  const other = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
  await other.close()
  return other.token
}
