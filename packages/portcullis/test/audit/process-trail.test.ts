import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AccessBudget } from '../../src/audit/access-budget.ts'
import { CallTimes } from '../../src/audit/call-times.ts'
import type { ProcessBody, RecordBody, RecordedAccess } from '../../src/audit/record.ts'
import { ProcessTrail } from '../../src/audit/process-trail.ts'
import { Fault } from '../../src/core/fault.ts'

const DOER = { tenant: 'acme', upstream: 'files', scope: 'principal', principal: 'key:1', pid: 7 } as const
const { tenant: _tenant, ...SHOWN } = DOER
const egress = (more: object = {}): RecordedAccess => ({
  kind: 'egress',
  allowed: true,
  host: 'api.example',
  port: 443,
  protocol: 'connect',
  ...more,
})
const file = (path: string): RecordedAccess => ({ kind: 'file', change: 'created', path })

const look = async () => {}

function newTrail(now = 1_000) {
  const bodies: RecordBody[] = []
  const tenants: string[] = []
  const broken: unknown[] = []
  const state = { now, whole: true }
  const trail = new ProcessTrail({
    clock: { now: () => state.now },
    ledger: {
      append(tenant, body) {
        if (!state.whole) return Promise.reject(new Fault('audit.unavailable'))
        tenants.push(tenant)
        bodies.push(body)
        return Promise.resolve()
      },
    },
    doer: () => DOER,
    onBroken: (cause) => void broken.push(cause),
  })
  return { trail, bodies, tenants, broken, state }
}

test('a process begins, does something and ends, in the chain of whoever it belongs to', async () => {
  const { trail, bodies, tenants, state } = newTrail()
  trail.started('bubblewrap', { memory: 'cgroup' })
  trail.access(file('/data/x'))
  state.now += 250
  await trail.ended('bubblewrap', { reason: 'exited', code: 0, signal: null, usage: { outputBytes: 5 } })
  assert.deepEqual(bodies, [
    { kind: 'process', ...SHOWN, event: 'started', driver: 'bubblewrap', enforcement: { memory: 'cgroup' } },
    { kind: 'access', ...SHOWN, access: file('/data/x') },
    {
      ...{ kind: 'process', ...SHOWN, event: 'ended', driver: 'bubblewrap' },
      ...{ reason: 'exited', code: 0, signal: null, usage: { outputBytes: 5 }, durationMs: 250 },
    },
  ])
  assert.deepEqual(new Set(tenants), new Set(['acme']))
})

test('an access is of the call that runs, when it is the only one', async () => {
  const { trail, bodies, state } = newTrail()
  const incidents = () => bodies.map((body) => ('incident' in body ? body.incident : undefined))
  trail.access(file('/before'))
  trail.begin('a')
  trail.access(file('/a'))
  state.now += 10
  trail.begin('b')
  trail.access(file('/both'))
  await trail.end('a', look)
  state.now += 10
  trail.access(file('/b'))
  await trail.end('b', look)
  state.now += 10
  trail.access(file('/after'))
  assert.deepEqual(incidents(), [undefined, 'a', undefined, 'b', undefined])
})

test('a connection that outlives its call is of no other call', async () => {
  const { trail, bodies, state } = newTrail()
  trail.begin('a')
  state.now += 100
  await trail.end('a', look)
  trail.begin('b')
  state.now += 100
  trail.access(egress({ durationMs: 150 }))
  trail.access(egress({ durationMs: 50 }))
  assert.deepEqual(
    bodies.map((body) => ('incident' in body ? body.incident : undefined)),
    [undefined, 'b'],
  )
})

test('a wall that was met at an unknown moment is of the only call of that time', async () => {
  const { trail, bodies, state } = newTrail()
  const refused = { kind: 'refused', wall: 'memory', what: 'limit', withinMs: 100 } as const
  state.now += 1_000
  trail.begin('a')
  state.now += 10
  trail.access(refused)
  await trail.end('a', look)
  state.now += 10
  trail.begin('b')
  trail.access(refused)
  assert.deepEqual(
    bodies.map((body) => ('incident' in body ? body.incident : undefined)),
    ['a', undefined],
  )
})

test('a flood is a count for each sort, and one sort hides no other', () => {
  const { trail, bodies, state } = newTrail()
  for (let at = 0; at < 1_000; at++) trail.access(egress({ allowed: false, reason: 'not-allowed' }))
  trail.access(egress({ host: 'exfiltration.example' }))
  trail.access({ kind: 'refused', wall: 'memory', what: 'limit' })
  const own = bodies.filter((body) => body.kind === 'access')
  assert.equal(own.length, 102)
  assert.ok(JSON.stringify(own).includes('exfiltration.example'))
  state.now += 1_000
  trail.access(file('/next'))
  assert.deepEqual(
    bodies.filter((body) => body.kind === 'accesses'),
    [{ kind: 'accesses', ...SHOWN, durationMs: 1_000, counts: { 'egress refused': 900 } }],
  )
})

test('what a flood left untold is told when the process ends', async () => {
  const { trail, bodies } = newTrail()
  for (let at = 0; at < 150; at++) trail.access(file(`/f${at}`))
  await trail.ended('bubblewrap', { reason: 'killed' })
  assert.deepEqual(bodies.at(-2), { kind: 'accesses', ...SHOWN, durationMs: 0, counts: { 'file created': 50 } })
  assert.equal((bodies.at(-1) as ProcessBody).event, 'ended')
})

test('an access that cannot be recorded is told once, and whoever waits for the records is refused', async () => {
  const { trail, bodies, broken, state } = newTrail()
  await trail.settled()
  state.whole = false
  for (let at = 0; at < 3; at++) trail.access(egress())
  await assert.rejects(
    trail.settled(),
    (thrown: unknown) => thrown instanceof Fault && thrown.code === 'audit.unavailable',
  )
  assert.equal(broken.length, 1)
  state.whole = true
  trail.access(egress())
  await assert.rejects(trail.settled(), 'a gap in the records does not close by itself')
  assert.equal(bodies.length, 1)
})

test('the budget of a second is given again in the next one', () => {
  let now = 0
  const told: unknown[] = []
  const budget = new AccessBudget({ now: () => now }, (counts) => void told.push(counts))
  const taken = () => Array.from({ length: 200 }, () => budget.takes(egress())).filter(Boolean).length
  now = 5_000
  assert.equal(taken(), 100)
  assert.equal(taken(), 0)
  now += 1_000
  assert.equal(taken(), 100)
  assert.deepEqual(told, [{ 'egress allowed': 300 }])
  budget.close()
  assert.deepEqual(told.at(-1), { 'egress allowed': 100 })
})

test('a call is never blamed for what happened when it did not run, or did not run alone', () => {
  const call = fc.record({ from: fc.nat(50), long: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(call, { maxLength: 6 }), fc.nat(80), fc.nat(30), (calls, at, long) => {
      const times = new CallTimes()
      const spans = calls.map(({ from, long: length }, index) => ({ name: `c${index}`, from, to: from + length }))
      const known = spans.filter(({ from }) => from <= at + long)
      for (const { name, from } of known) times.begin(name, from)
      for (const { name, to } of known.toSorted((a, b) => a.to - b.to)) if (to <= at + long) times.end(name, to)
      const blamed = times.only(at, at + long)
      if (blamed === undefined) return
      const span = known.find(({ name }) => name === blamed)
      assert.ok(span && span.from <= at, 'it ran from the beginning')
      const others = known.filter((other) => other !== span && other.from <= at + long && other.to > at)
      assert.deepEqual(others, [])
    }),
  )
})

test('of times long ago nothing is said', () => {
  const times = new CallTimes()
  for (let at = 0; at < 300; at++) {
    times.begin(`c${at}`, at * 10)
    times.end(`c${at}`, at * 10 + 5)
  }
  assert.equal(times.only(10 * 10 + 1, 10 * 10 + 2), undefined)
  assert.equal(times.only(290 * 10 + 1, 290 * 10 + 2), 'c290')
})
