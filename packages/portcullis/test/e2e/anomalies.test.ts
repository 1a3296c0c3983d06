/** Unusual conduct at the running gateway: what is told, what follows in each level, who is spared, and how it ends. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AlertBody } from '../../src/audit/alert.ts'
import { runCommand } from '../../src/cli/main.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { ask, callTool, openSession, type Reply, send, type Sending } from '../fixtures/client.ts'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../fixtures/gateway.ts'

const ALLOW = 'permit (principal, action, resource);'
const USER = ['user']
const everything = (answer: string) => ({ low: answer, medium: answer, high: answer, critical: answer })

/** Tools beyond those that a test is about. */
const FURTHER = Array.from({ length: 101 }, (_, at) => ({ ...ECHO, name: `tool-${at}` }))

interface Stage {
  readonly gateway: TestGateway
  readonly upstream: CountingUpstream
  now: number
}

async function stage(t: TestContext, anomalies: object, more: Partial<TestGatewayOptions> = {}): Promise<Stage> {
  const upstream = await startCounting([ECHO, { ...ECHO, name: 'dump' }, ...FURTHER])
  t.after(() => upstream.close())
  const made = { now: Date.now() } as Stage & { gateway: TestGateway; upstream: CountingUpstream }
  const gateway = await startTestGateway({
    upstreams: [{ name: 'echoes', url: upstream.url }],
    policy: ALLOW,
    clock: { now: () => made.now },
    ...more,
    config: { anomalies, ...more.config },
  })
  t.after(() => gateway.close())
  return Object.assign(made, { gateway, upstream })
}

const codeOf = ({ json }: Reply): string =>
  json?.result?._meta?.['dev.portcullis/code'] ?? json?.error?.data?.code ?? 'none'

const alertsOf = (gateway: TestGateway): readonly AlertBody[] =>
  recordsOf(gateway).filter((record) => record.kind === 'alert')

/** So many calls of a tool that the policy does not allow. */
async function denied({ gateway }: Stage, token: string, times = 6): Promise<void> {
  for (let time = 0; time < times; time++) await callTool(gateway, 'nothing', {}, { token })
}

const admin = (gateway: TestGateway, path: string, sending: Sending = {}, body?: object): Promise<Reply> =>
  send(gateway, body, { method: 'GET', url: `${gateway.origin}/admin/v1${path}`, ...sending })

const DENIED = { deniedPerMinute: 5 }

test('denials in a burst are alerted of: recorded once with a count, logged, counted, and nobody is held back', async (t) => {
  const made = await stage(t, DENIED, {
    config: { listen: { port: 0, metrics: { port: 0, plaintext: 'loopback-only' } } },
  })
  const { gateway, upstream } = made
  const token = await gateway.issue(USER)
  await denied(made, token, 10)
  const [alert, ...others] = alertsOf(gateway).filter(({ level }) => level === 'medium')
  assert.equal(others.length, 0)
  assert.ok(alert)
  assert.equal(alert.subject.kind, 'principal')
  assert.match(alert.subject.name, /^key:/)
  assert.equal(alert.principal, alert.subject.name)
  assert.deepEqual([alert.answer, alert.count, alert.reasons[0]?.reason], ['alert', 1, 'denied'])
  assert.ok(alert.score >= 50 && (alert.reasons[0]?.observed ?? 0) >= 5)
  assert.ok(recordsOf(gateway).some((record) => record.kind === 'refusal' && record.incident === alert.incident))
  assert.ok(gateway.logged.some((line) => line.includes('unusual conduct')))
  assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  assert.equal(upstream.count(), 1)
  assert.match(
    await (await fetch(`${gateway.metricsUrl}/metrics`)).text(),
    /portcullis_anomalies_total\{[^}]*medium[^}]*\} [1-9]/,
  )
  for (const [, verdict] of verdictsOf(gateway)) assert.equal(verdict.sound, true)
})

test('a note is shown to administrators and not recorded', async (t) => {
  const made = await stage(t, { ...DENIED, answers: everything('note') })
  const { gateway } = made
  await denied(made, await gateway.issue(USER))
  assert.deepEqual(alertsOf(gateway), [])
  const { json } = await admin(gateway, '/anomalies?kind=principal')
  assert.equal(json.anomalies.length, 1)
  assert.equal(json.anomalies[0].answer, 'note')
})

test('a blocked caller reaches nothing until the time is over, and everybody else does', async (t) => {
  const made = await stage(t, { ...DENIED, answers: everything('block'), holdSeconds: 600 })
  const { gateway, upstream } = made
  const token = await gateway.issue(USER)
  const session = await openSession(gateway, { token })
  await denied(made, token)
  const refused = await callTool(gateway, 'echo', {}, { token })
  assert.deepEqual([refused.status, codeOf(refused)], [403, 'traffic.caller_blocked'])
  assert.equal((await ask(gateway, 'tools/list', {}, { token })).status, 403)
  const legacy = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'echo', arguments: {} } }
  assert.equal((await send(gateway, legacy, { token, headers: session })).status, 403)
  assert.equal(upstream.count(), 0)
  // 403 does not make a client take the gateway for one of the old era.
  assert.equal((await ask(gateway, 'server/discover', {}, { token })).status, 403)
  assert.equal((await callTool(gateway, 'echo', {}, { token: await gateway.issue(USER) })).status, 200)
  const until = alertsOf(gateway).find(({ answer }) => answer === 'block')?.untilMs
  assert.equal(until, made.now + 600_000)
  made.now += 600_001
  // The lists of revocations are read anew first, because they seem to be ten minutes old.
  let freed = await callTool(gateway, 'echo', {}, { token })
  while (freed.status === 503) freed = await callTool(gateway, 'echo', {}, { token })
  assert.equal(freed.status, 200, freed.text)
  assert.equal(upstream.count(), 2)
})

test('a throttled caller may do little, and is told when to come back', async (t) => {
  const throttle = { permits: 1, perSeconds: 30, burst: 2 }
  const made = await stage(t, { ...DENIED, answers: everything('throttle'), throttle })
  const { gateway, upstream } = made
  const token = await gateway.issue(USER)
  await denied(made, token, 5)
  const replies = []
  for (let time = 0; time < 5; time++) replies.push(await callTool(gateway, 'echo', {}, { token }))
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 429, 429, 429],
  )
  assert.equal(codeOf(replies[4] as Reply), 'anomalies.throttled')
  assert.ok(Number(replies[4]?.headers['retry-after']) <= 30)
  assert.equal(upstream.count(), 2)
  assert.equal((await ask(gateway, 'server/discover', {}, { token })).status, 200)
})

test('a person is asked about each call of an unusual caller, and a client that cannot ask is refused', async (t) => {
  const made = await stage(t, { ...DENIED, answers: everything('ask') })
  const { gateway, upstream } = made
  const token = await gateway.issue(USER)
  await denied(made, token)
  const capabilities = { elicitation: {} }
  const call = (params: object = {}) =>
    ask(gateway, 'tools/call', { name: 'echo', arguments: { text: 'hi' }, ...params }, { token, capabilities })
  const asked = await call()
  assert.equal(asked.json.result.resultType, 'input_required', asked.text)
  const [key = ''] = Object.keys(asked.json.result.inputRequests)
  assert.match(asked.json.result.inputRequests[key].params.message, /behaved unusually \(score \d+ of 100\)/)
  assert.equal(upstream.count(), 0)
  const { requestState } = asked.json.result
  const yes = { action: 'accept', content: { approve: true } }
  const no = await call({ requestState, inputResponses: { [key]: { action: 'decline' } } })
  assert.equal(codeOf(no), 'inspection.not_approved')
  const again = await call()
  const done = await call({ requestState: again.json.result.requestState, inputResponses: { [key]: yes } })
  assert.equal(done.json.result.content[0].text, '{"text":"hi"}', done.text)
  assert.equal(upstream.count(), 1)
  assert.equal(codeOf(await callTool(gateway, 'echo', {}, { token })), 'inspection.not_approved')
  assert.equal(upstream.count(), 1)
  assert.equal((await ask(gateway, 'tools/list', {}, { token })).status, 200)
})

test('a canary is refused like an unknown tool, answered at once, and never passed on', async (t) => {
  const canaries = ['echoes/dump', '*/get_admin_password']
  const made = await stage(t, { canaries, answers: { low: 'note', medium: 'alert', high: 'alert', critical: 'block' } })
  const { gateway, upstream } = made
  const unknown = await callTool(gateway, 'no_such_tool', {}, { token: await gateway.issue(USER) })
  for (const [url, name] of [
    [gateway.url, 'dump'],
    [gateway.url, 'get_admin_password'],
    [`${gateway.origin}/mcp`, 'echoes__dump'],
  ] as const) {
    const token = await gateway.issue(USER)
    const sprung = await callTool(gateway, name, {}, { token, url })
    assert.equal(sprung.status, unknown.status)
    assert.equal(sprung.json.error?.message, unknown.json.error?.message)
    assert.equal(codeOf(await callTool(gateway, 'echo', {}, { token })), 'traffic.caller_blocked')
  }
  assert.equal(upstream.count(), 0)
  const alerts = alertsOf(gateway)
  assert.deepEqual(
    alerts.map(({ level, score }) => [level, score]),
    Array.from({ length: 3 }, () => ['critical', 100]),
  )
  assert.ok(recordsOf(gateway).some((record) => record.kind === 'refusal' && record.detail?.['canary'] === true))
})

test('administrators and whoever is exempt are told of and never held back', async (t) => {
  const exempt = { roles: ['admin', 'user'] }
  const made = await stage(t, { ...DENIED, answers: everything('block'), exempt, canaries: ['echoes/dump'] })
  const { gateway } = made
  for (const token of [gateway.token, await gateway.issue(USER)]) {
    await denied(made, token, 8)
    assert.equal(codeOf(await callTool(gateway, 'dump', {}, { token })), 'policy.unknown_target')
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  }
  assert.ok(alertsOf(gateway).length >= 2)
  assert.ok(alertsOf(gateway).every(({ answer }) => answer === 'alert'))
  assert.ok(
    recordsOf(gateway).some(
      (record) =>
        record.kind === 'start' && record.weaknesses.some((word) => word.includes('anomalies.exempt.roles: user')),
    ),
  )
})

test('an administrator reads why, releases the caller on record, and only of the own tenant', async (t) => {
  const made = await stage(t, { ...DENIED, answers: everything('block') })
  const { gateway } = made
  const token = await gateway.issue(USER)
  await denied(made, token)
  const [{ id, restriction, reasons }] = (await admin(gateway, '/anomalies?kind=principal')).json.anomalies
  assert.equal(restriction.answer, 'block')
  assert.equal(reasons[0].reason, 'denied')
  const path = `/anomalies/subjects/${encodeURIComponent(id)}`
  const shown = (await admin(gateway, path)).json
  assert.equal(shown.state, 'learning')
  assert.ok(shown.calls >= 5 && shown.usual.length > 10)
  const foreign = await gateway.issue(['admin'], { tenant: 'other' })
  assert.equal((await admin(gateway, path, { token: foreign })).status, 404)
  assert.equal((await admin(gateway, `${path}/release`, { token: foreign, method: 'POST' }, {})).status, 404)
  assert.equal(
    (await admin(gateway, `${path}/release`, { token: await gateway.issue(USER), method: 'POST' }, {})).status,
    404,
  )
  assert.equal(codeOf(await callTool(gateway, 'echo', {}, { token })), 'traffic.caller_blocked')
  assert.equal((await admin(gateway, `${path}/release`, { method: 'POST' }, { baseline: true })).status, 200)
  assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  assert.ok(recordsOf(gateway).some((record) => record.kind === 'change' && record.what === 'anomaly.released'))
})

test('failed sign-ins of an address are alerted of in the chain of the gateway; its own machine is never blocked', async (t) => {
  const { gateway } = await stage(t, { failedSignInsPerMinute: 5, answers: everything('block') })
  for (let time = 0; time < 8; time++) await callTool(gateway, 'echo', {}, { token: `guess-${time}` })
  const alerts = alertsOf(gateway)
  assert.ok(alerts.length > 0)
  assert.deepEqual(
    [alerts[0]?.subject.kind, alerts[0]?.subject.name, alerts[0]?.answer],
    ['network', '127.0.0.1', 'alert'],
  )
  assert.equal((await callTool(gateway, 'echo', {}, { token: gateway.token })).status, 200)
  assert.equal((await admin(gateway, '/anomalies/networks')).json.anomalies.length, 1)
  assert.equal(
    (await admin(gateway, '/anomalies/networks/network%3A127.0.0.1/release', { method: 'POST' }, {})).status,
    200,
  )
})

test('what is learned and who is blocked outlasts a restart; a damaged file is told of, and the gateway learns anew', async (t) => {
  const anomalies = { ...DENIED, answers: everything('block'), holdSeconds: 3_600 }
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-anomalies-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const first = await stage(t, anomalies, { folder })
  const token = await first.gateway.issue(USER)
  await denied(first, token)
  await first.gateway.close()
  const file = join(first.gateway.stateFolder, 'baselines.bin')
  assert.equal(statSync(file).mode & 0o777, 0o600)

  const second = await stage(t, anomalies, { folder })
  assert.equal(codeOf(await callTool(second.gateway, 'echo', {}, { token })), 'traffic.caller_blocked')
  assert.equal((await admin(second.gateway, '/anomalies')).json.anomalies[0].restriction.answer, 'block')
  await second.gateway.close()

  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
  writeFileSync(file, bytes)
  const third = await stage(t, anomalies, { folder })
  assert.ok(third.gateway.logged.some((line) => line.includes('is learned anew')))
  assert.equal(
    codeOf(await callTool(third.gateway, 'echo', {}, { token })),
    'traffic.caller_blocked',
    'a block is no habit',
  )
  const isTold = () => alertsOf(third.gateway).some(({ reasons }) => reasons[0]?.reason === 'baselines-lost')
  while (!isTold()) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal((await admin(third.gateway, '/anomalies')).json.learned, 'damaged')
  const other = await third.gateway.issue(USER)
  assert.equal((await callTool(third.gateway, 'echo', {}, { token: other })).status, 200)
  await denied(third, other)
  assert.equal(codeOf(await callTool(third.gateway, 'echo', {}, { token: other })), 'traffic.caller_blocked')
})

test('an address from which sign-ins fail is blocked, unless an administrator comes from there', async (t) => {
  const anomalies = { failedSignInsPerMinute: 5, answers: everything('block'), exempt: { networks: [] } }
  const guess = async (gateway: TestGateway) => {
    for (let time = 0; time < 5; time++) await callTool(gateway, 'echo', {}, { token: `guess-${time}` })
  }
  const home = await stage(t, anomalies)
  assert.equal((await callTool(home.gateway, 'echo', {}, {})).status, 200)
  await guess(home.gateway)
  assert.equal((await callTool(home.gateway, 'echo', {}, {})).status, 200)
  const foreign = await stage(t, anomalies)
  await guess(foreign.gateway)
  const refused = await callTool(foreign.gateway, 'echo', {}, {})
  assert.deepEqual([refused.status, codeOf(refused)], [403, 'traffic.address_blocked'])
  assert.equal(foreign.upstream.count(), 0)
})

test('who is known, how high the levels are and how often an alert is repeated can be configured', async (t) => {
  const curious = async ({ gateway }: Stage, token: string) => {
    for (let call = 0; call < 12; call++) await callTool(gateway, 'echo', {}, { token })
    for (let tool = 0; tool < 4; tool++) await callTool(gateway, `tool-${tool}`, {}, { token })
  }
  const early = await stage(t, { learning: { days: 1, calls: 10 }, levels: { medium: 40 }, repeatSeconds: 5 })
  const token = await early.gateway.issue(USER)
  await curious(early, token)
  const found = alertsOf(early.gateway).filter(({ subject }) => subject.kind === 'principal')
  assert.deepEqual(
    found.map(({ level, reasons }) => [level, reasons[0]?.reason]),
    [['medium', 'first-tool']],
  )
  early.now += 5_001
  await callTool(early.gateway, 'tool-9', {}, { token })
  assert.equal(alertsOf(early.gateway).filter(({ subject }) => subject.kind === 'principal').length, 2)
  const usual = await stage(t, {})
  await curious(usual, await usual.gateway.issue(USER))
  assert.deepEqual(alertsOf(usual.gateway), [])
})

test('a principal can be exempt by its name', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-anomalies-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const before = await stage(t, {}, { folder })
  const own = await before.gateway.issue(USER)
  const { principal: name = '' } = (await before.gateway.recordOf(own)) ?? {}
  await before.gateway.close()
  const spared = await stage(t, { ...DENIED, answers: everything('block'), exempt: { principals: [name] } }, { folder })
  await denied(spared, own)
  assert.equal((await callTool(spared.gateway, 'echo', {}, { token: own })).status, 200)
  await denied(spared, await spared.gateway.issue(USER))
  assert.ok(alertsOf(spared.gateway).some(({ answer }) => answer === 'block'))
})

test('no more callers and tools are remembered than configured', async (t) => {
  const { gateway } = await stage(
    t,
    { principals: 100, tools: 100 },
    {
      config: { listen: { port: 0, metrics: { port: 0, plaintext: 'loopback-only' } } },
    },
  )
  const tokens = await Promise.all(Array.from({ length: 105 }, () => gateway.issue(USER)))
  for (const [at, token] of tokens.entries()) await callTool(gateway, `tool-${at % 101}`, {}, { token })
  const text = await (await fetch(`${gateway.metricsUrl}/metrics`)).text()
  assert.match(text, /portcullis_anomaly_subjects\{kind="principal"\} 100\n/)
  assert.match(text, /portcullis_anomaly_subjects\{kind="tool"\} 100\n/)
})

test('commands list, show and clear', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-anomalies-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const made = await stage(t, { ...DENIED, answers: everything('block') }, { folder })
  const { gateway } = made
  const run = async (...args: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []]
    const status = await runCommand(args, {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml') },
      clock: { now: () => Date.now() },
      interrupted: new AbortController().signal,
    })
    return { status, out: out.join('\n'), err: err.join('\n') }
  }
  assert.match((await run('anomalies', 'list')).err, /Nobody has behaved unusually/)
  const token = await gateway.issue(USER)
  await denied(made, token)
  const { principal = '' } = (await gateway.recordOf(token)) ?? {}
  const id = `principal:${principal}`
  const listed = await run('anomalies', 'list')
  assert.match(listed.out, /medium +\d+ +block .*denied \d+.* \(usual 5\)/)
  assert.ok(listed.out.includes(id))
  assert.match(
    (await run('anomalies', 'show', id)).out,
    /learning, \d+ calls on 1 days[^]*unusual: denied[^]*calls in 10 s: usually/,
  )
  assert.equal((await run('anomalies', 'clear', 'principal:nobody')).status, 1)
  assert.equal((await run('anomalies', 'clear', id)).status, 0)
  assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  assert.match((await run('audit', 'tail', '-l', '100')).out, /alert +\S+ medium \d+ principal:key:/)
})

test('a gateway that is told not to watch says so and does nothing', async (t) => {
  const made = await stage(t, { watch: 'off', ...DENIED, answers: everything('block'), canaries: ['echoes/dump'] })
  const { gateway } = made
  const token = await gateway.issue(USER)
  await denied(made, token, 8)
  assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  assert.deepEqual(alertsOf(gateway), [])
  assert.equal((await admin(gateway, '/anomalies')).status, 501)
  assert.ok(
    recordsOf(gateway).some((record) => record.kind === 'start' && record.weaknesses.includes('anomalies.watch: off')),
  )
})
