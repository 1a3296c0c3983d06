/** The driver of macOS on any system: a stand-in for sandbox-exec keeps what it was asked for and confines nothing. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import type { NetworkAccess } from '../../../src/sandbox/access.ts'
import type { LaunchSpec, SandboxedProcess } from '../../../src/sandbox/driver.ts'
import { runtimeTrees } from '../../../src/sandbox/seatbelt/runtime-trees.ts'
import { createSeatbeltDriver, type SeatbeltOptions } from '../../../src/sandbox/seatbelt/seatbelt.ts'
import { evaluate } from './sbpl.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'portcullis-mac-')))
after(() => rmSync(directory, { recursive: true }))

const kept = join(directory, 'kept.sb')
const standIn = join(directory, 'sandbox-exec')
writeFileSync(standIn, `#!/bin/sh\ncp "$2" '${kept}'\nchmod 600 '${kept}'\nshift 2\nexec "$@"\n`)
chmodSync(standIn, 0o755)
const strict = join(directory, 'strict')
writeFileSync(strict, '#!/bin/sh\nexit 7\n')
chmodSync(strict, 0o755)

const toolsWith = (program: string) => (name: string) => (name === 'sandbox-exec' ? program : `/bin/${name}`)
const mac = (changes: SeatbeltOptions = {}) =>
  createSeatbeltDriver({ platform: 'darwin', gatewayUid: 501, findTool: toolsWith(standIn), ...changes })

const LIMITS: LaunchSpec['limits'] = {
  memoryBytes: 1 << 28,
  processes: 64,
  openFiles: 99,
  fileBytes: 1 << 20,
  tmpBytes: 1 << 20,
  maxLineBytes: 4096,
  maxStderrBytes: 4096,
  stdinBacklogBytes: 4096,
  outputBytesPerSecond: 1 << 20,
  lifeMs: 10_000,
}

const specOf = (line: string, changes: Partial<LaunchSpec> = {}): LaunchSpec => ({
  command: '/bin/sh',
  args: ['-c', line],
  env: {},
  readOnly: [],
  readWrite: [],
  limits: LIMITS,
  network: 'none',
  ...changes,
})

async function linesOf(confined: SandboxedProcess): Promise<readonly string[]> {
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  await confined.exited
  return lines
}

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`portcullis-seatbelt-${process.pid}-`))

const NETWORK: NetworkAccess = {
  mode: 'explicit',
  allow: [{ host: 'example.com', ports: [443] }],
  maxBytes: 1000,
  maxConnections: 4,
  connectTimeoutMs: 1000,
  idleTimeoutMs: 1000,
}

describe('hosts that cannot hold it', () => {
  it('another system is refused with the reason, and nothing runs', async () => {
    const driver = createSeatbeltDriver({ platform: 'linux' })
    assert.deepEqual(await driver.probe(), {
      ok: false,
      reason: 'seatbelt exists on macOS only, and this is linux',
      mend: 'use the driver bubblewrap',
    })
    const proof = join(directory, 'proof')
    await assert.rejects(driver.launch(specOf(`touch ${proof}`)), { code: 'sandbox.unavailable' })
    assert.ok(!existsSync(proof))
  })

  it('root and a host without the tool are refused', async () => {
    const asRoot = await mac({ gatewayUid: 0 }).probe()
    assert.ok(!asRoot.ok)
    const bare = await mac({ findTool: () => undefined }).probe()
    assert.ok(!bare.ok)
    assert.equal(bare.reason, 'sandbox-exec was not found')
  })

  it('a sandbox that confines nothing is found out by the probe', async () => {
    const probe = await mac().probe()
    assert.ok(!probe.ok)
    assert.equal(probe.reason, 'a file that was not shown could be read')
  })

  it('one that holds is labelled as reduced', async () => {
    const probe = await mac({ findTool: toolsWith(strict) }).probe()
    assert.ok(probe.ok)
    assert.equal(probe.enforces.walls, 'reduced')
    assert.deepEqual([probe.enforces.memory, probe.enforces.processes, probe.enforces.cpu], ['none', 'none', 'none'])
    assert.deepEqual(probe.enforces.network, ['explicit'])
  })
})

describe('a launch', () => {
  it('has private folders, the listed environment and limits, and leaves nothing', async () => {
    const line =
      'echo "$HOME"; echo "$TMPDIR"; pwd; ulimit -n; ulimit -c; ulimit -f; env | cut -d= -f1 | sort | tr "\\n" " "; echo; touch "$HOME/x"'
    const lines = await linesOf(await mac().launch(specOf(line, { env: { TOKEN: new Secret('s') } })))
    const [home = '', tmp = '', cwd, ...rest] = lines
    assert.match(home, /portcullis-seatbelt-\d+-\w+\/home$/)
    assert.deepEqual([tmp.replace(/tmp$/, 'home'), cwd], [home, home])
    assert.deepEqual(rest, ['99', '0', '2048', 'HOME LANG PATH PWD TMPDIR TOKEN USER '])
    const profile = readFileSync(kept, 'utf8')
    assert.equal(evaluate(profile, { operation: 'file-write-create', path: `${home}/x` }), 'allow')
    assert.equal(evaluate(profile, { operation: 'file-write-create', path: join(home, '..', 'profile.sb') }), 'deny')
    assert.deepEqual(leftovers(), [])
  })

  it('shows the real place behind a link, and nothing that lies in the gateway', async () => {
    const state = join(directory, 'state')
    const notes = join(directory, 'notes')
    for (const path of [state, notes]) mkdirSync(path)
    symlinkSync(notes, join(directory, 'link'))
    symlinkSync(state, join(directory, 'trap'))
    const driver = mac({ hidden: [state] })
    await linesOf(await driver.launch(specOf(':', { readWrite: [join(directory, 'link')] })))
    const profile = readFileSync(kept, 'utf8')
    assert.equal(evaluate(profile, { operation: 'file-write-data', path: join(notes, 'a') }), 'allow')
    assert.equal(evaluate(profile, { operation: 'file-read-data', path: join(state, 'key') }), 'deny')
    await assert.rejects(driver.launch(specOf(':', { readOnly: [join(directory, 'trap')] })), {
      code: 'sandbox.start_failed',
    })
    assert.deepEqual(leftovers(), [])
  })

  it('refuses paths that are too much, that are not there, or that belong to the system', async () => {
    for (const path of ['/', 'relative', '/nowhere', '/dev', '/dev/null']) {
      await assert.rejects(mac().launch(specOf(':', { readOnly: [path] })), { code: 'sandbox.start_failed' }, path)
    }
    await assert.rejects(mac().launch(specOf(':', { readWrite: ['/usr/bin'] })), { code: 'sandbox.start_failed' })
    assert.deepEqual(leftovers(), [])
  })

  it('reaches the proxy port and no other', async () => {
    const lines = await linesOf(await mac().launch(specOf('echo "$HTTPS_PROXY"', { network: NETWORK })))
    const port = /^http:\/\/127\.0\.0\.1:(\d+)$/.exec(lines[0] ?? '')?.[1]
    assert.ok(port, lines.join())
    const profile = readFileSync(kept, 'utf8')
    assert.equal(evaluate(profile, { operation: 'network-outbound', remote: `localhost:${port}` }), 'allow')
    assert.equal(evaluate(profile, { operation: 'network-outbound', remote: 'localhost:22' }), 'deny')
    const again = createServer().listen({ host: '127.0.0.1', port: Number(port) })
    await new Promise((resolve) => again.once('listening', resolve)) // the proxy is closed
    again.close()
  })

  it('refuses networks that macOS cannot keep apart', async () => {
    const inject = { name: 'authorization', value: new Secret('s') }
    const rows: readonly NetworkAccess[] = [
      { ...NETWORK, mode: 'transparent' },
      { ...NETWORK, allow: [{ host: 'example.com', ports: [443], inject }] },
      { ...NETWORK, allow: [{ host: 'example.com', ports: [443], openTls: true }] },
    ]
    for (const network of rows)
      await assert.rejects(mac().launch(specOf(':', { network })), { code: 'sandbox.start_failed' })
  })

  it('refuses volumes', async () => {
    const volume = { folder: directory, name: 'v', at: '/data', bytes: 1 << 20, files: 10 }
    await assert.rejects(mac().launch(specOf(':', { volumes: [volume] })), { code: 'sandbox.start_failed' })
  })

  it('stops with its whole group', async () => {
    const confined = await mac().launch(specOf('sleep 60 & echo up; wait'))
    await new Promise<void>((resolve) => confined.onLine(() => resolve()))
    assert.equal((await confined.stop(50)).signal, 'SIGTERM')
    assert.deepEqual(leftovers(), [])
  })
})

it('programs of package managers bring the libraries of their prefix', () => {
  assert.deepEqual(runtimeTrees(['/Users/ada/node']), ['/Users/ada/node'])
  assert.ok(runtimeTrees(['/opt/homebrew/Cellar/node/24/bin/node']).includes('/opt/homebrew/opt'))
})
