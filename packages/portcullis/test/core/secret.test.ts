/** AU-2: a Secret does not print, however it is printed and whatever holds it. */
import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { describe, it } from 'node:test'
import { PassThrough } from 'node:stream'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { createLogger } from '../../src/audit/log.ts'
import { scrub } from '../../src/audit/scrub.ts'
import { Fault } from '../../src/core/fault.ts'
import { Secret } from '../../src/core/secret.ts'
import { Canaries } from '../fixtures/canaries.ts'

const canaries = new Canaries()
const text = canaries.plant('text', 'canary-of-a-secret')
const secret = new Secret(text)
const bytes = new Secret(Buffer.from(text))
const within = {
  one: secret,
  list: [secret, bytes],
  map: new Map([['a', secret]]),
  set: new Set([bytes]),
  deep: { a: { b: { c: secret } } },
}
const error = new Fault(
  'internal',
  { secret },
  { cause: Object.assign(new Error('outer', { cause: within }), { headers: within }) },
)

const WAYS: readonly (readonly [string, (value: unknown) => unknown])[] = [
  ['inspect', (value) => inspect(value, { depth: null })],
  [
    'inspect with everything that is hidden',
    (value) => inspect(value, { depth: null, showHidden: true, getters: true, customInspect: false }),
  ],
  ['JSON', (value) => JSON.stringify(value instanceof Map ? [...value] : value)],
  ['a template', (value) => `${value instanceof Fault ? value.stack : value}`],
  ['format', (value) => format('%s %o %O %j %d', value, value, value, value, value)],
  ['scrub', (value) => JSON.stringify(scrub(value))],
  [
    'the bytes of a message to a thread',
    (value) => (value instanceof Error ? '' : serialize(JSON.parse(JSON.stringify(value))).toString('latin1')),
  ],
  ['a clone', (value) => (value instanceof Secret ? JSON.stringify(structuredClone(value)) : '')],
]

describe('a Secret', () => {
  for (const [way, print] of WAYS)
    it(`is not in ${way}`, () => {
      for (const value of [secret, bytes, within, error, [secret]])
        assert.deepEqual(canaries.inText(String(print(value)), way), [])
    })

  it('is not on a console or in the log', () => {
    const stream = new PassThrough()
    const out = new Console(stream, stream)
    out.log(secret, within)
    out.error(error)
    out.dir(within, { depth: null, showHidden: true })
    out.table([within])
    const lines: string[] = []
    const log = createLogger({ level: 'debug', format: 'json', sink: { write: (line) => lines.push(line) } })
    log.error(`with ${secret}`, { secret, within, error })
    log.child({ secret }).warn('bound')
    assert.equal(lines.length, 2)
    assert.deepEqual(canaries.inText(`${stream.read()}${lines.join('')}`, 'printed'), [])
  })

  it('has no member and no key that leads to its value', () => {
    assert.deepEqual([Reflect.ownKeys(secret), Object.entries(secret)], [[], []])
    assert.equal(Number.isNaN(Number(secret)), true)
    assert.deepEqual(canaries.inText(String([secret, `${secret}`, secret + '']), 'joined'), [])
    assert.equal(secret.reveal(), text)
  })
})

describe('canaries', () => {
  it('are found however they are written, and nowhere else', () => {
    const forms = [
      text,
      Buffer.from(text).toString('hex'),
      Buffer.from(text).toString('hex').toUpperCase(),
      ...['', 'a', 'ab'].flatMap((before) => [
        Buffer.from(`${before}${text}x`).toString('base64'),
        Buffer.from(`${before}${text}x`).toString('base64url'),
      ]),
      [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(''),
    ]
    for (const form of forms) assert.notEqual(canaries.inText(`before ${form} after`, 'here').length, 0, form)
    assert.deepEqual(canaries.inText('canary-of-a-secre', 'here'), [])
    assert.throws(() => new Canaries().plant('short', 'abc'), RangeError)
  })
})
