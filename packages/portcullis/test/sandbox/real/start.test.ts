/** What may be started, with which paths, and how a start that cannot be is refused. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { createBubblewrapDriver } from '../../../src/sandbox/bubblewrap.ts'
import type { Fault } from '../../../src/core/fault.ts'
import type { LaunchSpec } from '../../../src/sandbox/driver.ts'
import { selectDriver } from '../../../src/sandbox/select.ts'
import { driver, isRoot, NODE_MODULES, outcomeOf, processesWith, ROOT, run, runAs, specOf, until } from './fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'portcullis-start-'))
chmodSync(directory, 0o755)
after(() => rmSync(directory, { recursive: true }))

it('the probe tells the version and what is enforced', async () => {
  const probe = await driver.probe()
  assert.ok(probe.ok, JSON.stringify(probe))
  assert.match(probe.version, /^\d+\.\d+/)
})

it('a host without bubblewrap is refused with the reason and the remedy, and nothing runs', async () => {
  const findTool = (name: string) => (name === 'bwrap' ? undefined : `/usr/bin/${name}`)
  await assert.rejects(
    selectDriver('bubblewrap', { findTool }),
    (fault: { code: string; detail: Record<string, string> }) => {
      assert.equal(fault.code, 'sandbox.unavailable')
      assert.equal(fault.detail['reason'], 'bwrap was not found')
      assert.match(fault.detail['mend'] ?? '', /install bubblewrap|bubblewrap with/)
      return true
    },
  )
  const lame = createBubblewrapDriver({ findTool })
  const proof = join(directory, 'proof')
  await assert.rejects(lame.launch(specOf(`touch ${proof}`)), { code: 'sandbox.unavailable' })
  assert.throws(() => readFileSync(proof))
})

it('a bwrap that fails is reported with its own words', async () => {
  const broken = join(directory, 'bwrap')
  writeFileSync(broken, '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n', {
    mode: 0o755,
  })
  const findTool = (name: string) => (name === 'bwrap' ? broken : `/usr/bin/${name}`)
  const probe = await createBubblewrapDriver({ findTool }).probe()
  assert.ok(!probe.ok)
  assert.equal(probe.reason, 'bwrap: No permissions to create new namespace')
})

it('a writable path is writable, a read-only one is not, and a writable one inside it is', async () => {
  const library = join(directory, 'library')
  const notes = join(library, 'notes')
  mkdirSync(notes, { recursive: true })
  if (runAs !== undefined) chownSync(notes, runAs.uid, runAs.gid)
  const line = `echo a > ${notes}/a && echo wrote; (echo b > ${library}/b) 2>/dev/null || echo kept`
  const { lines } = await run(specOf(line, { readOnly: [library], readWrite: [notes] }))
  assert.deepEqual(lines, ['wrote', 'kept'])
  assert.equal(readFileSync(join(notes, 'a'), 'utf8'), 'a\n')
})

it('paths below a private directory are shown to another account, with their access', async () => {
  const home = join(directory, 'home')
  const tools = join(home, 'tools')
  const notes = join(home, 'notes')
  for (const path of [home, tools, notes]) mkdirSync(path)
  writeFileSync(join(tools, 'tool'), 'tool\n')
  writeFileSync(join(home, 'diary'), 'diary\n')
  if (runAs !== undefined) chownSync(notes, runAs.uid, runAs.gid)
  chmodSync(home, 0o700)
  const paths = { readOnly: [tools, join(home, 'diary')], readWrite: [notes] }
  const line = `cat ${tools}/tool ${home}/diary; echo x > ${notes}/note && ls ${home}; (echo x > ${tools}/tool) 2>/dev/null || echo kept; id -u`
  const outcome = await run(specOf(line, paths))
  assert.deepEqual(outcome.lines, ['tool', 'diary', 'diary', 'notes', 'tools', 'kept', '1000'], outcome.stderrTail)
  assert.equal(readFileSync(join(notes, 'note'), 'utf8'), 'x\n')
})

it('a staged sandbox dies with its gateway too, and is no more privileged', { skip: !isRoot }, async () => {
  const home = join(directory, 'private')
  mkdirSync(join(home, 'inside'), { recursive: true })
  chmodSync(home, 0o700)
  const confined = await driver.launch(
    specOf('grep -E "^(Cap|NoNew)" /proc/self/status; sleep 61', { readOnly: [join(home, 'inside')] }),
  )
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  await until(() => lines.length === 6)
  assert.deepEqual(
    lines.filter((line) => !/\t(0{16}|1)$/.test(line)),
    [],
  )
  process.kill(confined.pid, 'SIGKILL')
  assert.equal((await confined.exited).signal, 'SIGKILL')
  assert.deepEqual(processesWith('sleep 61'), [])
})

it('paths of the gateway are masked inside what is shown, and refused by themselves', async () => {
  const shown = join(directory, 'shown')
  const state = join(shown, 'state')
  mkdirSync(state, { recursive: true })
  writeFileSync(join(state, 'key'), 'KEY\n')
  writeFileSync(join(shown, 'token'), 'TOKEN\n')
  const careful = createBubblewrapDriver({ hidden: [state, join(shown, 'token')] })
  const line = `cat ${state}/key ${shown}/token; ls ${state}; echo end`
  assert.deepEqual((await outcomeOf(await careful.launch(specOf(line, { readOnly: [shown] })))).lines, ['end'])
  await assert.rejects(careful.launch(specOf('true', { readOnly: [state] })), { code: 'sandbox.start_failed' })
})

it('a sandbox that cannot be built is refused with the words of bwrap', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  symlinkSync('/nowhere', join(directory, 'dangling'))
  await assert.rejects(driver.launch(specOf('echo ran', { readOnly: [file], cwd: '/nowhere' })), (fault: Fault) => {
    assert.equal(fault.code, 'sandbox.start_failed')
    assert.match(String(fault.detail['reason']), /bwrap: Can't chdir to \/nowhere/)
    return true
  })
  await assert.rejects(driver.launch(specOf('true', { readOnly: [join(directory, 'dangling')] })), {
    code: 'sandbox.start_failed',
  })
})

it('a command that does not exist is refused', async () => {
  await assert.rejects(driver.launch(specOf('', { command: 'no-such-command' })), { code: 'sandbox.start_failed' })
  await assert.rejects(driver.launch(specOf('', { command: './relative' })), { code: 'sandbox.start_failed' })
})

it('uid 0 is refused, and root gets an account of its own', { skip: !isRoot }, async () => {
  await assert.rejects(driver.launch(specOf('true', { runAs: { uid: 0, gid: 0 } })), { code: 'sandbox.start_failed' })
  const confined = await driver.launch(specOf('echo up; read line', { runAs: { uid: 200_123, gid: 200_123 } }))
  const status = readFileSync(`/proc/${confined.pid}/status`, 'utf8')
  assert.match(status, /^Uid:\t200123\t200123\t200123\t200123$/m)
  assert.match(status, /^Groups:\t\s*$/m)
  confined.kill('killed')
  await confined.exited
})

it('the driver none runs the same command with the listed environment only', async () => {
  const { driver: none } = await selectDriver('none')
  const outcome = await outcomeOf(
    await none.launch(specOf('env | cut -d= -f1 | sort | tr "\\n" " "; ulimit -c', { env: { A: 'b' } })),
  )
  assert.deepEqual([outcome.lines, outcome.reason], [['A HOME LANG PATH PWD TMPDIR USER 0'], 'exited'])
})

it('the driver none stops its process group', async () => {
  const { driver: none } = await selectDriver('none')
  const confined = await none.launch(specOf('sleep 60 & echo up; wait'))
  confined.onLine(() => {})
  assert.equal((await confined.stop(50)).signal, 'SIGTERM')
})

const SERVERS = [
  { name: 'server-filesystem', tool: 'read_text_file' },
  { name: 'server-everything', tool: 'echo' },
] as const

for (const { name, tool } of SERVERS) {
  it(`${name} from npm answers initialize and tools/list inside`, async () => {
    const demo = join(directory, `demo-${name}`)
    mkdirSync(demo)
    const script = join(NODE_MODULES, '@modelcontextprotocol', name, 'dist', 'index.js')
    const spec: LaunchSpec = specOf('', {
      command: 'node',
      args: [script, ...(name === 'server-filesystem' ? [demo] : [])],
      readOnly: [NODE_MODULES],
      readWrite: [demo],
      limits: { ...ATTACK_LIMITS, memoryBytes: 512 << 20, fileBytes: 64 << 20, tmpBytes: 64 << 20 },
    })
    const tools = await listTools(spec)
    assert.ok(tools.includes(tool), tools.join())
  })
}

it('a script of node_modules/.bin is run by the interpreter of its first line', async () => {
  const spec = specOf('', {
    command: 'mcp-server-filesystem',
    args: ['/tmp'],
    readOnly: [NODE_MODULES],
    limits: { ...ATTACK_LIMITS, memoryBytes: 512 << 20, fileBytes: 64 << 20, tmpBytes: 64 << 20 },
  })
  assert.ok((await listTools(spec)).includes('read_text_file'))
})

/** Speaks MCP 2025-11-25 with it and returns the names of its tools. */
async function listTools(spec: LaunchSpec): Promise<readonly string[]> {
  const confined = await driver.launch(spec)
  const answers = new Map<unknown, { result: { tools?: ReadonlyArray<{ name: string }> } }>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const send = (message: object) => confined.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  confined.onLine((line) => {
    const message = JSON.parse(line.toString('utf8'))
    answers.set(message.id, message)
    if (message.id === 1) {
      send({ method: 'notifications/initialized' })
      send({ id: 2, method: 'tools/list', params: {} })
    }
    if (message.id === 2) resolve()
  })
  const clientInfo = { name: 'test', version: '1' }
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } })
  await Promise.race([promise, confined.exited])
  await confined.stop()
  return answers.get(2)?.result.tools?.map(({ name }) => name) ?? assert.fail((await confined.exited).stderrTail)
}

it('the same holds for a gateway that is not root', { skip: !isRoot }, async () => {
  const test = new URL('./attacks.test.ts', import.meta.url).pathname
  const identity = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const child = spawn('/usr/bin/setpriv', [...identity, process.execPath, '--test', '--test-reporter=tap', test], {
    env: { PATH: '/usr/bin:/bin' },
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  const [code] = await once(child, 'exit')
  assert.equal(
    code,
    0,
    output
      .split('\n')
      .filter((line) => line.includes('not ok'))
      .join('\n'),
  )
  assert.match(output, /holds when an upstream reads the password hashes/)
})
