import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { exposition } from '../../../src/audit/metrics/exposition.ts'
import { Counter, Family, Histogram } from '../../../src/audit/metrics/family.ts'
import { measuredLedger } from '../../../src/audit/metrics/measured-ledger.ts'
import { measure } from '../../../src/audit/metrics/measure.ts'
import { type Ended, GatewayMetrics } from '../../../src/audit/metrics/metrics.ts'
import { ProcessMetrics } from '../../../src/audit/metrics/process-usage.ts'
import type { Reading } from '../../../src/audit/metrics/reading.ts'
import type { Answer } from '../../../src/core/exchange.ts'
import { Fault } from '../../../src/core/fault.ts'
import { callOf, toolWith } from '../../inspection/fixtures.ts'

const call: Ended = {
  upstream: 'files',
  method: 'tools/call',
  tool: 'read',
  era: 'modern',
  tenant: 'default',
  outcome: 'ok',
  seconds: 0.003,
}

const textOf = async (readings: readonly Reading[]): Promise<string> => exposition(async () => readings).text()
const lines = (text: string, name: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))

describe('a family of cells', () => {
  it('finds the same cell for the same labels', () => {
    const family = new Family(['a', 'b'], () => new Counter(), 10)
    family.of('x', 'y').add()
    family.of('x', 'y').add(2)
    family.of('x', 'z').add()
    assert.deepEqual(
      family.entries.map(({ labels, cell }) => [labels, cell.value]),
      [
        [{ a: 'x', b: 'y' }, 3],
        [{ a: 'x', b: 'z' }, 1],
      ],
    )
  })

  it('is bounded: what comes later is counted together, and nothing is lost', () => {
    const family = new Family(['a'], () => new Counter(), 3)
    for (let n = 0; n < 1_000; n++) family.of(`name ${n}`).add()
    assert(family.entries.length <= 4)
    assert.equal(
      family.entries.reduce((sum, { cell }) => sum + cell.value, 0),
      1_000,
    )
    assert.equal(family.entries.at(-1)?.labels['a'], 'other')
  })
})

describe('a histogram', () => {
  it('counts each observation once, at the first bound that it is not above', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (values) => {
        const histogram = new Histogram([1, 2, 5, 10])
        for (const value of values) histogram.observe(value)
        const expected = [0, 1, 2, 5, 10].map((bound, index, bounds) =>
          index === 4
            ? values.filter((value) => value > 10).length
            : values.filter((value) => value <= (bounds[index + 1] as number) && (index === 0 || value > bound)).length,
        )
        assert.deepEqual([...histogram.counts], expected)
      }),
    )
  })
})

describe('what is exposed', () => {
  it('is text that Prometheus reads, histograms cumulative', async () => {
    const metrics = new GatewayMetrics()
    for (const seconds of [0.003, 0.004, 0.3, 1_000]) metrics.ended({ ...call, seconds })
    const text = await textOf(metrics.readings)
    const name = 'mcp_server_operation_duration_seconds'
    const labels = 'upstream="files",mcp_method_name="tools/call",gen_ai_tool_name="read",error_type=""'
    assert(text.includes(`# TYPE ${name} histogram`))
    const bucket = (le: string): string | undefined =>
      lines(text, `${name}_bucket`).find((line) => line.includes(`le="${le}"`))
    assert.equal(bucket('0.005'), `${name}_bucket{le="0.005",${labels}} 2`)
    assert.equal(bucket('0.5'), `${name}_bucket{le="0.5",${labels}} 3`)
    assert.equal(bucket('+Inf'), `${name}_bucket{le="+Inf",${labels}} 4`)
    assert.deepEqual(lines(text, `${name}_count`), [`${name}_count{${labels}} 4`])
    assert.match(text, /^portcullis_calls_total\{.*tenant="default",outcome="ok"\} 4$/m)
    assert.match(text, /^process_cpu_user_seconds_total /m)
    assert.match(text, /^nodejs_eventloop_lag_/m)
  })

  it('cannot be broken by the name of a tool', async () => {
    const metrics = new GatewayMetrics()
    metrics.ended({ ...call, tool: 'a"} 1\nfake_metric{x="\\' })
    const text = await textOf(metrics.readings)
    assert(!/^fake_metric/m.test(text), text)
  })

  it('counts faults by their code, with and without a message', async () => {
    const metrics = new GatewayMetrics()
    metrics.ended({ ...call, outcome: 'policy.denied' })
    metrics.ended({ ...call, method: '', upstream: '', outcome: 'traffic.rate_limited' })
    metrics.ended({ ...call, outcome: 'internal' })
    metrics.ended({ ...call, outcome: 'tool_error' })
    const text = await textOf(metrics.readings)
    assert.deepEqual(lines(text, 'portcullis_refusals_total'), [
      'portcullis_refusals_total{code="policy.denied"} 1',
      'portcullis_refusals_total{code="traffic.rate_limited"} 1',
      'portcullis_refusals_total{code="internal"} 1',
    ])
    assert.equal(lines(text, 'portcullis_calls_total').length, 3)
  })

  it('names no more tenants than can be looked at', async () => {
    const metrics = new GatewayMetrics()
    for (let n = 0; n < 300; n++) metrics.ended({ ...call, tenant: `tenant-${n}` })
    const text = await textOf(metrics.readings)
    assert.equal(lines(text, 'portcullis_calls_total').length, 101)
    assert.match(text, /tenant="other",outcome="ok"\} 200$/m)
  })
})

describe('the stage that counts', () => {
  const heard: Ended[] = []
  const metrics = { ended: (ended: Ended) => void heard.push(ended), recorded() {}, recordLost() {}, committed() {} }
  const stage = measure(metrics)
  const principal = { id: 'alice', tenant: 'acme' }
  const exchange = () => Object.assign(callOf(toolWith({ type: 'object' }), {}), { principal })
  const outcome = async (next: () => Promise<Answer>): Promise<Ended | undefined> => {
    await stage.wrap(exchange() as never, next).catch(() => {})
    return heard.pop()
  }

  it('tells what is known of a message, and nobody’s name', async () => {
    const { seconds, ...ended } = (await outcome(async () => ({ status: 200 }))) as Ended
    assert.deepEqual(ended, {
      upstream: 'files',
      method: 'tools/call',
      tool: 'tool',
      era: 'modern',
      tenant: 'acme',
      outcome: 'ok',
    })
    assert(seconds >= 0)
  })

  it('tells answers, failures of tools, errors and faults apart, and passes them on', async () => {
    const answer = (message: object) => async () =>
      ({ status: 200, message: { jsonrpc: '2.0', id: 1, ...message } }) as Answer
    assert.equal((await outcome(answer({ result: {} })))?.outcome, 'ok')
    assert.equal((await outcome(answer({ result: { isError: true } })))?.outcome, 'tool_error')
    assert.equal((await outcome(answer({ error: {} })))?.outcome, 'rpc_error')
    assert.equal((await outcome(async () => Promise.reject(new Fault('policy.denied'))))?.outcome, 'policy.denied')
    assert.equal((await outcome(async () => Promise.reject(new RangeError('bug'))))?.outcome, 'internal')
    const fault = new Fault('policy.denied')
    await assert.rejects(
      stage.wrap(exchange() as never, () => Promise.reject(fault)),
      (thrown) => thrown === fault,
    )
  })

  it('does nothing at all when nobody watches', async () => {
    const answer = { status: 202 }
    assert.equal(await measure(undefined).wrap(exchange() as never, async () => answer), answer)
  })
})

describe('a measured ledger', () => {
  it('counts what became durable and what could not, and changes neither', async () => {
    const metrics = new GatewayMetrics()
    const failure = new Fault('audit.unavailable')
    const append = (tenant: string) => (tenant === 'broken' ? Promise.reject(failure) : Promise.resolve())
    const ledger = measuredLedger({ intact: (tenant) => tenant !== 'broken', append }, metrics)
    assert.deepEqual([ledger.intact('whole'), ledger.intact('broken')], [true, false])
    await ledger.append('whole', { kind: 'call' } as never)
    await assert.rejects(ledger.append('broken', { kind: 'call' } as never), (thrown) => thrown === failure)
    metrics.committed(3)
    const text = await textOf(metrics.readings)
    assert.deepEqual(lines(text, 'portcullis_audit_records_total'), ['portcullis_audit_records_total{kind="call"} 1'])
    assert.deepEqual(lines(text, 'portcullis_audit_lost_total'), ['portcullis_audit_lost_total 1'])
    assert.deepEqual(lines(text, 'portcullis_audit_commit_records_sum'), ['portcullis_audit_commit_records_sum 3'])
  })
})

describe('usage of processes', () => {
  const usage = (cpuMs: number, outputBytes: number) => ({
    cpuMs,
    outputBytes,
    sentBytes: 1,
    receivedBytes: 2,
    memoryBytes: 4_096,
  })
  const read = async (metrics: ProcessMetrics, live: Parameters<ProcessMetrics['readings']>[0]) =>
    textOf(metrics.readings(live))

  it('adds up what runs and what has ended, and totals never fall', async () => {
    const metrics = new ProcessMetrics()
    metrics.started('files')
    metrics.started('files')
    const cpu = async (live: Parameters<ProcessMetrics['readings']>[0]) =>
      lines(await read(metrics, live), 'portcullis_sandbox_cpu_seconds_total')
    const total = (seconds: number) => [`portcullis_sandbox_cpu_seconds_total{upstream="files"} ${seconds}`]
    const [one, two] = [
      { upstream: 'files', usage: usage(1_000, 10) },
      { upstream: 'files', usage: usage(500, 5) },
    ]
    assert.deepEqual(await cpu([one, two]), total(1.5))
    assert.deepEqual(await cpu([two]), total(1.5))
    metrics.ended('files', 'out-of-memory', usage(1_250, 12))
    assert.deepEqual(await cpu([two]), total(1.75))
    const text = await read(metrics, [two])
    assert(text.includes('portcullis_sandbox_ends_total{upstream="files",reason="out-of-memory"} 1'))
    assert(text.includes('portcullis_sandbox_starts_total{upstream="files"} 2'))
    assert(text.includes('portcullis_sandboxes{upstream="files"} 1'))
    assert(text.includes('portcullis_sandbox_memory_bytes{upstream="files"} 4096'))
    assert(text.includes('portcullis_sandbox_egress_bytes_total{upstream="files",direction="received"} 4'))
  })

  it('tells nothing that the host cannot measure', async () => {
    const metrics = new ProcessMetrics()
    metrics.started('files')
    const text = await read(metrics, [{ upstream: 'files', usage: { outputBytes: 3, sentBytes: 0, receivedBytes: 0 } }])
    assert.deepEqual(lines(text, 'portcullis_sandbox_cpu_seconds_total'), [])
    assert.deepEqual(lines(text, 'portcullis_sandbox_memory_bytes'), [])
    assert.deepEqual(lines(text, 'portcullis_sandbox_output_bytes_total'), [
      'portcullis_sandbox_output_bytes_total{upstream="files"} 3',
    ])
  })
})
