/** SB-7: snippets of code through the gateway: the same policy, schemas, records and eras as for any tool, and thick walls. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownMark } from '../../src/sandbox/mark.ts'
import type { Outcome } from '../../src/upstream/code/snippet.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { ask, callTool, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const POLICY = `
@id("administrators-may-everything") permit (principal in Role::"admin", action, resource);
@id("users-may-run-shell") permit (principal in Role::"user", action == Action::"tools/call", resource == Tool::"code/run_shell");
`

let gateway: TestGateway
let listener: Server
let knocks = 0

before(async () => {
  listener = createServer(() => knocks++)
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const code = {
    languages: ['javascript', 'python', 'shell'],
    sandbox: { memoryMiB: 1024, tmpMiB: 16, fileMiB: 8 },
    timeoutSeconds: 10,
    outputKiB: 4,
  }
  gateway = await startTestGateway({ policy: POLICY, upstreams: [], config: { upstreams: { code: { code } } } })
})
after(async () => {
  await gateway.close()
  listener.close()
  assert.deepEqual(ownFolders(), [])
})

/** Folders of snippets that this process has made, with what is in them beside their owner's name. */
function ownFolders(): readonly string[] {
  const bases = readdirSync(tmpdir()).filter((name) => name.startsWith('portcullis-code-'))
  const own = bases.filter((base) => readIfThere(join(tmpdir(), base, 'owner')) === ownMark())
  return own.flatMap((base) => readdirSync(join(tmpdir(), base)).filter((name) => name !== 'owner'))
}

/** Undefined for what is no process, or is none any more. */
function commandOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return undefined
  }
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 100, 'it never happened')
    await sleep(50)
  }
}

const call = (language: string, args: object, token = gateway.token) =>
  callTool(gateway, `run_${language}`, args, { token, url: gateway.endpoint('code') })

async function run(language: string, args: object): Promise<Outcome> {
  const { json } = await call(language, args)
  assert.ok(json.result?.structuredContent, JSON.stringify(json))
  return json.result.structuredContent
}

test('there is a tool for each language, whose schemas say what goes in and out', async () => {
  const { json } = await ask(gateway, 'tools/list', {}, { url: gateway.endpoint('code') })
  const tools = json.result.tools as ReadonlyArray<{ name: string; inputSchema: object; outputSchema: object }>
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['run_javascript', 'run_python', 'run_shell'],
  )
  for (const { inputSchema, outputSchema } of tools)
    assert.ok('properties' in inputSchema && 'properties' in outputSchema)
})

test('each language runs, with input, files in and files out', async () => {
  const files = [{ path: 'in/data.json', content: '{"a":41}' }]
  const javascript = 'const d = require("./in/data.json"); require("fs").writeFileSync("out.txt", String(d.a + 1))'
  const python = 'import json\nopen("out.txt", "w").write(str(json.load(open("in/data.json"))["a"] + 1))'
  const shell = 'read -r n; printf "$((n + 1))" > out.txt'
  for (const [language, code] of Object.entries({ javascript, python, shell })) {
    const outcome = await run(language, { code, files, stdin: '41\n' })
    assert.deepEqual(
      outcome,
      {
        end: 'exited',
        exitCode: 0,
        stdout: '',
        stderr: '',
        files: [{ path: 'out.txt', size: 2, content: '42' }],
        truncated: false,
      },
      language,
    )
  }
})

test('clients of the older era get the same', async () => {
  const url = gateway.endpoint('code')
  const headers = await openSession(gateway, { url })
  const params = { name: 'run_shell', arguments: { code: 'echo old' } }
  const { json } = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { url, headers })
  assert.equal(json.result.structuredContent.stdout, 'old\n')
  assert.equal(json.result.content[0].text, JSON.stringify(json.result.structuredContent))
  assert.ok(!('resultType' in json.result))
})

describe('a snippet is refused, and nothing runs, with', () => {
  const bad: Readonly<Record<string, object>> = {
    'no code': {},
    'an unknown argument': { code: 'true', network: true },
    'a path that leads out': { code: 'true', files: [{ path: '../../x', content: '' }] },
    'an absolute path': { code: 'true', files: [{ path: '/etc/x', content: '' }] },
    'too much time': { code: 'true', timeoutSeconds: 11 },
    'a file without content': { code: 'true', files: [{ path: 'a' }] },
  }
  for (const [title, args] of Object.entries(bad)) {
    test(title, async () => {
      const reply = await call('shell', args)
      assert.equal(reply.json.result.isError, true, reply.text)
      assert.ok(!('structuredContent' in reply.json.result))
    })
  }

  test('a principal who may not', async () => {
    const token = await gateway.issue(['user'])
    const denied = await call('python', { code: 'print(1)' }, token)
    assert.ok(denied.json.error !== undefined, denied.text)
    assert.equal((await call('shell', { code: 'echo may' }, token)).json.result.structuredContent.stdout, 'may\n')
  })
})

test('it reaches no network, no file of the host, and neither the gateway nor another snippet', async () => {
  const { port } = listener.address() as AddressInfo
  const code = `
import os, socket, json
def attempt(act):
    try: return act()
    except OSError as e: return e.errno
seen = {
  'network': attempt(lambda: socket.create_connection(('127.0.0.1', ${port}), 1) and 'connected'),
  'state': attempt(lambda: os.listdir(${JSON.stringify(gateway.stateFolder)})),
  'root': attempt(lambda: os.listdir('/root')),
  'shadow': attempt(lambda: open('/etc/shadow').read()),
  'pids': len([p for p in os.listdir('/proc') if p.isdigit()]),
  'environment': sorted(os.environ),
}
print(json.dumps(seen))`
  const seen = JSON.parse((await run('python', { code })).stdout)
  assert.equal(seen.network, 111)
  assert.deepEqual([seen.state, seen.root, seen.shadow], [2, 2, 2])
  assert.ok(seen.pids < 6)
  for (const name of seen.environment)
    assert.ok(['HOME', 'LANG', 'LC_CTYPE', 'PATH', 'PWD', 'TMPDIR', 'USER'].includes(name), name)
  assert.equal(knocks, 0)
})

test('nothing is kept between two calls', async () => {
  await run('shell', { code: 'echo secret > here; echo secret > /tmp/there; echo secret > ~/home' })
  assert.equal((await run('shell', { code: 'cat here /tmp/there ~/home 2>/dev/null; ls' })).stdout, 'snippet.sh\n')
})

test('one that runs for ever, prints for ever or fills its disk is ended, and others run meanwhile', async () => {
  const [endless, printing, filling, quick] = await Promise.all([
    run('javascript', { code: 'console.log("so far"); for (;;);', timeoutSeconds: 2 }),
    run('shell', { code: 'exec yes' }),
    run('shell', {
      code: 'i=0; while head -c 4000000 /dev/zero > f$i; do i=$((i+1)); done; echo full',
      timeoutSeconds: 8,
    }),
    run('shell', { code: 'echo quick' }),
  ])
  assert.deepEqual([endless.end, endless.exitCode, endless.stdout], ['timeout', null, 'so far\n'])
  assert.deepEqual([printing.stdout.length, printing.truncated], [4_096, true])
  assert.notEqual(filling.end, 'timeout', JSON.stringify(filling))
  assert.equal(quick.stdout, 'quick\n')
})

test('one that its caller takes back is ended, and nothing of it stays', async () => {
  const url = gateway.endpoint('code')
  const headers = await openSession(gateway, { url })
  const sleeps = () => readdirSync('/proc').filter((pid) => commandOf(pid) === 'sleep\x0041.5\0').length
  const params = { name: 'run_shell', arguments: { code: 'sleep 41.5; echo late' } }
  const answer = send(gateway, { jsonrpc: '2.0', id: 7, method: 'tools/call', params }, { url, headers })
  await until(() => sleeps() === 1)
  const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
  await send(gateway, cancelled, { url, headers })
  await until(() => sleeps() === 0 && ownFolders().length === 0)
  assert.ok(!(await answer).text.includes('late'))
})

test('each call is on record with its process, under whom it ran, and without its code', async () => {
  const token = await gateway.issue(['user'])
  const reply = await call('shell', { code: 'echo TOP-SECRET-CODE; exit 3' }, token)
  assert.equal(reply.json.result.isError, true)
  const records = recordsOf(gateway)
  const text = JSON.stringify(records)
  assert.ok(text.includes('run_shell') && !text.includes('TOP-SECRET-CODE'))
  for (const verdict of verdictsOf(gateway).values()) assert.ok(verdict.sound, JSON.stringify(verdict))
})
