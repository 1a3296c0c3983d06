import assert from 'node:assert/strict'
import { it } from 'node:test'
import { GroupWatch, Refusals, tellEnd, tellKill } from '../../src/sandbox/refusals.ts'
import type { Access } from '../../src/sandbox/access.ts'
import { ATTACK_LIMITS } from '../../src/sandbox/attacks.ts'

function listen() {
  const told: string[] = []
  const refusals = new Refusals((access: Access) => {
    assert.ok(access.kind === 'refused')
    told.push(`${access.wall}: ${access.what}`)
  })
  return { told, refusals }
}

it('tells the first refusal at once and a flood of the same once a second', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { told, refusals } = listen()
  for (let time = 0; time < 1000; time++) refusals.add('output', 'too much')
  refusals.add('memory', 'killed', 3)
  assert.deepEqual(told, ['output: too much', 'memory: killed, 3 times'])
  t.mock.timers.tick(1000)
  assert.deepEqual(told.slice(2), ['output: too much, 999 times'])
  t.mock.timers.tick(1000)
  refusals.add('output', 'too much')
  assert.equal(told.at(-1), 'output: too much')
})

it('tells what is held back at the end, and nothing of what did not happen', () => {
  const { told, refusals } = listen()
  refusals.add('processes', 'not started', 0)
  refusals.add('processes', 'not started')
  refusals.add('processes', 'not started', 4)
  refusals.close()
  assert.deepEqual(told, ['processes: not started', 'processes: not started, 4 times'])
})

it('names the limit of a kill that a wall of input and output asked for', () => {
  const { told, refusals } = listen()
  tellKill(refusals, 'stopped', ATTACK_LIMITS)
  tellKill(refusals, 'line-too-long', { ...ATTACK_LIMITS, maxLineBytes: 9 })
  tellKill(refusals, 'output-quota', { ...ATTACK_LIMITS, outputBytes: 8 })
  tellKill(refusals, 'stdin-backlog', { ...ATTACK_LIMITS, stdinBacklogBytes: 7 })
  refusals.close()
  assert.deepEqual(told, [
    'output: a line was longer than 9 bytes',
    'output: there were more than 8 bytes of output',
    'output: more than 7 bytes of input were left unread',
  ])
})

const ENDS = [
  { code: 159, signal: null, walls: ['system-call'] },
  { code: null, signal: 'SIGSYS', walls: ['system-call'] },
  { code: 153, signal: null, walls: ['file'] },
  { code: 137, signal: null, walls: [] },
  { code: 0, signal: null, walls: [] },
  { code: null, signal: 'SIGKILL', walls: [] },
] as const

for (const { code, signal, walls } of ENDS) {
  it(`an end with ${code ?? signal} tells of ${walls.join() || 'no wall'}`, () => {
    const { told, refusals } = listen()
    tellEnd(refusals, code, signal)
    refusals.close()
    assert.deepEqual(
      told.map((one) => one.split(':')[0]),
      walls,
    )
  })
}

it('asks the kernel each second while the process is busy, and seldom while it rests', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const { told, refusals } = listen()
  let asked = 0
  const watch = new GroupWatch(() => {
    asked++
    return { memory: asked > 2 ? 1 : 0, processes: asked }
  }, refusals)
  t.mock.timers.tick(1000)
  assert.equal(asked, 1)
  for (let second = 0; second < 10; second++) t.mock.timers.tick(1000)
  assert.equal(asked, 2)
  watch.touch()
  t.mock.timers.tick(1000)
  assert.equal(asked, 3)
  watch.close()
  refusals.close()
  assert.ok(told.includes('memory: a process was killed for lack of memory'))
  assert.equal(told.filter((one) => one.startsWith('processes')).length, 3)
})
