/** `portcullis doctor` attacks this host: walls that hold, walls that are not there, and drivers that do not start. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { runCommand } from '../../../src/cli/main.ts'
import { systemClock } from '../../../src/core/clock.ts'

const LAUNCHER = join(import.meta.dirname, '../../fixtures/portcullis.ts')
const isRoot = process.getuid?.() === 0
const folder = mkdtempSync(join(tmpdir(), 'portcullis-doctor-'))
after(() => rmSync(folder, { recursive: true }))

interface Told {
  readonly what: string
  readonly state: string
  readonly told: string
  readonly more?: readonly string[]
}

async function doctor(args: readonly string[] = [], colour?: boolean) {
  const out: string[] = []
  const status = await runCommand(['doctor', ...args], {
    out: (line) => out.push(line),
    err: (line) => out.push(`error: ${line}`),
    ...(colour !== undefined && { colour }),
    environment: {},
    clock: systemClock,
    interrupted: new AbortController().signal,
  })
  return { status, out }
}

const parsed = (out: readonly string[]) => out.map((line) => JSON.parse(line) as Told)

/** A configuration with one upstream of that sandbox. */
function configWith(sandbox: object): string {
  const own = mkdtempSync(join(folder, 'config-'))
  mkdirSync(join(own, 'policies'))
  writeFileSync(join(own, 'policies', 'access.cedar'), 'permit (principal in Role::"admin", action, resource);\n')
  const file = join(own, 'portcullis.yaml')
  const policy = { files: ['policies/access.cedar'], roles: ['admin'] }
  writeFileSync(
    file,
    stringify({ version: 1, state: 'state', policy, upstreams: { one: { stdio: { command: '/bin/cat', sandbox } } } }),
  )
  return file
}

const WALLS = ['files', 'processes', 'kernel', 'network', 'environment', 'quotas']

describe('doctor', () => {
  it('finds every wall of bubblewrap held, without a configuration', async () => {
    const { status, out } = await doctor(['--json'])
    const told = parsed(out)
    for (const wall of WALLS) {
      const found = told.find(({ what }) => what === `bubblewrap, ${wall}`)
      assert.match(found?.told ?? '', /^\d+ attacks held/, wall)
      assert.notEqual(found?.state, 'FAILED', JSON.stringify(found))
      if (isRoot) assert.equal(found?.state, 'ok', JSON.stringify(found))
    }
    assert.equal(status, 0)
  })

  it('attacks the drivers of a configuration, each once, and says which upstreams stand in it', async () => {
    const { status, out } = await doctor(['--json', '--config', configWith({ read: ['/usr/share'] })])
    const told = parsed(out)
    assert.equal(told.filter(({ what }) => what.startsWith('sandbox of')).length, 1)
    assert.ok(told.some(({ what }) => what === 'sandbox of one'))
    assert.equal(told.filter(({ what }) => what === 'bubblewrap, kernel').length, 1)
    assert.equal(status, 0)
  })

  it('finds the driver none without walls, and ends with status 1', async () => {
    const { status, out } = await doctor(['--json', '--config', configWith({ driver: 'none' })])
    const told = parsed(out)
    const files = told.find(({ what }) => what === 'none, files')
    assert.equal(files?.state, 'FAILED')
    assert.match(files?.told ?? '', /BREACHED/)
    assert.ok(
      files?.more?.some((line) => line.startsWith('breach F01: reads a private key')),
      files?.more?.join(),
    )
    for (const wall of ['processes', 'kernel', 'network'])
      assert.equal(told.find(({ what }) => what === `none, ${wall}`)?.state, 'FAILED', wall)
    assert.equal(status, 1)
  })

  it('says why a driver does not start, and ends with status 1', async () => {
    const image = `nowhere.test/nothing@sha256:${'0'.repeat(64)}`
    const config = configWith({ driver: 'container', container: { engine: 'docker', image } })
    const { status, out } = await doctor(['--json', '--config', config])
    const found = parsed(out).find(({ what }) => what === 'sandbox of one')
    assert.equal(found?.state, 'FAILED')
    assert.ok((found?.told.length ?? 0) > 'container: '.length, found?.told)
    assert.equal(status, 1)
  })

  it('says nothing of a sandbox that no upstream needs', async () => {
    const file = configWith({})
    const policy = { files: ['policies/access.cedar'], roles: ['admin'] }
    writeFileSync(
      file,
      stringify({ version: 1, state: 'state', policy, upstreams: { far: { http: { url: 'https://far.test/mcp' } } } }),
    )
    const { out } = await doctor(['--json', '--config', file])
    assert.ok(parsed(out).some(({ what, told }) => what === 'sandbox' && told === 'no upstream needs it'))
  })

  it('colours its words for a terminal only', async () => {
    const escape = '\u001b['
    const config = configWith({
      driver: 'container',
      container: { engine: 'docker', image: `a@sha256:${'0'.repeat(64)}` },
    })
    const [plain, coloured] = [await doctor(['--config', config]), await doctor(['--config', config], true)]
    assert.ok(!plain.out.join('').includes(escape))
    assert.ok(coloured.out.some((line) => line.startsWith(`${escape}31mFAILED${escape}0m sandbox of one:`)))
  })

  it('leaves none of its decoys behind', async () => {
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('portcullis-decoys-'))
    const before = left()
    await doctor(['--config', configWith({ driver: 'none' })])
    assert.deepEqual(
      left().filter((name) => !before.includes(name)),
      [],
    )
  })

  it('a configuration that is named and not there is a mistake, not a host without one', async () => {
    const { status, out } = await doctor(['--config', join(folder, 'missing.yaml')])
    assert.notEqual(status, 0)
    assert.ok(!out.some((line) => line.includes('attacks held')))
  })

  it('works for an unprivileged user too, whose host promises less', { skip: !isRoot && 'it is one already' }, () => {
    const { status, told } = doctorAsNobody([])
    assert.equal(status, 0, JSON.stringify(told))
    for (const wall of WALLS)
      assert.ok(told.some(({ what, state }) => what === `bubblewrap, ${wall}` && state !== 'FAILED'))
  })

  it('fails when an upstream requires what this host cannot hold', { skip: !isRoot && 'needs two accounts' }, () => {
    chmodSync(folder, 0o755)
    const config = configWith({ require: ['memory', 'cpu', 'disk'] })
    chmodSync(dirname(config), 0o755)
    const { status, told } = doctorAsNobody(['--config', config])
    const found = told.find(({ what }) => what === 'sandbox of one')
    assert.deepEqual([status, found?.state], [1, 'FAILED'], JSON.stringify(told))
    assert.ok(!told.some(({ what }) => what.startsWith('bubblewrap, ')))
  })
})

function doctorAsNobody(args: readonly string[]) {
  const account = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const command = [...account, process.execPath, LAUNCHER, 'doctor', '--json', ...args]
  const environment = { cwd: tmpdir(), env: { PATH: '/usr/bin:/bin' } }
  const { status, stdout } = spawnSync('/usr/bin/setpriv', command, { encoding: 'utf8', ...environment })
  return { status, told: parsed(stdout.trim().split('\n')) }
}
