/** How attacks are dealt to sandboxes and how their words become verdicts, with a driver that only pretends. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assault, isPromised } from '../../src/sandbox/assault.ts'
import { type Attack, behind, shell, type Terms } from '../../src/sandbox/attack.ts'
import type { Decoys } from '../../src/sandbox/decoys.ts'
import type { Enforcement, ExitReason, LaunchSpec, SandboxDriver } from '../../src/sandbox/driver.ts'

const ENFORCES: Enforcement = { memory: 'cgroup', processes: 'cgroup', cpu: 'none', disk: 'watched', network: [] }
const decoys: Decoys = {
  folder: '/decoys',
  workspace: '/decoys/workspace',
  library: '/decoys/library',
  environment: { WORKSPACE: '/decoys/workspace' },
  tidy: () => {},
  close: async () => {},
}

const attack = (id: string, terms: Terms = {}): Attack =>
  behind('files', [shell(id, 'does', 'true', terms)])[0] as Attack

/** Answers each order with what `say` makes of its name; undefined ends the process with `reason`. */
function pretend(say: (id: string) => string | undefined, reason: ExitReason = 'exited') {
  const launched: LaunchSpec[] = []
  const orders: string[][] = []
  const driver: SandboxDriver = {
    name: 'bubblewrap',
    probe: async () => assert.fail('not asked'),
    async launch(spec) {
      launched.push(spec)
      const own: string[] = []
      orders.push(own)
      let hear: (line: Buffer) => void = () => {}
      const { promise: exited, resolve } = Promise.withResolvers<void>()
      const report = exited.then(() => ({ code: 0, signal: null, reason, stderrTail: 'its last words' }))
      return {
        pid: 1,
        send: (line) => {
          own.push(line.toString())
          const [id = ''] = line.toString().split(' ')
          const said = say(id)
          setImmediate(() => (said === undefined ? resolve() : hear(Buffer.from(`${id} ${said}`))))
          return true
        },
        onDrain: () => {},
        onLine: (listener) => {
          hear = listener
        },
        pause: () => {},
        resume: () => {},
        onStderr: () => {},
        exited: report,
        stop: () => {
          resolve()
          return report
        },
        flush: async () => {},
        usage: async () => ({ outputBytes: 0, sentBytes: 0, receivedBytes: 0 }),
        kill: () => resolve(),
      }
    },
  }
  return { driver, launched, orders }
}

describe('an assault', () => {
  it('runs ordinary attacks in few sandboxes, and those that use something up each in its own', async () => {
    const rows = Array.from({ length: 100 }, (_, index) => attack(`F${index}`))
    const own = attack('Q01', { alone: { ends: [], limits: { tmpFiles: 7 } } })
    const { driver, launched } = pretend(() => 'held')
    const found = await assault([own, ...rows], { driver, enforces: ENFORCES, decoys })
    assert.equal(launched.length, 3)
    assert.deepEqual(
      launched.map(({ limits }) => limits.tmpFiles).filter((limit) => limit !== undefined),
      [7],
    )
    assert.deepEqual(
      found.map(({ attack: { id } }) => id),
      ['Q01', ...rows.map(({ id }) => id)],
    )
  })

  it('sends commands in hexadecimal, so that no byte of them ends a line', async () => {
    const { driver, orders } = pretend(() => 'held')
    await assault([attack('F01')], { driver, enforces: ENFORCES, decoys })
    const [id, seconds, ...argv] = orders[0]?.[0]?.split(' ') ?? []
    assert.deepEqual([id, seconds], ['F01', '8'])
    assert.deepEqual(
      argv.map((word) => Buffer.from(word, 'hex').toString()),
      ['/bin/sh', ...attack('F01').args],
    )
  })

  const CASES: ReadonlyArray<{
    readonly title: string
    readonly terms?: Terms
    readonly said: string | undefined
    readonly reason?: ExitReason
    readonly verdict: string
  }> = [
    { title: 'an attack that says breach', said: 'breach', verdict: 'breach' },
    { title: 'an attack that says held', said: 'held EPERM', verdict: 'held' },
    { title: 'an attack that did not run', said: 'said nothing', verdict: 'inconclusive' },
    { title: 'an attack whose sandbox ended', said: undefined, reason: 'exited', verdict: 'inconclusive' },
    {
      title: 'an attack whose sandbox was ended by the wall',
      terms: { alone: { ends: ['out-of-memory'] } },
      said: undefined,
      reason: 'out-of-memory',
      verdict: 'held',
    },
    {
      title: 'an attack whose sandbox was ended by something else',
      terms: { alone: { ends: ['out-of-memory'] } },
      said: undefined,
      reason: 'life-deadline',
      verdict: 'inconclusive',
    },
    {
      title: 'a breach of what is promised',
      terms: { needs: { memory: 'cgroup' } },
      said: 'breach',
      verdict: 'breach',
    },
    {
      title: 'a breach of what this host cannot hold',
      terms: { needs: { disk: 'hard' } },
      said: 'breach',
      verdict: 'not-promised',
    },
    { title: 'a wall that held without a promise', terms: { needs: { disk: 'hard' } }, said: 'held', verdict: 'held' },
  ]
  for (const { title, terms, said, reason, verdict } of CASES) {
    it(`finds ${title} ${verdict}`, async () => {
      const { driver } = pretend(() => said, reason)
      const [finding] = await assault([attack('F01', terms)], { driver, enforces: ENFORCES, decoys })
      assert.equal(finding?.verdict, verdict)
    })
  }

  it('gives the rest of a batch no verdict when the sandbox ends in the middle', async () => {
    const { driver } = pretend((id) => (id === 'F02' ? undefined : 'held'))
    const found = await assault([attack('F01'), attack('F02')], { driver, enforces: ENFORCES, decoys })
    assert.deepEqual(
      found.map(({ verdict }) => verdict),
      ['held', 'inconclusive'],
    )
    assert.match(found[1]?.told ?? '', /exited its last words/)
  })

  it('passes a sandbox on that does not start', async () => {
    const driver = { ...pretend(() => 'held').driver, launch: async () => assert.fail('no sandbox') }
    await assert.rejects(assault([attack('F01')], { driver, enforces: ENFORCES, decoys }), /no sandbox/)
  })

  it('has a wall promised only when every need is met', () => {
    assert.ok(isPromised(attack('F01'), ENFORCES))
    assert.ok(isPromised(attack('F01', { needs: { memory: 'cgroup', processes: 'cgroup' } }), ENFORCES))
    assert.ok(!isPromised(attack('F01', { needs: { memory: 'cgroup', cpu: 'cgroup' } }), ENFORCES))
  })
})
