/** AU-2: what is logged reaches the collector once, without secrets, within bounds, and never logs itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from '../../../src/audit/log.ts'
import type { Delivered } from '../../../src/audit/telemetry/delivery.ts'
import { TelemetryHealth } from '../../../src/audit/telemetry/health.ts'
import { LogExporter } from '../../../src/audit/telemetry/log-exporter.ts'
import { LogTap } from '../../../src/audit/telemetry/log-tap.ts'
import { Outbox } from '../../../src/audit/telemetry/outbox.ts'

const RESOURCE = { name: 'test', version: '1', instance: 'i', host: 'h', attributes: {} }
const CLOCK = { now: () => 1_700_000_000_123 }

function scene(send: (body: string) => Promise<Delivered>) {
  const health = new TelemetryHealth(
    () => undefined,
    () => 0,
  )
  const delivery = { send, end: () => undefined, close: async () => undefined }
  const outbox = new Outbox(8, 100_000)
  const shared = { delivery, health, resource: RESOURCE, closeMs: 20, outbox, batch: 4, waitMs: 5 }
  const exporter = new LogExporter({ ...shared, level: 'info' })
  const written: string[] = []
  const log: Logger = {
    debug: (message) => written.push(message),
    info: (message) => written.push(message),
    warn: (message) => written.push(message),
    error: (message) => written.push(message),
    child: () => log,
  }
  return { tap: new LogTap(log, CLOCK), exporter, health, written }
}

test('entries of the start and later ones go out once, in order, with the facts of their children and no secret', async () => {
  const bodies: string[] = []
  const { tap, exporter, written } = scene(async (body) => (bodies.push(body), { ok: true, rejected: 0 }))
  tap.logger.info('early')
  tap.logger.debug('too small')
  tap.attach(exporter.add)
  tap.logger.child({ upstream: 'files' }).warn('to jane@example.org', { password: 'hunter2hunter2', at: 7 })
  await exporter.close()
  assert.deepEqual(written, ['early', 'too small', 'to jane@example.org'])
  const [{ resourceLogs }] = bodies.map((body) => JSON.parse(body)) as [{ resourceLogs: never }]
  const [{ scopeLogs }] = resourceLogs as [{ scopeLogs: [{ logRecords: Record<string, unknown>[] }] }]
  const records = scopeLogs[0].logRecords
  assert.deepEqual(
    records.map(({ severityText, body, timeUnixNano }) => [severityText, body, timeUnixNano]),
    [
      ['INFO', { stringValue: 'early' }, '1700000000123000000'],
      ['WARN', { stringValue: 'to [email]' }, '1700000000123000000'],
    ],
  )
  assert.match(JSON.stringify(records[1]), /files/)
  assert.doesNotMatch(JSON.stringify(bodies), /hunter2|jane/)
})

test('what finds no room while the collector hangs is lost and counted', async () => {
  const { tap, exporter, health } = scene(() => new Promise(() => undefined))
  tap.attach(exporter.add)
  for (let each = 0; each < 50; each++) tap.logger.info(`entry ${each}`)
  assert.deepEqual(
    health.readings[1]?.values.map(({ labels, value }) => [labels['signal'], labels['reason'], value]),
    [['logs', 'full', 38]],
  )
  await exporter.close()
})
