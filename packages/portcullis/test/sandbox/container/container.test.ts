/** The driver against a stand-in for docker, which is not on every host that runs these tests. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import { createContainerDriver } from '../../../src/sandbox/container/container.ts'
import { buildSeccompProfile } from '../../../src/sandbox/container/seccomp-profile.ts'
import type { LaunchSpec, Limits, SandboxedProcess } from '../../../src/sandbox/driver.ts'
import { ownMark } from '../../../src/sandbox/mark.ts'
import { selectDriver } from '../../../src/sandbox/select.ts'
import { IMAGE, makeStub, type Stub } from './engine-stub.ts'

const LIMITS: Limits = {
  memoryBytes: 1 << 28,
  processes: 64,
  openFiles: 256,
  fileBytes: 1 << 20,
  tmpBytes: 1 << 22,
  maxLineBytes: 4096,
  maxStderrBytes: 4096,
  stdinBacklogBytes: 4096,
  outputBytesPerSecond: 1 << 20,
}

const specOf = (changes: Partial<LaunchSpec> = {}): LaunchSpec => ({
  command: 'server',
  args: ['--stdio'],
  env: {},
  readOnly: [],
  readWrite: [],
  limits: LIMITS,
  network: 'none',
  ...changes,
})

let stub: Stub
beforeEach(() => {
  stub = makeStub()
})
afterEach(() => stub.remove())

const options = () => ({
  engine: 'docker' as const,
  image: IMAGE,
  findTool: (name: string) => (name === 'docker' ? stub.program : name === 'setpriv' ? undefined : `/bin/${name}`),
})
const driver = () => createContainerDriver(options())
const called = (command: string) => stub.calls().filter(([name]) => name === command)

async function linesOf(confined: SandboxedProcess): Promise<readonly string[]> {
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  confined.send('hello')
  await confined.stop()
  return lines
}

async function refusal(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly detail: Record<string, string> }> {
  return work.then(
    () => assert.fail('it was not refused'),
    (fault) => fault,
  )
}

describe('a launch', () => {
  it('makes, compares, starts and removes, with lines in both directions', async () => {
    const confined = await driver().launch(specOf({ env: { TOKEN: new Secret('a secret') } }))
    assert.deepEqual(await linesOf(confined), ['up', 'hello'])
    assert.equal((await confined.exited).reason, 'exited')
    const order = stub.calls().map(([name]) => name)
    assert.deepEqual(
      order.filter((name, index) => name !== order[index - 1]),
      ['info', 'image', 'ps', 'create', 'container', 'start', 'container', 'rm'],
    )
    const [create = []] = called('create')
    const name = create.find((argument) => argument.startsWith('--name='))?.slice('--name='.length) ?? ''
    assert.ok(name.startsWith(`${ownMark()}-`))
    assert.deepEqual(called('rm')[0], ['rm', '--force', '--volumes', name])
    assert.deepEqual(called('start')[0], ['start', '--attach', '--interactive', name])
  })

  it('tells variables and filter by descriptor, and no secret in a command line', async () => {
    await linesOf(await driver().launch(specOf({ env: { TOKEN: new Secret('a secret'), PATH: '/opt/bin' } })))
    assert.ok(!JSON.stringify(stub.calls()).includes('a secret'))
    const variables = stub.read('environment').trim().split('\n')
    assert.deepEqual(variables.sort(), [
      ...['HOME=/home/sandbox', 'LANG=C.UTF-8', 'PATH=/opt/bin', 'TMPDIR=/tmp', 'TOKEN=a secret', 'USER=sandbox'],
    ])
    assert.ok(process.arch === 'x64' || process.arch === 'arm64')
    assert.deepEqual(JSON.parse(stub.read('filter')), buildSeccompProfile(process.arch))
  })

  it('never has the account of root', async () => {
    const confined = await driver().launch(specOf())
    await linesOf(confined)
    const user = called('create')[0]?.find((argument) => argument.startsWith('--user=')) ?? ''
    assert.match(user, /^--user=[1-9]\d*:[1-9]\d*$/)
    await assert.rejects(driver().launch(specOf({ runAs: { uid: 0, gid: 0 } })), { code: 'sandbox.start_failed' })
    assert.equal(called('create').length, 1)
  })

  it('covers the volumes of the image, which would have no size', async () => {
    stub.set({ volumes: ['/var/lib/data'] })
    await linesOf(await driver().launch(specOf()))
    assert.ok(called('create')[0]?.includes('--tmpfs=/var/lib/data:ro,nosuid,nodev,size=4096'))
  })

  it('limits each process where the engine cannot limit the tree', async () => {
    stub.set({ info: { ServerVersion: '28', SecurityOptions: ['name=seccomp'] }, lie: { Memory: 0, PidsLimit: 0 } })
    await linesOf(await driver().launch(specOf()))
    assert.ok(called('create')[0]?.includes(`--ulimit=data=${1 << 28}:${1 << 28}`))
  })

  it('an engine that did not take a wall is refused before anything runs', async () => {
    for (const lie of [{ ReadonlyRootfs: false }, { Memory: 0 }, { NetworkMode: 'bridge' }, { SecurityOpt: [] }]) {
      stub.set({ lie })
      assert.match((await refusal(driver().launch(specOf()))).detail['reason'] ?? '', /^the engine did not take/)
    }
    assert.equal(called('start').length, 0)
    assert.equal(called('rm').length, 4)
  })

  it('the words of an engine that refuses are the reason, and nothing is left', async () => {
    stub.set({ createProblem: 'Error response from daemon: invalid mount config' })
    assert.equal((await refusal(driver().launch(specOf()))).detail['reason'], 'invalid mount config')
    stub.set({ startProblem: 'Error response from daemon: exec: "server": executable file not found in $PATH' })
    const fault = await refusal(driver().launch(specOf()))
    assert.equal(fault.code, 'sandbox.start_failed')
    assert.match(fault.detail['reason'] ?? '', /executable file not found/)
    assert.ok(called('rm').length >= 2)
  })

  it('network rules, a line break in a variable and a path that is not there are refused before the engine is asked', async () => {
    const network = {
      mode: 'explicit',
      allow: [],
      maxBytes: 1,
      maxConnections: 1,
      connectTimeoutMs: 1,
      idleTimeoutMs: 1,
    } as const
    assert.match(
      (await refusal(driver().launch(specOf({ network })))).detail['reason'] ?? '',
      /network rules only with podman/,
    )
    await assert.rejects(driver().launch(specOf({ env: { A: 'b\nC=d' } })), { code: 'sandbox.start_failed' })
    await assert.rejects(driver().launch(specOf({ readOnly: ['/nowhere'] })), { code: 'sandbox.start_failed' })
    await assert.rejects(driver().launch(specOf({ readOnly: ['/proc'] })), { code: 'sandbox.start_failed' })
    assert.equal(called('create').length, 0)
  })
})

describe('the probe', () => {
  const reasonOf = async (answers: Parameters<Stub['set']>[0], changes = {}) => {
    stub.set(answers)
    const probe = await createContainerDriver({ ...options(), ...changes }).probe()
    return probe.ok ? assert.fail('it was accepted') : probe
  }

  it('runs the init of the engine and no program of the image', async () => {
    const probe = await driver().probe()
    assert.ok(probe.ok, JSON.stringify(probe))
    assert.equal(probe.version, 'docker 28.2.2')
    assert.deepEqual(
      [probe.enforces.memory, probe.enforces.processes, probe.enforces.cpu],
      ['cgroup', 'cgroup', 'cgroup'],
    )
    assert.deepEqual(probe.enforces.network, [])
    assert.ok(called('create')[0]?.includes('--entrypoint=/sbin/docker-init'))
  })

  it('an image that is not there, or not named by digest, is refused with the remedy', async () => {
    const absent = await reasonOf({ imageIsThere: false })
    assert.match(absent.reason, /not on this host/)
    assert.equal(absent.mend, `run: docker pull ${IMAGE}`)
    for (const image of ['files', 'files:latest', 'files@sha256:12', '--privileged', `-v@sha256:${'a'.repeat(64)}`]) {
      assert.match((await reasonOf({}, { image })).reason, /not named by its digest/, image)
    }
    assert.equal(called('create').length, 0)
  })

  it('an engine that is not there, does not answer or filters nothing is refused', async () => {
    const none = await reasonOf({}, { findTool: (name: string) => (name === 'docker' ? undefined : `/bin/${name}`) })
    assert.equal(none.reason, 'docker was not found')
    const dead = await reasonOf({ info: { ServerErrors: ['Cannot connect to the Docker daemon at unix:///x'] } })
    assert.match(dead.reason, /Cannot connect/)
    assert.match(dead.mend, /systemctl start docker/)
    assert.match((await reasonOf({ info: { ServerVersion: '28', SecurityOptions: [] } })).reason, /no seccomp/)
    assert.match((await reasonOf({ info: {} })).reason, /does not answer/)
  })

  it('containers of gateways that are gone are removed, others stay', async () => {
    const [, namespace] = ownMark().split('-')
    const dead = `portcullis-${namespace}-999999999-1-1`
    stub.set({ containers: [dead, `${ownMark()}-1`, 'portcullis-1-999999999-1-1', 'database'] })
    assert.ok((await driver().probe()).ok)
    const removed = called('rm').map((call) => call.at(-1))
    assert.ok(removed.includes(dead))
    assert.ok(!removed.includes('database') && !removed.includes('portcullis-1-999999999-1-1'))
  })
})

describe('the choice of a driver', () => {
  it('a container needs its image, and requirements hold for it too', async () => {
    assert.match((await refusal(selectDriver('container'))).detail['reason'] ?? '', /image is not named/)
    const { findTool, ...container } = options()
    const selected = await selectDriver('container', { container, findTool }, { memory: 'cgroup', cpu: 'cgroup' })
    assert.equal(selected.driver.name, 'container')
    const fault = await refusal(selectDriver('container', { container, findTool }, { disk: 'hard' }))
    assert.equal(fault.code, 'sandbox.unavailable')
    assert.match(fault.detail['reason'] ?? '', /disk/)
    const transparent = await refusal(selectDriver('container', { container, findTool }, { network: 'transparent' }))
    assert.match(transparent.detail['reason'] ?? '', /network rules only with podman/)
  })

  it('seatbelt is refused here with its reason, and nothing stands in for it', async () => {
    const fault = await refusal(selectDriver('seatbelt', { findTool: () => undefined }))
    assert.equal(fault.detail['driver'], 'seatbelt')
    if (process.platform !== 'darwin') assert.match(fault.detail['reason'] ?? '', /exists on macOS only/)
  })
})
