import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Fault } from '../../src/core/fault.ts'
import { openStdio, type StdioOpenOptions } from '../../src/upstream/stdio-open.ts'
import { CLIENT, FakeProcess, GATEWAY, isFault, parse, recorder } from './harness.ts'

type Message = Record<string, unknown>
const OPTIONS: StdioOpenOptions = {
  parse,
  owner: 'one',
  unsolicited: recorder(),
  maxWaitingBytes: 10_000,
  maxWaitingMessages: 10,
  era: 'auto',
  client: { ...CLIENT, capabilities: { roots: {} } },
  gateway: GATEWAY,
  probeTimeoutMs: 50,
  startTimeoutMs: 1_000,
}
const DISCOVERED = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, resultType: 'complete' }
const INITIALIZED = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's' }, instructions: 'i' }

function processThat(answers: Record<string, unknown>): FakeProcess {
  const process = new FakeProcess()
  process.onSend = ({ id, method }) => {
    const body = answers[method as string]
    if (body !== undefined) queueMicrotask(() => process.emit({ jsonrpc: '2.0', id, ...(body as Message) }))
  }
  return process
}
const methods = (process: FakeProcess): unknown[] => process.lines.map((line) => line['method'])
const unknown = { error: { code: -32601, message: 'Method not found' } }

describe('openStdio', () => {
  it('finds a modern process by one probe', async () => {
    const process = processThat({ 'server/discover': { result: DISCOVERED } })
    const link = await openStdio(process, OPTIONS)
    assert.equal(link.era, 'modern')
    assert.deepEqual(link.server.capabilities, { tools: {} })
    assert.deepEqual(methods(process), ['server/discover'])
  })

  const legacyProbes = {
    'says that it does not know the method': unknown,
    'answers with an error of its own': { error: { code: -32000, message: 'not initialized' } },
    'names legacy versions only': { error: { code: -32022, message: 'v', data: { supported: ['2025-11-25'] } } },
    'answers with something else': { result: {} },
    'names no modern version': { result: { supportedVersions: ['2025-11-25'], capabilities: {} } },
    'says nothing': undefined,
  }
  for (const [title, probe] of Object.entries(legacyProbes)) {
    it(`initializes the same process when it ${title}`, async () => {
      const process = processThat({ 'server/discover': probe, initialize: { result: INITIALIZED } })
      const link = await openStdio(process, OPTIONS)
      assert.equal(link.era, 'legacy')
      assert.deepEqual(link.server, {
        protocolVersion: '2025-06-18',
        capabilities: {},
        serverInfo: { name: 's' },
        instructions: 'i',
      })
      assert.deepEqual(methods(process), ['server/discover', 'initialize', 'notifications/initialized'])
      const sent = process.lines[1]?.['params'] as Message
      assert.deepEqual(sent['capabilities'], { roots: {} })
    })
  }

  it('does not probe when the era is configured', async () => {
    const process = processThat({ initialize: { result: INITIALIZED } })
    await openStdio(process, { ...OPTIONS, era: 'legacy' })
    assert.deepEqual(methods(process), ['initialize', 'notifications/initialized'])
  })

  const failures = {
    'a legacy process where a modern one is configured': [{ 'server/discover': unknown }, 'modern'],
    'a process of a newer revision only': [
      { 'server/discover': { error: { code: -32022, message: 'v', data: { supported: ['2027-01-01'] } } } },
      'auto',
    ],
    'an unknown legacy version': [
      { initialize: { result: { ...INITIALIZED, protocolVersion: '1999-01-01' } } },
      'legacy',
    ],
    'a refused initialize': [{ initialize: unknown }, 'legacy'],
  } as const
  for (const [title, [answers, era]] of Object.entries(failures)) {
    it(`refuses and stops ${title}`, async () => {
      const process = processThat(answers)
      await assert.rejects(openStdio(process, { ...OPTIONS, era }), isFault('upstream.unsupported'))
      assert.equal(process.stopped, 1)
    })
  }

  it('stops a process that never answers initialize', async () => {
    const process = processThat({ 'server/discover': unknown })
    await assert.rejects(
      openStdio(process, { ...OPTIONS, startTimeoutMs: 50 }),
      (thrown: Fault) =>
        thrown.code === 'upstream.unavailable' && thrown.says === 'The upstream did not start in time.',
    )
    assert.equal(process.stopped, 1)
    assert.ok(!methods(process).includes('notifications/cancelled'))
  })

  it('says that a process ended while it was started, and keeps why for the record', async () => {
    const process = new FakeProcess()
    process.onSend = () => process.exit('exited', 3)
    await assert.rejects(
      openStdio(process, OPTIONS),
      (thrown: Fault) =>
        thrown.says === 'The upstream ended while it was started.' &&
        thrown.detail['code'] === 3 &&
        thrown.detail['when'] === 'start',
    )
  })
})
