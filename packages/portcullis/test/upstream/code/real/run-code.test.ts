// Snippets in real sandboxes: what they may do works, what they may not does not, and nothing of them is left.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Cancellation } from '../../../../src/core/cancellation.ts'
import { isError } from '../../../../src/mcp/message.ts'
import { createBubblewrapDriver } from '../../../../src/sandbox/bubblewrap.ts'
import { upstreamIdentity } from '../../../../src/sandbox/identity.ts'
import { CodeConnector } from '../../../../src/upstream/code/code-connector.ts'
import { findInterpreters } from '../../../../src/upstream/code/interpreters.ts'
import { snippetSpec } from '../../../../src/upstream/code/launch.ts'
import type { CodeLimits, Outcome } from '../../../../src/upstream/code/snippet.ts'
import type { ManagedLink } from '../../../../src/upstream/link.ts'
import { call, GATEWAY, isFault, recorder, until } from '../../harness.ts'

const MIB = 1_048_576
const LIMITS: CodeLimits = {
  timeoutMs: 20_000,
  maxCodeBytes: 65_536,
  maxStdinBytes: 65_536,
  maxFiles: 16,
  maxFileBytes: MIB,
  maxOutputBytes: 4_096,
  maxReturnedBytes: 65_536,
  maxRunning: 4,
  maxRunningOfScope: 4,
}
const runAs = process.getuid?.() === 0 ? upstreamIdentity(40) : undefined
const walls = {
  env: {},
  readOnly: [],
  readWrite: [],
  network: 'none',
  ...(runAs && { runAs }),
  limits: {
    memoryBytes: 768 * MIB,
    processes: 64,
    openFiles: 256,
    fileBytes: 4 * MIB,
    tmpBytes: 16 * MIB,
    maxLineBytes: MIB,
    maxStderrBytes: MIB,
    stdinBacklogBytes: MIB,
    outputBytesPerSecond: 16 * MIB,
  },
} as const

let scratch: string
let connector: CodeConnector
let link: ManagedLink
before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  chmodSync(scratch, 0o711)
  const driver = createBubblewrapDriver()
  const found = findInterpreters(['javascript', 'python', 'shell'], [dirname(process.execPath), '/usr/bin', '/bin'])
  connector = new CodeConnector({
    runOnce: (order) => driver.launch(snippetSpec(walls, order)),
    interpreters: found,
    limits: LIMITS,
    scratch,
    runAs,
    gateway: GATEWAY,
    warn: (message, facts) => assert.fail(`${message} ${JSON.stringify(facts)}`),
  })
  link = await connector.open({ scope: 'test' })
})
after(async () => {
  await connector.close()
  assert.deepEqual(readdirSync(scratch), [])
  rmSync(scratch, { recursive: true, force: true })
})

async function run(language: string, args: object, cancellation = new Cancellation()): Promise<Outcome> {
  const response = await link.request(call(`run_${language}`, { ...args }), recorder(), cancellation)
  if (isError(response)) throw new Error(response.error.message)
  return response.result['structuredContent'] as Outcome
}

describe('a snippet', { concurrency: 2 }, () => {
  it('of shell reads its input and its files, and gives files and its status back', async () => {
    const code = 'cat; cat data/in.txt; echo made > out.txt; printf "\\377" > bytes; echo complaint >&2; exit 7'
    const files = [{ path: 'data/in.txt', content: 'file' }]
    assert.deepEqual(await run('shell', { code, stdin: 'input ', files }), {
      end: 'exited',
      exitCode: 7,
      stdout: 'input file',
      stderr: 'complaint\n',
      files: [
        { path: 'bytes', size: 1, base64: '/w==' },
        { path: 'out.txt', size: 5, content: 'made\n' },
      ],
      truncated: false,
    })
  })

  it('of JavaScript may be a module and may load its own files', async () => {
    const code = 'import { x } from "./own.mjs"; console.log(x + await Promise.resolve(1))'
    const files = [{ path: 'own.mjs', content: 'export const x = 41' }]
    const { stdout, exitCode, stderr } = await run('javascript', { code, files })
    assert.deepEqual({ stdout, exitCode, stderr }, { stdout: '42\n', exitCode: 0, stderr: '' })
  })

  it('of Python may import its own files, and leaves no compiled ones', async () => {
    const files = [{ path: 'own.py', content: 'x = 6' }]
    const outcome = await run('python', {
      code: 'import own, sys\nprint(own.x * 7, sys.stdin.read())',
      stdin: 'ä',
      files,
    })
    assert.deepEqual([outcome.stdout, outcome.files], ['42 ä\n', []])
  })

  it('keeps what it printed when its time is over', async () => {
    const code = 'import time\nprint("so far")\ntime.sleep(60)'
    const { end, exitCode, stdout } = await run('python', { code, timeoutSeconds: 1 })
    assert.deepEqual({ end, exitCode, stdout }, { end: 'timeout', exitCode: null, stdout: 'so far\n' })
  })

  it('that is cancelled is gone at once', async () => {
    const cancellation = new Cancellation()
    const answer = assert.rejects(run('shell', { code: 'sleep 60' }, cancellation), isFault('upstream.ended'))
    setTimeout(() => cancellation.cancel('client-left'), 300)
    await answer
  })

  it('that prints without end is ended, and its beginning is given back', async () => {
    const { stdout, truncated, signal } = await run('shell', { code: 'exec yes' })
    assert.deepEqual([stdout.length, truncated, signal], [LIMITS.maxOutputBytes, true, 'SIGXFSZ'])
  })

  it('that prints one byte for ever without a newline is ended by its time', async () => {
    const { end, stdout } = await run('shell', { code: 'while :; do printf x; sleep 0.2; done', timeoutSeconds: 1 })
    assert.equal(end, 'timeout')
    assert.match(stdout, /^x+$/)
  })

  it('leaves no process behind', async () => {
    const { end, stdout } = await run('shell', { code: '(setsid sleep 47 &) ; setsid sleep 47 & echo gone' })
    assert.deepEqual([end, stdout], ['exited', 'gone\n'])
    const running = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid))
    const commands = running.map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
    assert.ok(!commands.includes('sleep\x0047\0'))
  })

  it('reaches no network, no file of the host and no other call', async () => {
    const code = `
      import fs from 'node:fs'
      import net from 'node:net'
      const attempt = (act) => { try { return act() } catch (thrown) { return thrown.code } }
      const socket = net.connect(80, '192.0.2.1')
      socket.on('error', (error) => console.log(JSON.stringify({
        network: error.code,
        home: attempt(() => fs.readdirSync('/root')),
        calls: attempt(() => fs.readdirSync('..')),
        above: attempt(() => fs.writeFileSync('../x', 'x')),
      })))`
    const seen = JSON.parse((await run('javascript', { code })).stdout) as Record<string, unknown>
    assert.deepEqual(seen['network'], 'ENETUNREACH')
    assert.deepEqual(seen['home'], 'ENOENT')
    assert.equal((seen['calls'] as string[]).length, 1)
    // Above it is the private /tmp, which is not the host's.
    assert.deepEqual(
      readdirSync(scratch)
        .flatMap((base) => readdirSync(join(scratch, base)))
        .includes('x'),
      false,
    )
  })

  it('gets nothing of the host out through links, pipes and swapped folders', async () => {
    const code = `
      ln -s /etc/passwd link; ln -s / root; mkfifo pipe; ln snippet.sh hard
      rm -rf .run; ln -s /etc .run; echo done`
    const { files, stdout } = await run('shell', { code })
    assert.deepEqual([files.map(({ path }) => path), stdout], [['hard'], 'done\n'])
  })

  it('that makes folders deeper than a path can be long leaves nothing', async () => {
    const code = `
import os
for _ in range(100):
    os.mkdir('x' * 200); os.chdir('x' * 200)
os.chmod('.', 0)
print('deep')`
    const { stdout, truncated } = await run('python', { code })
    assert.deepEqual([stdout, truncated], ['deep\n', true])
    await until(() => readdirSync(scratch).every((base) => readdirSync(join(scratch, base)).length <= 4))
  })

  it('that takes too much memory is ended, and the next one runs', async () => {
    const outcome = await run('python', {
      code: 'x = bytearray(2 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint("got it")',
    })
    assert.equal(outcome.stdout, '')
    assert.notEqual(outcome.exitCode, 0)
    assert.equal((await run('shell', { code: 'echo next' })).stdout, 'next\n')
  })
})

if (process.getuid?.() === 0) {
  it('the same holds for a gateway that is not root', async () => {
    const identity = ['--reuid=65534', '--regid=65534', '--clear-groups']
    const test = new URL(import.meta.url).pathname
    const child = spawn('/usr/bin/setpriv', [...identity, process.execPath, '--test', '--test-reporter=tap', test], {
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    const [code] = await once(child, 'exit')
    assert.equal(code, 0, output)
    assert.match(output, /ok \d+ - gets nothing of the host out/)
  })
}
