/** SB-4: however a server behind the gateway breaks down, its caller is told, the next call works, and nobody else waits. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { recordsOf } from '../fixtures/audit.ts'
import { callTool, type Reply } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/restless-stdio.ts')

let folder: string
let gateway: TestGateway

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-restless-'))
  chmodSync(folder, 0o755)
  for (const name of ['mended', 'starts']) {
    mkdirSync(join(folder, name))
    chmodSync(join(folder, name), 0o777)
  }
  const server = (name: string, args: readonly string[] = [], more: object = {}) => ({
    name,
    command: [process.execPath, SERVER, ...args] as const,
    readable: [SERVER],
    era: 'modern' as const,
    ...more,
  })
  gateway = await startTestGateway({
    config: { limits: { callSeconds: 4, maxBodyBytes: 1_048_576 } },
    upstreams: [
      server('restless'),
      server('shared', [], { process: 'shared' }),
      server('crashing', ['crash']),
      server('mended', ['crash-until', join(folder, 'mended')], { writable: [join(folder, 'mended')] }),
      server('hanging', ['hang'], { stdio: { deadlines: { startSeconds: 2 } } }),
    ],
  })
})
after(async () => {
  await gateway.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Told {
  readonly status: number
  readonly text?: string
  readonly code?: string
  readonly says?: string
}

function told({ status, json }: Reply): Told {
  if (json.result !== undefined) return { status, text: json.result.content[0].text }
  return { status, code: json.error.data.code, says: json.error.message }
}

const call = async (name: string, token = gateway.token, upstream = 'restless'): Promise<Told> =>
  told(await callTool(gateway, name, {}, { token, url: gateway.endpoint(upstream) }))

/** Somebody whose process nobody else has broken. */
const somebody = (): Promise<string> => gateway.issue(['admin'])

describe('the caller is told, and the next call works, when a server', () => {
  const breakdowns: ReadonlyArray<readonly [title: string, tool: string, expected: Told]> = [
    [
      'exits in the middle of a call',
      'crash',
      { status: 502, code: 'upstream.ended', says: 'The upstream ended before it answered.' },
    ],
    [
      'aborts in the middle of a call',
      'abort',
      { status: 502, code: 'upstream.ended', says: 'The upstream ended before it answered.' },
    ],
    [
      'writes half a line and exits',
      'halfLine',
      { status: 502, code: 'upstream.ended', says: 'The upstream ended before it answered.' },
    ],
    [
      'writes what is not JSON',
      'notJson',
      { status: 502, code: 'upstream.malformed', says: 'The upstream sent an invalid answer.' },
    ],
    [
      'writes a line that never ends',
      'endless',
      { status: 502, code: 'upstream.too_large', says: 'The upstream sent too much.' },
    ],
    [
      'answers for ever what nobody asked',
      'floodOfAnswers',
      { status: 502, code: 'upstream.malformed', says: 'The upstream sent an invalid answer.' },
    ],
    ['never answers', 'hang', { status: 504, code: 'limits.deadline', says: 'The deadline has passed.' }],
  ]
  for (const [title, tool, expected] of breakdowns) {
    test(title, async () => {
      const token = await somebody()
      assert.deepEqual(await call(tool, token), expected)
      assert.match((await call('pid', token)).text ?? '', /^\d+$/)
    })
  }

  test('answers a question that was never asked, or prints among its messages', async () => {
    const token = await somebody()
    assert.equal((await call('unasked', token)).text, 'asked')
    assert.equal((await call('print', token)).text, 'printed')
    const { json } = await callTool(gateway, 'calls', {}, { token })
    assert.equal(json.result.content[0].text, '3', 'it is the same process')
  })

  test('leaves in order after some calls, as often as it likes', async () => {
    const token = await somebody()
    for (let run = 0; run < 3; run++) {
      for (let at = 0; at < 3; at++) assert.equal((await call('leave', token)).text, 'bye')
      await sleep(400)
    }
  })
})

describe('a server that keeps breaking down', () => {
  test('is held off, its caller is told until when, and nobody else is', async () => {
    const token = await somebody()
    const first = await call('crash', token)
    const second = await call('crash', token)
    assert.deepEqual([first.code, second.code], ['upstream.ended', 'upstream.ended'])
    const reply = await callTool(gateway, 'pid', {}, { token })
    const held = told(reply)
    assert.equal(held.code, 'upstream.unavailable')
    assert.match(held.says ?? '', /^The upstream has failed; it is started again in \d+ s at the earliest\.$/)
    assert.match(String(reply.headers['retry-after']), /^\d+$/)
    assert.match((await call('pid', await somebody())).text ?? '', /^\d+$/)
    await sleep(Number(reply.headers['retry-after']) * 1_000)
    assert.match((await call('pid', token)).text ?? '', /^\d+$/)
  })

  test('from its start is held off too, and works as soon as it is mended', async () => {
    const url = gateway.endpoint('mended')
    const failed = told(await callTool(gateway, 'pid', {}, { url }))
    assert.ok(failed.status === 502 && failed.code?.startsWith('upstream.'), JSON.stringify(failed))
    writeFileSync(join(folder, 'mended', 'mended'), '')
    let reply: Told
    do {
      await sleep(250)
      reply = told(await callTool(gateway, 'pid', {}, { url }))
      if (reply.text === undefined) assert.match(reply.code ?? '', /^upstream\.(?:ended|unavailable)$/)
    } while (reply.text === undefined)
    assert.match(reply.text, /^\d+$/)
  })

  test('is not started for every call', async () => {
    const started = () =>
      gateway.logged
        .map((line) => JSON.parse(line) as { message: string; upstream?: string })
        .filter(({ message, upstream }) => message === 'upstream process started' && upstream === 'crashing').length
    const earlier = started()
    for (let tries = 0; tries < 30; tries++) await call('pid', gateway.token, 'crashing')
    assert.ok(earlier > 0 && started() - earlier <= 5, `${earlier}, then ${started() - earlier} starts`)
  })

  test('by not starting is given up after its time', async () => {
    const reply = await call('pid', gateway.token, 'hanging')
    assert.equal(reply.code, 'upstream.unavailable')
    assert.match(
      reply.says ?? '',
      /^The upstream (?:did not start in time|has failed; it is started again in \d+ s at the earliest)\.$/,
    )
  })
})

test('each of these is on record, with its reason, and no caller reads it', async () => {
  const token = await somebody()
  const reply = await callTool(gateway, 'crash', {}, { token })
  const { incident } = reply.json.error.data
  assert.doesNotMatch(reply.text, /"signal"|SIGABRT|exited|\b7\b.*reason/)
  const records = recordsOf(gateway)
  const outcome = records.find(
    (record) =>
      'incident' in record && record.incident === incident && JSON.stringify(record).includes('upstream.ended'),
  )
  assert.match(JSON.stringify(outcome), /"code":7/)
  const text = JSON.stringify(records)
  for (const what of ['stray-output', 'broken-message', 'unasked-answer', 'too-many'])
    assert.ok(text.includes(what), what)
})

describe('the calls of others go on, and quickly, while a server', () => {
  for (const tool of ['floodOfText', 'floodOfMessages', 'floodOfAnswers', 'floodOfQuestions', 'endless', 'hang']) {
    test(`does ${tool}`, async (t) => {
      const [noisy, quiet] = [await somebody(), await somebody()]
      assert.match((await call('pid', quiet)).text ?? '', /^\d+$/)
      const flooded = call(tool, noisy)
      await sleep(300)
      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      const pids = new Set<string | undefined>()
      for (let at = 0; at < 10; at++) pids.add((await call('pid', quiet)).text)
      delay.disable()
      assert.equal(pids.size, 1)
      assert.match([...pids][0] ?? '', /^\d+$/)
      const [p999, max] = [delay.percentile(99.9), delay.max].map((nanoseconds) => (nanoseconds / 1e6).toFixed(1))
      t.diagnostic(`event-loop delay: p99.9 ${p999} ms, max ${max} ms`)
      assert.notEqual((await flooded).status, 200)
    })
  }

  test('crashes under several callers at once, who are all told', async () => {
    const waiting = ['hang', 'hang', 'hang'].map((tool) => call(tool, gateway.token, 'shared'))
    await sleep(300)
    assert.equal((await call('crash', gateway.token, 'shared')).code, 'upstream.ended')
    for (const one of await Promise.all(waiting)) assert.equal(one.code, 'upstream.ended')
    assert.match((await call('pid', gateway.token, 'shared')).text ?? '', /^\d+$/)
  })
})

test('nothing of them is left when the gateway ends', async () => {
  await gateway.close()
  const running = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid))
  const left = running.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(SERVER) && Number(pid) !== process.pid
    } catch {
      return false
    }
  })
  assert.deepEqual(left, [])
})
