import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { Secret } from '../../src/core/secret.ts'
import { createLogger, type LogLevel } from '../../src/audit/log.ts'

function newLog(format: 'json' | 'text' = 'json', level: LogLevel = 'info') {
  const lines: string[] = []
  const log = createLogger({ level, format, sink: { write: (text) => lines.push(text) } })
  return { log, lines }
}

test('an entry is one line of JSON with level, time and message', () => {
  const { log, lines } = newLog()
  log.info('listening', { port: 8443 })
  const entry = JSON.parse(lines[0] as string) as { time: string }
  assert.match(entry.time, /^\d{4}-\d\d-\d\dT/)
  assert.deepEqual({ ...entry, time: '' }, { level: 'info', time: '', port: 8443, message: 'listening' })
})

test('what is below the level is not written', () => {
  const { log, lines } = newLog('json', 'warn')
  log.info('quiet')
  log.warn('loud')
  assert.equal(lines.length, 1)
})

test('a child adds its facts to each entry', () => {
  const { log, lines } = newLog()
  log.child({ upstream: 'files' }).child({ pid: 7 }).warn('ended', { code: 1 })
  assert.partialDeepStrictEqual(JSON.parse(lines[0] as string), { upstream: 'files', pid: 7, code: 1 })
})

const HIDDEN = 'hidden-value-0123456789'
const jwt = `eyJhbGciOiJFUzI1NiJ9.${HIDDEN}.c2ln`
const cycle: Record<string, unknown> = { token: HIDDEN }
cycle.self = cycle
const LEAKS: ReadonlyArray<readonly [title: string, message: string, facts: object]> = [
  ['a Secret', 'x', { value: new Secret(HIDDEN), deep: [{ key: new Secret(HIDDEN) }] }],
  [
    'headers with credentials',
    'x',
    { headers: { Authorization: `Bearer ${HIDDEN}`, cookie: HIDDEN, 'x-api-key': HIDDEN } },
  ],
  [
    'members with the names of secrets',
    'x',
    { oauth: { client_secret: HIDDEN, refreshToken: HIDDEN, PASSWORD: HIDDEN } },
  ],
  ['a bearer token in the message', `sent Bearer ${HIDDEN}`, {}],
  ['a token in an error', 'x', { error: new Error(`bad token ${jwt}`, { cause: new Error(`DPoP ${HIDDEN}`) }) }],
  ['a detail of a fault', 'x', { error: new Fault('internal', { token: HIDDEN }) }],
  ['a private key', 'x', { text: `-----BEGIN PRIVATE KEY-----\n${HIDDEN}` }],
  ['bytes', 'x', { body: Buffer.from(HIDDEN) }],
  ['an object that contains itself', 'x', cycle],
]

for (const [title, message, facts] of LEAKS) {
  for (const format of ['json', 'text'] as const) {
    test(`${title} cannot be printed as ${format}`, () => {
      const { log, lines } = newLog(format)
      log.child({ bound: facts }).error(message, { ...facts })
      assert.equal(lines.length, 1)
      assert.equal(lines[0]?.includes(HIDDEN), false)
    })
  }
}

test('an error keeps its name, message, code and cause', () => {
  const { log, lines } = newLog()
  const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  log.error('audit broke', { error: new Error('write failed', { cause }) })
  assert.partialDeepStrictEqual(JSON.parse(lines[0] as string), {
    error: { name: 'Error', message: 'write failed', cause: { message: 'no space', code: 'ENOSPC' } },
  })
})

test('text for a terminal is one short line', () => {
  const { log, lines } = newLog('text')
  log.warn('upstream ended', { upstream: 'files', code: 1, why: 'exit status 1' })
  assert.match(
    lines[0] as string,
    /^\d\d:\d\d:\d\d WARN {2}upstream ended upstream=files code=1 why="exit status 1"\n$/,
  )
})

test('a caller cannot move the cursor or begin a line of its own', () => {
  const { log, lines } = newLog('text')
  log.info('tool\n12:00:00 ERROR forged', { name: 'a\u001b[2Jb\u202ec\u0007' })
  assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1)
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  assert.doesNotMatch(lines[0]?.slice(0, -1) ?? '', /[\u0000-\u001f\u007f\u202e]/)
})
