/** AU-3, AU-2: every call and every refusal is on record, the chains verify, and no argument or secret is in any of it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '../../src/mcp/canonical.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { auditText, recordsOf, recordsOfIncident, verdictsOf } from '../fixtures/audit.ts'
import { ask, callTool, modern, openSession, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { type RunningFixture, startEverything } from '../fixtures/everything/http.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const CANARY = 'canary-7c1f'
const SECRET = 'Bearer canary-of-the-upstream'

let counting: CountingUpstream
let everything: RunningFixture
let gateway: TestGateway

before(async () => {
  counting = await startCounting([
    { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' }, n: { type: 'integer' } } } },
    { name: 'forbidden' },
  ])
  everything = await startEverything()
  gateway = await startTestGateway({
    policy: `@id("all") permit (principal in Role::"admin", action, resource);
      @id("not-this") forbid (principal, action, resource == Tool::"counting/forbidden");
      @id("small") forbid (principal, action == Action::"tools/call", resource == Tool::"counting/echo")
        when { context.args has n && context.args.n > 9 };`,
    upstreams: [
      { name: 'counting', url: counting.url, http: { headers: { authorization: { env: 'UPSTREAM_TOKEN' } } } },
      { name: 'everything', url: everything.url },
    ],
    environment: { UPSTREAM_TOKEN: SECRET },
    config: { audit: { checkpointEverySeconds: 1 } },
  })
})
after(async () => {
  await gateway.close()
  await counting.close()
  await everything.close()
})

type Kind<K extends AuditRecord['kind']> = Extract<AuditRecord, { kind: K }>
const ofKind = <K extends AuditRecord['kind']>(kind: K): readonly Kind<K>[] =>
  recordsOf(gateway).filter((record): record is Kind<K> => record.kind === kind)

test('an answered call has its record before, and its outcome, both there when the answer is', async () => {
  const args = { text: CANARY, n: 1 }
  await callTool(gateway, 'echo', args)
  const call = ofKind('call').at(-1)
  const outcome = ofKind('outcome').find(({ incident }) => incident === call?.incident)
  assert.deepEqual(
    [call?.method, call?.target, call?.upstream, call?.era, call?.decision?.effect, call?.decision?.policies],
    ['tools/call', { kind: 'tool', name: 'echo' }, 'counting', 'modern', 'allow', ['all']],
  )
  assert.match(String(call?.principal), /^key:/)
  assert.equal(call?.credential?.id, (await gateway.recordOf(gateway.token))?.id)
  assert.equal(call?.arguments, digestOf(args), 'the digest of the arguments, and anybody who has them can say so')
  assert.deepEqual([outcome?.outcome, outcome?.status], ['answered', 200])
  assert.ok((outcome?.seq ?? 0) > (call?.seq ?? 0))
})

test('each refusal has one record, with what was known of it', async () => {
  const earlier = counting.count()
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: { text: CANARY } })
  const url = gateway.endpoint('counting')
  const refusals = [
    ['identity.missing', await send(gateway, body, { headers, token: null })],
    ['identity.malformed', await send(gateway, body, { headers, token: `${CANARY}-token` })],
    ['identity.token_in_query', await send(gateway, body, { headers, url: `${url}?access_token=${CANARY}` })],
    ['traffic.origin_refused', await send(gateway, body, { headers: { ...headers, origin: 'https://evil.example' } })],
    ['message.malformed', await send(gateway, `{"${CANARY}`, { headers })],
    ['arguments.invalid', await callTool(gateway, 'echo', { text: 1, [`${CANARY}-name`]: CANARY })],
    ['policy.unknown_target', await callTool(gateway, 'forbidden')],
    ['policy.denied', await callTool(gateway, 'echo', { n: 10, text: CANARY })],
    ['transport.not_found', await send(gateway, body, { headers, url: `${gateway.origin}/nothing` })],
  ] as const
  assert.equal(counting.count(), earlier)
  for (const [code, { json }] of refusals) {
    const incident = json.error?.data.incident ?? json.result._meta['dev.portcullis/incident']
    const [record, ...more] = recordsOfIncident(gateway, incident)
    assert.ok(
      record?.kind === 'refusal' && record.code === code && more.length === 0,
      `${code}: ${JSON.stringify(record)}`,
    )
    assert.equal(record.address, '127.0.0.1')
    if (code === 'policy.denied') assert.deepEqual(record.decision?.policies ?? record.detail?.['policies'], ['small'])
  }
})

test('a failure of the upstream, a cancelled call and a stream each have an outcome that says so', async () => {
  counting.misbehave((seen, response) => {
    if (seen.message?.method !== 'tools/call') return false
    response.destroy()
    return true
  })
  const failed = await callTool(gateway, 'echo', { text: CANARY })
  counting.misbehave(undefined)
  const [, failure] = recordsOfIncident(gateway, failed.json.error.data.incident)
  assert.deepEqual([failure?.kind, failure?.kind === 'outcome' && failure.outcome], ['outcome', 'failed'])

  const url = gateway.endpoint('everything')
  const progress = { name: 'test_tool_with_progress', arguments: {}, _meta: { progressToken: CANARY } }
  const session = await openSession(gateway, { url })
  await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: progress }, { url, headers: session })
  assert.equal(ofKind('outcome').at(-1)?.streamed, 3)

  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const listening = await stream(gateway, body, { url, headers })
  await listening.until(/acknowledged/)
  const open = ofKind('call').at(-1)
  assert.equal(open?.method, 'subscriptions/listen')
  listening.close()
  const outcome = () => ofKind('outcome').find(({ incident }) => incident === open?.incident)
  while (outcome() === undefined) await sleep(20)
})

test('every call has exactly one outcome', () => {
  const outcomes = ofKind('outcome').map(({ incident }) => incident)
  assert.equal(new Set(outcomes).size, outcomes.length)
  const answered = new Set(outcomes)
  const open = ofKind('call').filter(({ incident }) => !answered.has(incident))
  assert.deepEqual(open, [])
})

test('arguments, credentials and results are in no audit line, no log line and no other file of the gateway', async () => {
  await ask(gateway, 'resources/read', { uri: 'test://open' })
  for (const text of [auditText(gateway), gateway.logged.join('\n')]) {
    for (const secret of [CANARY, 'canary-of-the-upstream', gateway.token, gateway.token.slice(9, 40)]) {
      assert.ok(!text.includes(secret), secret)
    }
  }
  assert.ok(
    counting.seen.some(({ text }) => text.includes(CANARY)),
    'the canary did pass',
  )
})

test('each tenant has a chain of its own, and requests of nobody are in that of the gateway', async () => {
  const token = await gateway.issue(['admin'], { tenant: 'acme' })
  await callTool(gateway, 'echo', {}, { token })
  assert.deepEqual(readdirSync(gateway.auditFolder).sort(), ['@gateway', 'acme', 'default'])
  const tenants = new Set(
    ofKind('refusal')
      .filter(({ code }) => code === 'identity.missing')
      .map(({ tenant }) => tenant),
  )
  assert.deepEqual(tenants, new Set(['@gateway']))
  assert.ok(readFileSync(join(gateway.auditFolder, 'acme', segmentOf('acme')), 'utf8').includes('"tenant":"acme"'))
})

const segmentOf = (chain: string): string =>
  readdirSync(join(gateway.auditFolder, chain)).filter((name) => name !== 'lock')[0] as string

test('the chains verify while the gateway runs, under a signature', async () => {
  const signed = () => [...verdictsOf(gateway).values()].every((verdict) => verdict.sound && verdict.checkpoints > 0)
  while (!signed()) await sleep(50)
})

test('a changed, a removed and an exchanged record are found', () => {
  const file = join(gateway.auditFolder, 'default', segmentOf('default'))
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n')
  const [first = '', second = ''] = lines.slice(1)
  for (const forged of [
    text.replace('"answered"', '"refused"'),
    lines.toSpliced(1, 1).join('\n'),
    lines.toSpliced(1, 2, second, first).join('\n'),
    text.replace('"method":"tools/call"', '"method":"tools/list"'),
  ]) {
    assert.notEqual(forged, text)
    writeFileSync(file, forged)
    const verdict = verdictsOf(gateway).get('default')
    writeFileSync(file, text)
    assert.equal(verdict?.sound, false)
  }
  assert.equal(verdictsOf(gateway).get('default')?.sound, true)
})
