/** AU-2: telemetry is off unless asked for, its weaknesses have their words, and the environment fills what is left open. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'
import { targetProblem, telemetryTarget, type TelemetryConfig } from '../../src/config/telemetry-target.ts'
import { telemetryWeaknesses } from '../../src/config/telemetry-weaknesses.ts'

const parsed = (telemetry: object) =>
  configSchema.parse({ version: 1, state: 's', telemetry }).telemetry as TelemetryConfig

describe('telemetry', () => {
  it('is nothing when nothing is said, and tells of nobody when it is on', () => {
    assert.equal(configSchema.parse({ version: 1, state: 's' }).telemetry, undefined)
    const config = parsed({ endpoint: 'https://c', traces: {}, metrics: {} })
    assert.deepEqual([config.principals, config.tenants], ['omitted', 'omitted'])
    assert.deepEqual(config.traces?.sampling, { ratio: 1, perSecond: 100, callers: 'limited', callersPerSecond: 5 })
    assert.deepEqual(telemetryWeaknesses({ telemetry: config }), [])
  })

  it('has a word for each guarantee that it gives up', () => {
    const telemetry = parsed({
      endpoint: 'http://localhost:4318',
      plaintext: 'loopback-only',
      principals: 'named',
      tenants: 'named',
      traces: { sampling: { callers: 'trusted' }, content: { arguments: ['files/read'], results: ['files/*'] } },
    })
    assert.deepEqual(
      telemetryWeaknesses({ telemetry }).map(({ path, word }) => `${path} ${word}`),
      [
        'telemetry.plaintext loopback-only',
        'telemetry.principals named',
        'telemetry.tenants named',
        'telemetry.traces.sampling.callers trusted',
        'telemetry.traces.content.arguments files/read',
        'telemetry.traces.content.results files/*',
      ],
    )
  })

  it('sends the header of the environment to the collector of the environment alone', () => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318/',
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20x, x-bad name=1,x-broken=%,x-split=a%0d%0ab',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=named,zone=a%20b,broken',
    }
    const { endpoint, headers, serviceName, attributes } = telemetryTarget(parsed({ traces: {} }), environment)
    assert.equal(endpoint, 'https://collector:4318')
    assert.deepEqual(Object.keys(headers), ['authorization'])
    assert.equal(headers['authorization']?.reveal(), 'Bearer x')
    assert.deepEqual([serviceName, attributes], ['named', { zone: 'a b' }])
    assert.deepEqual(telemetryTarget(parsed({ endpoint: 'https://other' }), environment).headers, {})
  })

  it('is not sent in the clear, whoever names the collector', () => {
    const bad = [
      [{}, {}],
      [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
      [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector' }],
      [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://collector' }],
      [{ endpoint: 'http://127.0.0.1:4318' }, {}],
      [{ endpoint: 'http://collector:4318', plaintext: 'loopback-only' }, {}],
      [{ endpoint: 'https://collector:4318', plaintext: 'loopback-only' }, {}],
      [{ endpoint: 'http://127.0.0.1.example.com', plaintext: 'loopback-only' }, {}],
    ] as const
    for (const [telemetry, environment] of bad)
      assert.notEqual(
        targetProblem(parsed(telemetry), environment),
        undefined,
        JSON.stringify([telemetry, environment]),
      )
    assert.equal(targetProblem(parsed({ endpoint: 'http://[::1]:4318', plaintext: 'loopback-only' }), {}), undefined)
  })
})
