/** GW-2, TR-4: streams that say nothing for long: what is due at their end is done then, and not before, over both protocols. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { AuditRecord } from '../../src/audit/record.ts'
import { RECEIPT } from '../../src/audit/receipt.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { modern, openSession, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const TOKEN = 'token-of-the-metrics'

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    policy: 'permit (principal, action, resource);',
    roles: ['admin', 'user'],
    environment: { METRICS_TOKEN: TOKEN },
    config: {
      listen: { port: 0, metrics: { port: 0, token: { env: 'METRICS_TOKEN' } } },
      limits: { callSeconds: 1, listenIdleSeconds: 1 },
      audit: { receipts: 'every-answer' },
    },
  })
})
after(async () => {
  await gateway?.close()
  await upstream?.close()
})

interface Listening {
  readonly text: () => string
  readonly begun: Promise<void>
  readonly ended: Promise<void>
}

const LISTEN = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })

async function overHttp1(): Promise<Listening> {
  const open = await stream(gateway, LISTEN.body, { headers: LISTEN.headers })
  return { text: open.text, begun: open.until(/acknowledged/), ended: open.ended }
}

async function overHttp2(): Promise<Listening> {
  const session = connectHttp2(gateway.origin, { ca: readFileSync(gateway.caFile), servername: 'localhost' })
  const request = session.request({
    ':method': 'POST',
    ':path': new URL(gateway.url).pathname,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${gateway.token}`,
    ...LISTEN.headers,
  })
  let text = ''
  const ended = new Promise<void>((resolve) => request.once('close', () => (session.close(), resolve())))
  const begun = new Promise<void>((resolve) => {
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('acknowledged')) resolve()
    })
  })
  request.end(JSON.stringify(LISTEN.body))
  return { text: () => text, begun, ended }
}

type Call = Extract<AuditRecord, { kind: 'call' }>
type Outcome = Extract<AuditRecord, { kind: 'outcome' }>

const calls = (): readonly Call[] =>
  recordsOf(gateway).filter((one): one is Call => one.kind === 'call' && one.method === 'subscriptions/listen')
const outcomesOf = ({ incident }: Call): readonly Outcome[] =>
  recordsOf(gateway).filter((one): one is Outcome => one.kind === 'outcome' && one.incident === incident)

async function listensEnded(): Promise<number> {
  const url = `${gateway.metricsUrl}/metrics`
  const { text } = await send(gateway, undefined, { url, method: 'GET', token: TOKEN })
  const lines = text.split('\n').filter((line) => /_total\{.*method="subscriptions\/listen"/.test(line))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

describe('a stream that says nothing', { timeout: 60_000 }, () => {
  for (const [protocol, listen] of Object.entries({ 'HTTP/1.1': overHttp1, 'HTTP/2': overHttp2 })) {
    it(`over ${protocol} has its outcome on record and is counted when it ends, and its receipt names what was asked`, async () => {
      const [known, counted] = [calls().length, await listensEnded()]
      const open = await listen()
      await open.begun
      const call = calls()[known]
      assert(call !== undefined)
      assert.deepEqual([outcomesOf(call), await listensEnded()], [[], counted])
      await open.ended
      const [outcome, ...others] = outcomesOf(call)
      assert.deepEqual([outcome?.outcome, outcome?.status, outcome?.streamed, others], ['answered', 200, 1, []])
      assert(outcome !== undefined && outcome.durationMs >= 900)
      assert.equal(await listensEnded(), counted + 1)
      const last = JSON.parse(open.text().match(/^data: (\{.*"resultType":"complete".*\})$/m)?.[1] ?? '{}')
      assert.equal(last.id, 1)
      assert.equal(last.result._meta[RECEIPT].statement.arguments, call.arguments)
    })
  }

  it('is ended with the credential that opened it, and a session’s own stream too, while others go on', async () => {
    const token = await gateway.issue(['user'])
    const session = await openSession(gateway, { token })
    const own = await stream(gateway, undefined, { method: 'GET', token, headers: session })
    const open = await stream(gateway, LISTEN.body, { headers: LISTEN.headers, token })
    await open.until(/acknowledged/)
    const other = await overHttp2()
    await other.begun
    await gateway.revoke(token)
    await Promise.all([open.ended, own.ended])
    assert.doesNotMatch(other.text(), /complete/)
  })
})
