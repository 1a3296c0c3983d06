import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import { Fault } from '../../../src/core/fault.ts'
import { ToolSchemas } from '../../../src/inspection/tool-schemas.ts'
import { isError, type Params } from '../../../src/mcp/message.ts'
import type { ExitReport, KillReason } from '../../../src/sandbox/driver.ts'
import { CodeConnector } from '../../../src/upstream/code/code-connector.ts'
import { interpretersInside } from '../../../src/upstream/code/interpreters.ts'
import type { OneRun, RunOrder } from '../../../src/upstream/code/launch.ts'
import { readToolList } from '../../../src/upstream/tool-list.ts'
import { call, GATEWAY, isFault, recorder, until } from '../harness.ts'
import { LIMITS, scratchFolder } from './limits.ts'

const EXITED: ExitReport = { code: 0, signal: null, reason: 'exited', stderrTail: '' }

/** Sandboxes that only exist in the test: `act` plays the snippet, and may say how it ended. */
async function setUp(t: TestContext, act: (order: RunOrder) => Promise<Partial<ExitReport> | void> = async () => {}) {
  const scratch = scratchFolder(t)
  const orders: RunOrder[] = []
  const kills: KillReason[] = []
  const runOnce = async (order: RunOrder): Promise<OneRun> => {
    orders.push(order)
    const { promise: killed, resolve } = Promise.withResolvers<Partial<ExitReport>>()
    const kill = (reason: KillReason) => {
      kills.push(reason)
      resolve({ code: null, reason })
    }
    const exited = Promise.race([act(order), killed]).then((report) => ({ ...EXITED, ...report }))
    return { exited, kill, onLine: () => {} }
  }
  const warned: unknown[] = []
  const connector = new CodeConnector({
    runOnce,
    interpreters: interpretersInside(['javascript', 'shell']),
    limits: LIMITS,
    scratch,
    gateway: GATEWAY,
    warn: (...facts) => warned.push(facts),
  })
  t.after(() => connector.close())
  const link = await connector.open({ scope: 'alice' })
  const request = (name: string, args: Params, cancellation = new Cancellation()) =>
    link.request({ ...call(name, args), incident: 'incident-1' }, recorder(), cancellation)
  /** Folders of calls that are still there. */
  const left = () =>
    readdirSync(scratch).flatMap((base) => readdirSync(join(scratch, base)).filter((name) => name !== 'owner'))
  return { connector, link, request, orders, kills, left, scratch, warned }
}

const structured = (response: Awaited<ReturnType<Awaited<ReturnType<typeof setUp>>['request']>>): Params => {
  if (isError(response)) throw new Error(response.error.message)
  return response.result['structuredContent'] as Params
}

describe('the upstream that runs code', () => {
  it('lists one tool for each language, with schemas that the gateway can compile', async (t) => {
    const { link } = await setUp(t)
    const page = async () => {
      const response = await link.request({ id: 1, method: 'tools/list', params: {} }, recorder(), new Cancellation())
      if (isError(response)) throw new Error('refused')
      return response.result
    }
    const { tools, problems } = await readToolList('code', page, { maxPages: 1, maxTools: 9, maxBytes: 1e6 })
    assert.deepEqual([...tools.keys()], ['run_javascript', 'run_shell'])
    assert.deepEqual(problems, [])
    const schemas = new ToolSchemas()
    for (const tool of tools.values()) assert.equal(schemas.problem(tool), undefined)
  })

  it('answers nothing else', async (t) => {
    const { link, request } = await setUp(t)
    const other = await link.request({ id: 1, method: 'prompts/list', params: {} }, recorder(), new Cancellation())
    assert.ok(isError(other) && other.error.code === -32601)
    const unknown = await request('run_python', { code: '' })
    assert.ok(isError(unknown) && unknown.error.code === -32602)
  })

  it('runs a snippet in a folder of its own, which is gone afterwards', async (t) => {
    let seen: readonly string[] = []
    const { request, orders, left } = await setUp(t, async ({ cwd }) => {
      seen = ['snippet.sh', '.run/stdin', 'd/f'].map((name) => readFileSync(join(cwd, name), 'utf8'))
      writeFileSync(join(cwd, '.run/stdout'), 'out')
      writeFileSync(join(cwd, '.run/stderr'), 'err')
      writeFileSync(join(cwd, 'made'), 'x')
      return { code: 3 }
    })
    const args = {
      code: 'the code',
      stdin: 'the input',
      files: [{ path: 'd/f', content: 'the file' }],
      timeoutSeconds: 2,
    }
    const response = await request('run_shell', args)
    assert.deepEqual(seen, ['the code', 'the input', 'the file'])
    const outcome = {
      end: 'exited',
      exitCode: 3,
      stdout: 'out',
      stderr: 'err',
      files: [{ path: 'made', size: 1, content: 'x' }],
      truncated: false,
    }
    assert.deepEqual(response, {
      jsonrpc: '2.0',
      id: 'caller-1',
      result: {
        resultType: 'complete',
        content: [{ type: 'text', text: JSON.stringify(outcome) }],
        structuredContent: outcome,
        isError: true,
      },
    })
    const [order] = orders
    assert.deepEqual([order?.scope, order?.incident], ['alice', 'incident-1'])
    assert.deepEqual(
      [order?.lifeMs, order?.readWrite, order?.args.slice(-2)],
      [2_000, [order?.cwd], ['sh', 'snippet.sh']],
    )
    await until(() => left().length === 0)
  })

  it('never lets the code become part of a command line', async (t) => {
    const { request, orders } = await setUp(t)
    await request('run_javascript', {
      code: '"; touch /tmp/x',
      stdin: '$(id)',
      files: [{ path: '$(id)', content: '' }],
    })
    assert.doesNotMatch(JSON.stringify(orders[0]?.args), /touch|id\)/)
  })

  const ends = {
    'life-deadline': { end: 'timeout', exitCode: null },
    'out-of-memory': { end: 'memory', exitCode: null },
    'disk-quota': { end: 'disk', exitCode: null },
    'line-too-long': { end: 'killed', exitCode: null },
  } as const
  for (const [reason, expected] of Object.entries(ends)) {
    it(`tells of ${reason} with what there was until then`, async (t) => {
      const { request } = await setUp(t, async ({ cwd }) => {
        writeFileSync(join(cwd, '.run/stdout'), 'partial')
        return { reason: reason as ExitReport['reason'], code: 137 }
      })
      const { end, exitCode, stdout } = structured(await request('run_shell', { code: '' }))
      assert.deepEqual({ end, exitCode, stdout }, { ...expected, stdout: 'partial' })
    })
  }

  const statuses = [
    [{ code: 0 }, { exitCode: 0 }],
    [{ code: 128 }, { exitCode: 128 }],
    [{ code: 139 }, { exitCode: 139, signal: 'SIGSEGV' }],
    [
      { code: null, signal: 'SIGKILL' },
      { exitCode: 137, signal: 'SIGKILL' },
    ],
    [{ code: 255 }, { exitCode: 255 }],
  ] as const
  for (const [report, expected] of statuses) {
    it(`shows ${JSON.stringify(report)} as a shell does`, async (t) => {
      const { request } = await setUp(t, async () => report)
      const { exitCode, signal } = structured(await request('run_shell', { code: '' }))
      assert.deepEqual({ exitCode, ...(signal !== undefined && { signal }) }, expected)
    })
  }

  it('says what is wrong with a snippet, and runs nothing', async (t) => {
    const { request, orders } = await setUp(t)
    const response = await request('run_shell', { code: '', files: [{ path: '../x', content: '' }] })
    assert.ok(!isError(response) && response.result['isError'] === true)
    assert.match(JSON.stringify(response), /The path of files\[0\] has an empty part, or one of dots\./)
    assert.equal(orders.length, 0)
  })

  it('kills what was cancelled and removes its folder', async (t) => {
    const { request, kills, left } = await setUp(t, () => new Promise(() => {}))
    const cancellation = new Cancellation()
    const answer = assert.rejects(
      request('run_shell', { code: '' }, cancellation),
      isFault('upstream.ended', { reason: 'cancelled', why: 'client-left' }),
    )
    setTimeout(() => cancellation.cancel('client-left'), 20)
    await answer
    assert.deepEqual(kills, ['killed'])
    await until(() => left().length === 0)
  })

  it('starts nothing that was cancelled before', async (t) => {
    const { request, orders } = await setUp(t)
    const cancellation = new Cancellation()
    cancellation.cancel('deadline')
    await assert.rejects(request('run_shell', { code: '' }, cancellation), isFault('upstream.ended'))
    assert.equal(orders.length, 0)
  })

  it('runs only so many at a time, and then others again', async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { request, orders, left } = await setUp(t, () => promise)
    const running = [request('run_shell', { code: '1' }), request('run_shell', { code: '2' })]
    await until(() => orders.length === 2)
    await assert.rejects(request('run_shell', { code: '3' }), isFault('limits.concurrency'))
    assert.equal(orders.length, 2)
    resolve()
    await Promise.all(running)
    await until(() => left().length === 0)
    await turn() // the place is given back when the folder is gone
    await request('run_shell', { code: '4' })
  })

  it('leaves places for others when one scope has all that it may have', async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { connector, request, orders } = await setUp(t, () => promise)
    const bob = await connector.open({ scope: 'bob' })
    const ask = () => bob.request(call('run_shell', { code: '3' }), recorder(), new Cancellation())
    const running = [request('run_shell', { code: '1' }), request('run_shell', { code: '2' })]
    await until(() => orders.length === 2)
    await assert.rejects(request('run_shell', { code: '4' }), isFault('limits.concurrency'))
    running.push(ask())
    await until(() => orders.length === 3)
    await assert.rejects(ask(), isFault('limits.concurrency'))
    assert.deepEqual(
      orders.map(({ scope }) => scope),
      ['alice', 'alice', 'bob'],
    )
    resolve()
    await Promise.all(running)
  })

  it('passes on why a sandbox could not be built, and leaves no folder', async (t) => {
    const { request, left } = await setUp(t, async () => ({ reason: 'setup-failed', stderrTail: 'bwrap: no' }))
    await assert.rejects(request('run_shell', { code: '' }), isFault('sandbox.start_failed', { reason: 'bwrap: no' }))
    await until(() => left().length === 0)
  })

  it('ends what runs when it is closed, and leaves nothing', async (t) => {
    const { connector, request, scratch, orders, kills } = await setUp(t, () => new Promise(() => {}))
    const running = request('run_shell', { code: '' })
    await until(() => orders.length === 1)
    await connector.close()
    assert.equal(structured(await running)['end'], 'killed')
    assert.deepEqual(kills, ['killed'])
    assert.deepEqual(readdirSync(scratch), [])
    await assert.rejects(request('run_shell', { code: '' }), isFault('upstream.ended'))
  })

  it('is unavailable without an interpreter, and without a folder', async (t) => {
    const scratch = scratchFolder(t)
    const options = {
      limits: LIMITS,
      gateway: GATEWAY,
      warn: () => {},
      runOnce: () => Promise.reject(new Fault('internal')),
    }
    const none = new CodeConnector({ ...options, scratch, interpreters: [] })
    await assert.rejects(
      none.open({ scope: 'alice' }),
      isFault('upstream.unavailable', { reason: 'no interpreter was found' }),
    )
    const nowhere = new CodeConnector({
      ...options,
      scratch: join(scratch, 'absent'),
      interpreters: interpretersInside(['shell']),
    })
    await assert.rejects(nowhere.open({ scope: 'alice' }), isFault('upstream.unavailable'))
    assert.equal(existsSync(join(scratch, 'absent')), false)
  })
})
