import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { LEGACY_VERSIONS } from '../../src/mcp/versions.ts'
import type { LinkWish } from '../../src/upstream/connector.ts'
import type { LinkClient } from '../../src/upstream/link.ts'
import { StdioConnector } from '../../src/upstream/stdio-connector.ts'
import type { ProcessOwner } from '../../src/upstream/warm-process.ts'
import { call, FakeProcess, GATEWAY, isFault, never, parse, recorder, until } from './harness.ts'

const OWN: LinkClient = { info: GATEWAY, capabilities: {}, version: LEGACY_VERSIONS[0] }
const DISCOVERED = { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' }
const INITIALIZED = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {} }
const connectors: StdioConnector[] = []
afterEach(() => Promise.all(connectors.splice(0).map((connector) => connector.close())))

function setUp(era: 'modern' | 'legacy', processes: number) {
  const spawned: Array<{ scope: string; owner: ProcessOwner; process: FakeProcess; methods(): unknown[] }> = []
  const spawn = async (scope: string, owner: ProcessOwner): Promise<FakeProcess> => {
    const process = new FakeProcess()
    const reply = (id: unknown, body: object): void =>
      queueMicrotask(() => process.emit({ jsonrpc: '2.0', id, ...body }))
    process.onSend = ({ id, method }) => {
      if (method === 'server/discover' && era === 'modern') reply(id, { result: DISCOVERED })
      else if (method === 'initialize') reply(id, { result: INITIALIZED })
      else if (method === 'tools/call') reply(id, { result: { content: [] } })
      else if (id !== undefined) reply(id, { error: { code: -32601, message: '' } })
    }
    spawned.push({ scope, owner, process, methods: () => process.lines.map((line) => line['method']) })
    return process
  }
  const violations: unknown[] = []
  const connector = new StdioConnector({
    spawn,
    parse,
    gateway: GATEWAY,
    probeTimeoutMs: 100,
    startTimeoutMs: 1_000,
    maxWaitingBytes: 10_000,
    maxWaitingMessages: 10,
    onViolation: (owner, violation) => violations.push([owner.scope, violation]),
    warm: { clock: { now: () => 0 }, processes, idleMs: 60_000 },
  })
  connectors.push(connector)
  const open = (scope: string, more: Partial<LinkWish> = {}) =>
    connector.open({ era, client: OWN, unsolicited: recorder(), scope, owner: 'one', ...more })
  return { connector, open, spawned, violations }
}

describe('StdioConnector', () => {
  it('starts nothing ahead unless told to', async () => {
    const { open, spawned } = setUp('modern', 0)
    await open('alice')
    await new Promise((resolve) => setTimeout(resolve, 80))
    assert.equal(spawned.length, 1)
  })

  it('starts nothing ahead before the era is known', async () => {
    const { open, spawned } = setUp('modern', 1)
    await open('alice', { era: 'auto' })
    assert.equal(spawned.length, 1)
    await until(() => spawned.length === 2)
    assert.deepEqual(
      spawned.map(({ scope }) => scope),
      ['alice', 'warm'],
    )
  })

  it('hands a modern process over that has shaken hands, to one scope only', async () => {
    const { open, spawned } = setUp('modern', 1)
    await open('alice')
    await until(() => spawned[1]?.methods().includes('server/discover') === true)
    const link = await open('bob')
    assert.equal(spawned.length, 2, 'nothing was started for him')
    assert.equal(spawned[1]?.owner.scope, 'bob')
    await link.request(call('x'), recorder(), never())
    assert.deepEqual(spawned[1]?.methods(), ['server/discover', 'tools/call'])
    await until(() => spawned.length === 3)
    const another = await open('bob')
    assert.notEqual(another, link)
    assert.equal(spawned[2]?.owner.scope, 'bob')
    assert.equal(spawned[0]?.owner.scope, 'alice')
  })

  it('gives the messages of no request to whoever has the process now', async () => {
    const { open, spawned } = setUp('modern', 1)
    const [before, mine] = [recorder(), recorder()]
    await open('alice', { unsolicited: before })
    await until(() => spawned[1]?.methods().includes('server/discover') === true)
    const note = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
    spawned[1]?.process.emit(note)
    await open('bob', { unsolicited: mine })
    spawned[1]?.process.emit(note)
    await until(() => mine.notes.length === 1)
    assert.equal(before.notes.length, 0)
  })

  it('initializes a legacy process ahead for the gateway itself, which declares nothing', async () => {
    const { open, spawned } = setUp('legacy', 1)
    await open('alice')
    await until(() => spawned[1]?.methods().includes('notifications/initialized') === true)
    await open('bob')
    assert.equal(spawned.length, 2)
    assert.deepEqual(spawned[1]?.methods(), ['initialize', 'notifications/initialized'])
    assert.deepEqual(spawned[1]?.process.lines[0]?.['params'], {
      protocolVersion: LEGACY_VERSIONS[0],
      capabilities: {},
      clientInfo: GATEWAY,
    })
  })

  it('only starts a legacy process for clients that declare something, and initializes it for the one that has it', async () => {
    const { open, spawned } = setUp('legacy', 1)
    const client = { ...OWN, capabilities: { roots: {} } }
    await open('alice', { client })
    await until(() => spawned.length === 2)
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.deepEqual(spawned[1]?.methods(), [])
    await open('bob', { client })
    assert.equal(spawned.length, 2)
    const sent = spawned[1]?.process.lines[0]?.['params'] as Record<string, unknown> | undefined
    assert.deepEqual(sent?.['capabilities'], { roots: {} })
  })

  it('never hands a process that was initialized for nobody to a client that declares something', async () => {
    const { open, spawned } = setUp('legacy', 1)
    await open('alice')
    await until(() => spawned[1]?.methods().includes('notifications/initialized') === true)
    await open('bob', { client: { ...OWN, capabilities: { sampling: {} } } })
    assert.equal(spawned[2]?.scope, 'bob')
  })

  it('starts one for the caller when the one that waited has just ended', async () => {
    const { open, spawned } = setUp('legacy', 1)
    const client = { ...OWN, capabilities: { roots: {} } }
    await open('alice', { client })
    await until(() => spawned.length === 2)
    const waiting = spawned[1]?.process as FakeProcess
    waiting.onSend = () => waiting.exit()
    const link = await open('bob', { client })
    assert.equal(link.closed, false)
    assert.equal(spawned.filter(({ scope }) => scope === 'bob').length, 1)
  })

  it('ends those that wait when it is closed', async () => {
    const { connector, open, spawned } = setUp('modern', 2)
    await open('alice')
    await until(() => spawned.length === 3 && spawned[2]?.methods().length === 1)
    await connector.close()
    assert.deepEqual(
      spawned.map(({ process }) => process.stopped),
      [0, 1, 1],
    )
  })

  it('does not wait for a process that says nothing when it is closed, and starts no other', async () => {
    const silent: FakeProcess[] = []
    const spawn = async () => {
      const process = new FakeProcess()
      silent.push(process)
      return process
    }
    const limits = { probeTimeoutMs: 600_000, startTimeoutMs: 600_000, maxWaitingBytes: 1, maxWaitingMessages: 1 }
    const connector = new StdioConnector({ spawn, parse, gateway: GATEWAY, ...limits })
    const wish = { era: 'auto', client: OWN, unsolicited: recorder(), scope: 'bob', owner: 'one' } as const
    const opening = assert.rejects(connector.open(wish), isFault('upstream.ended'))
    await until(() => silent[0]?.lines.length === 1)
    connector.shut()
    await opening
    await assert.rejects(connector.open(wish), isFault('upstream.ended'))
    assert.ok(silent.every(({ stopped }) => stopped > 0))
    assert.ok(silent.every(({ lines }) => lines.every(({ method }) => method !== 'initialize')))
  })

  it('tells under whose process the protocol was broken', async () => {
    const { open, spawned, violations } = setUp('modern', 0)
    const link = await open('alice')
    const { process } = spawned[0] as { process: FakeProcess }
    for (const line of ['hello', 'hello', '{"broken"', { jsonrpc: '2.0', id: 99, result: {} }]) process.emit(line)
    assert.deepEqual(violations, [
      ['alice', 'stray-output'],
      ['alice', 'broken-message'],
      ['alice', 'unasked-answer'],
    ])
    assert.equal(link.closed, false)
  })

  it('ends a process that breaks the protocol without end, and its calls with it', async () => {
    const { open, spawned, violations } = setUp('modern', 0)
    const link = await open('alice')
    const { process } = spawned[0] as { process: FakeProcess }
    process.onSend = () => {}
    const waiting = assert.rejects(
      link.request(call('x'), recorder(), never()),
      isFault('upstream.malformed', { reason: 'too many broken messages' }),
    )
    for (let sent = 0; sent < 500; sent++) process.emit({ jsonrpc: '2.0', id: 'never asked', result: {} })
    await waiting
    assert.equal(link.closed, true)
    assert.equal(process.stopped, 1)
    assert.deepEqual(violations.at(-1), ['alice', 'too-many'])
  })

  it('ends a process that asks without end, and answers one that asks often', async () => {
    const { open, spawned, violations } = setUp('modern', 0)
    const link = await open('alice')
    const { process } = spawned[0] as { process: FakeProcess }
    process.onSend = () => {}
    const ask = (): void => process.emit({ jsonrpc: '2.0', id: 'q', method: 'ping' })
    for (let sent = 0; sent < 4_000; sent++) ask()
    await until(() => process.lines.filter((line) => line['id'] === 'q').length === 4_000)
    assert.equal(link.closed, false)
    for (let sent = 0; sent < 1_000; sent++) ask()
    assert.deepEqual([link.closed, violations], [true, [['alice', 'too-many']]])
  })

  it('takes no late answer to a call that was given up for a violation', async () => {
    const { open, spawned, violations } = setUp('modern', 0)
    const link = await open('alice')
    const { process } = spawned[0] as { process: FakeProcess }
    process.onSend = () => {}
    const cancellation = never()
    const given = assert.rejects(link.request(call('x'), recorder(), cancellation), isFault('upstream.ended'))
    cancellation.cancel('client-left')
    await given
    process.emit({
      jsonrpc: '2.0',
      id: process.lines.find((line) => line['method'] === 'tools/call')?.['id'],
      result: {},
    })
    assert.deepEqual(violations, [])
  })

  for (const [title, code, answers, ending] of [
    ['left when it exits in order after it answered', 0, true, 'left'],
    ['crashed when it exits in order without an answer', 0, false, 'crashed'],
    ['crashed when it fails', 1, true, 'crashed'],
  ] as const) {
    it(`says that a process ${title}`, async () => {
      const { open, spawned } = setUp('modern', 0)
      const link = await open('alice')
      if (answers) await link.request(call('x'), recorder(), never())
      spawned[0]?.process.exit('exited', code)
      await until(() => link.closed)
      assert.equal(link.ending, ending)
    })
  }
})
