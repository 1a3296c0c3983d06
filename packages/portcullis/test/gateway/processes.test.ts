/** SB-5: nothing that a process does goes unrecorded; one whose accesses cannot be recorded is ended. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordBody } from '../../src/audit/record.ts'
import { Fault } from '../../src/core/fault.ts'
import { Processes } from '../../src/gateway/processes.ts'
import type { Access, OnAccess } from '../../src/sandbox/access.ts'
import type { ExitReport, LaunchSpec, SandboxedProcess } from '../../src/sandbox/driver.ts'

const SPEC = { command: 'x', args: [], env: {}, readOnly: [], readWrite: [], network: 'none' } as unknown as LaunchSpec
const FILE: Access = { kind: 'file', change: 'created', path: '/data/x' }
const ENFORCES = { memory: 'cgroup', processes: 'cgroup', cpu: 'cgroup', disk: 'hard', network: [] } as const
const USAGE = { cpuMs: 12, outputBytes: 3, sentBytes: 0, receivedBytes: 0 }

function newHouse(flushed: readonly Access[] = []) {
  const written: Array<readonly [tenant: string, body: RecordBody]> = []
  const logged: string[] = []
  const kills: string[] = []
  const exits = Promise.withResolvers<ExitReport>()
  const state = { whole: true, launched: 0, flushes: 0 }
  let tell: OnAccess = () => assert.fail('nothing was launched')
  const note = (message: string): void => void logged.push(message)
  const log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const ledger = {
    intact: () => state.whole,
    append(tenant: string, body: RecordBody): Promise<void> {
      if (!state.whole) return Promise.reject(new Fault('audit.unavailable'))
      written.push([tenant, body])
      return Promise.resolve()
    },
  }
  const confined: SandboxedProcess = {
    pid: 77,
    ...{ send: () => true, onDrain() {}, onLine() {}, pause() {}, resume() {}, onStderr() {} },
    exited: exits.promise,
    stop: () => exits.promise,
    usage: async () => USAGE,
    async flush() {
      state.flushes++
      for (const access of flushed) tell(access)
    },
    kill(reason) {
      kills.push(reason)
      exits.resolve({ code: null, signal: 'SIGKILL', reason, stderrTail: '' })
    },
  }
  const driver = {
    name: 'bubblewrap' as const,
    probe: () => assert.fail('probed'),
    async launch({ onAccess }: LaunchSpec) {
      state.launched++
      tell = onAccess as OnAccess
      return confined
    },
  }
  const processes = new Processes({ ledger, clock: { now: () => 1_000 }, log })
  const owner = { scope: JSON.stringify(['principal', 'acme', 'key:1']) }
  const start = () => processes.start({ upstream: 'files', owner, walls: { driver, enforces: ENFORCES }, spec: SPEC })
  const access: OnAccess = (seen) => tell(seen)
  return { processes, start, owner, state, written, logged, kills, exits, access }
}

const ALICE = { upstream: 'files', scope: 'principal', principal: 'key:1', pid: 77 }

test('the beginning, the accesses and the end of a process are in the chain of its tenant, with what it used', async () => {
  const { processes, start, written, exits, access } = newHouse()
  await start()
  access(FILE)
  exits.resolve({ code: 0, signal: null, reason: 'exited', stderrTail: 'not for the record' })
  await processes.settled()
  assert.deepEqual(written, [
    ['acme', { kind: 'process', ...ALICE, event: 'started', driver: 'bubblewrap', enforcement: ENFORCES }],
    ['acme', { kind: 'access', ...ALICE, access: FILE }],
    [
      'acme',
      {
        ...{ kind: 'process', ...ALICE, event: 'ended', driver: 'bubblewrap', reason: 'exited' },
        ...{ code: 0, signal: null, usage: USAGE, durationMs: 0 },
      },
    ],
  ])
})

test('before a call is over, its files are looked for, and they are told to be of it', async () => {
  const { start, written, state } = newHouse([FILE])
  const { calls } = await start()
  calls?.begin('incident-1')
  await calls?.end('incident-1')
  assert.equal(state.flushes, 1)
  assert.deepEqual(written.at(-1), ['acme', { kind: 'access', incident: 'incident-1', ...ALICE, access: FILE }])
})

test('a process that waited is recorded as whose it is from then on', async () => {
  const { start, owner, written, access } = newHouse()
  owner.scope = 'warm'
  await start()
  owner.scope = JSON.stringify(['tenant', 'acme'])
  access(FILE)
  assert.deepEqual(
    written.map(([tenant, body]) => [tenant, 'scope' in body && body.scope]),
    [
      ['@gateway', 'gateway'],
      ['acme', 'tenant'],
    ],
  )
})

test('without a trail no process is started', async () => {
  const { start, state } = newHouse()
  state.whole = false
  await assert.rejects(start(), (thrown: unknown) => thrown instanceof Fault && thrown.code === 'audit.unavailable')
  assert.equal(state.launched, 0)
})

test('a process whose access cannot be recorded is ended, and the call that it was at gets no answer', async () => {
  const { processes, start, state, kills, logged, access } = newHouse()
  const { calls } = await start()
  calls?.begin('incident-1')
  state.whole = false
  access(FILE)
  await assert.rejects(
    calls?.end('incident-1') as Promise<void>,
    (thrown: unknown) => thrown instanceof Fault && thrown.code === 'audit.unavailable',
  )
  assert.deepEqual(kills, ['unrecorded'])
  await processes.settled()
  assert.ok(logged.includes('an upstream process ends because its accesses cannot be recorded'))
  assert.ok(logged.includes('the end of an upstream process is not on record'))
})

test('what breaks the protocol is recorded as a wall that was met', async () => {
  const { processes, start, owner, written } = newHouse()
  await start()
  processes.offended(owner, 'broken-message')
  assert.deepEqual(written.at(-1)?.[1], {
    kind: 'access',
    ...ALICE,
    access: { kind: 'refused', wall: 'protocol', what: 'broken-message' },
  })
})
