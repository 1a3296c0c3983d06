/** What is published: the program, joined into few files, with its threads and processes beside it, and the modules with their types. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { callTool } from '../../fixtures/client.ts'
import { startScripted } from '../../fixtures/scripted-upstream.ts'

const PACKAGE = resolve(import.meta.dirname, '../../..')
const LAUNCHER = join(PACKAGE, 'bin', 'portcullis.cjs')
const PROGRAM = join(PACKAGE, 'dist', 'program')
const ECHO = { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }

/** What a module names as its neighbour, to run it in a thread or a process. */
const NEIGHBOUR = /new URL\(`\.\/([\w-]+)\$\{extname/g
const PROCESSES = ['cedar-process', 'policy-process']

describe('the build', () => {
  before(() => {
    const built = spawnSync(process.execPath, [resolve(PACKAGE, '../../scripts/build.mjs')], { encoding: 'utf8' })
    assert.equal(built.status, 0, built.stderr)
  })

  test('serves a call over TLS', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-program-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const upstream = await startScripted('modern', [ECHO])
    context.after(() => upstream.close())
    const made = spawnSync(process.execPath, [LAUNCHER, 'init', '--dir', folder], { encoding: 'utf8' })
    const token = /pcl_\w+/.exec(made.stdout)?.[0] ?? assert.fail(made.stderr)
    const config = join(folder, 'portcullis.yaml')
    const upstreams = { scripted: { trust: 'trusted', http: { url: upstream.url, plaintext: 'loopback-only' } } }
    const policy = { files: ['policies/*.cedar'], roles: ['admin', 'user'] }
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ version: 1, state: 'state', listen: { port: 0 }, policy, upstreams }))
    const gateway = spawn(process.execPath, [LAUNCHER, 'serve', '--config', config], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    context.after(() => gateway.kill('SIGKILL'))
    const [line] = (await once(createInterface(gateway.stdout), 'line')) as [string]
    const origin = line.split(' ').at(-1) as string
    const caFile = join(folder, 'state', 'authority', 'ca.crt')
    upstream.answer({ result: { content: [{ type: 'text', text: 'joined' }] } })
    const reply = await callTool({ origin, url: `${origin}/mcp/scripted`, token, caFile }, 'echo', { text: 'joined' })
    assert.equal(reply.json.result.content[0].text, 'joined')
    assert.deepEqual(upstream.asked, [{ text: 'joined' }])
    gateway.kill('SIGTERM')
    assert.deepEqual(await once(gateway, 'exit'), [0, null])
  })

  test('has every thread and process beside the program', () => {
    const code = filesOf(PROGRAM)
      .map((file) => readFileSync(file, 'utf8'))
      .join('')
    const named = [...code.matchAll(NEIGHBOUR)].map(([, name]) => name as string)
    assert(named.length >= 4, named.join())
    assert.deepEqual(
      [...named, ...PROCESSES].filter((name) => !existsSync(join(PROGRAM, `${name}.js`))),
      [],
    )
  })

  test('has threads that work', async () => {
    assert.deepEqual(await answerOf('validation-work', { schema: '{"type":"string"}', value: '"text"' }), {
      answer: undefined,
    })
    const cleaned = await answerOf(
      'clean-work',
      '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script><text>text</text></svg>',
    )
    assert('answer' in cleaned && !JSON.stringify(cleaned).includes('<script'))
    // Nobody to seal for: it says so, or for which kinds it would.
    assert.match(Object.keys(await answerOf('pack-work', undefined)).join(), /kinds|failed/)
    const folders = new Worker(join(PROGRAM, 'thread.js'))
    await once(folders, 'online')
    await folders.terminate()
  })

  test('has processes that ask Cedar', () => {
    const sources = [{ file: 'a.cedar', text: '@id("all")\npermit (principal, action, resource);' }]
    const words = { sources, roles: ['user'], upstreams: ['files'], tools: [] }
    const { parsed } = ask('cedar-process', words)
    assert.equal(Object.keys(parsed).length, 1)
    assert.equal(ask('policy-process', { ask: 'check', ...words }).policies, 1)
  })

  test('has every module by itself, with its types', async () => {
    const library = await import(pathToFileURL(join(PACKAGE, 'dist', 'gateway', 'gateway.js')).href)
    assert.equal(typeof library.startGateway, 'function')
    const sources = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' })
    const modules = sources.filter((name) => name.endsWith('.ts')).map((name) => name.slice(0, -3))
    const missing = modules.flatMap((name) =>
      ['.js', '.d.ts'].map((end) => join(PACKAGE, 'dist', `${name}${end}`)).filter((file) => !existsSync(file)),
    )
    assert.deepEqual(missing, [])
  })

  test('names the sources in its maps', () => {
    const maps = readdirSync(PROGRAM).filter((name) => name.endsWith('.map'))
    const sources = maps.flatMap((name) => JSON.parse(readFileSync(join(PROGRAM, name), 'utf8')).sources as string[])
    assert(sources.length > 500)
    assert.deepEqual(
      sources.filter((source) => !existsSync(resolve(PROGRAM, source))),
      [],
    )
  })

  test('is ASCII, so that the engine keeps one byte for each of its letters', () => {
    assert.deepEqual(
      filesOf(PROGRAM).filter((file) => /\P{ASCII}/u.test(readFileSync(file, 'utf8'))),
      [],
    )
  })
})

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name))
}

async function answerOf(program: string, task: unknown): Promise<object> {
  const worker = new Worker(join(PROGRAM, `${program}.js`), { workerData: [], env: {} })
  if (task !== undefined) worker.postMessage(task, [])
  const [answer] = (await once(worker, 'message')) as [object]
  await worker.terminate()
  return answer
}

function ask(program: string, question: object) {
  const ran = spawnSync(process.execPath, [join(PROGRAM, `${program}.js`)], {
    input: JSON.stringify(question),
    encoding: 'utf8',
  })
  assert.equal(ran.status, 0, ran.stderr)
  return JSON.parse(ran.stdout)
}
