/** A lock says the same however often it is written and read, and nothing that was changed by anybody else counts. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_LOCK, type Lock, LockError } from '../../../src/inspection/definitions/lock.ts'
import { parseLock } from '../../../src/inspection/definitions/lock-parse.ts'
import { lockKeyOf, lockKeyText, signedLock, verifyLock } from '../../../src/inspection/definitions/lock-signature.ts'
import { lockText } from '../../../src/inspection/definitions/lock-text.ts'
import {
  approve,
  changesOf,
  type Said,
  surveyed,
  toldOf,
  withoutUpstream,
} from '../../../src/inspection/definitions/survey.ts'

const BY = { by: 'reviewer', at: '2026-06-01T00:00:00.000Z' }
const ALICE = generateKeyPairSync('ed25519')
const BOB = generateKeyPairSync('ed25519')
const ALICE_TEXT = lockKeyText(ALICE.publicKey)
const BOB_TEXT = lockKeyText(BOB.publicKey)

const said = (more: Partial<Said> = {}): Said => ({
  serverInfo: { name: 'files', version: '1' },
  instructions: 'Be brief.',
  tools: [
    {
      name: 'read',
      description: 'Reads.',
      inputSchema: { type: 'object', properties: { path: { type: 'string' }, at: { type: 'string' } } },
    },
  ],
  prompts: [],
  resources: [],
  templates: [],
  ...more,
})
const roles = () =>
  new Map([
    ['/path', 'path'],
    ['/at', 'text'],
  ] as const)
const lockOf = (what: Said): Lock => approve(surveyed(EMPTY_LOCK, 'files', toldOf(what, roles)), 'files', undefined, BY)
const back = (lock: Lock): Lock => parseLock(lockText(lock))

test('any text, name and value survives writing and reading', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    fc.constantFrom(
      '__proto__',
      'null',
      '12',
      'yes',
      '- a',
      '# b',
      'a: b',
      '\u2028',
      '\u{e0041}',
      '\ud800',
      '"',
      'x'.repeat(1_500),
    ),
  )
  const schema = fc.dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  fc.assert(
    fc.property(word, word, schema, (name, description, properties) => {
      const tool = { name, description, inputSchema: { type: 'object', properties } }
      const lock = lockOf(said({ tools: [tool], resources: [{ uri: description, name }] }))
      const text = lockText(lock)
      const again = parseLock(text)
      assert.equal(lockText(again), text)
      assert.deepEqual(
        verifyLock(parseLock(lockText(signedLock(lock, ALICE.privateKey, 'alice', BY.at))), new Set([ALICE_TEXT]))
          .length,
        1,
      )
      // Nothing but printable characters of one line each: what hides is escaped.
      assert.doesNotMatch(text, /[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u)
    }),
    { numRuns: 200 },
  )
})

test('a lock with what waits reads the same, and what waits is not signed', () => {
  const lock = signedLock(lockOf(said()), ALICE.privateKey, 'alice', BY.at)
  const more = said({ instructions: 'Be long.', tools: [], prompts: [{ name: 'greet' }] })
  const waiting = surveyed(lock, 'files', toldOf(more, roles))
  assert.deepEqual(
    changesOf(back(waiting)).map(({ item, kind }) => [item, kind]),
    [
      ['instructions', 'changed'],
      ['prompt/greet', 'new'],
      ['tool/read', 'gone'],
    ],
  )
  assert.equal(verifyLock(back(waiting), new Set([ALICE_TEXT])).length, 1)
  const after = approve(back(waiting), 'files', ['tool/read'], BY)
  assert.deepEqual([...(after.upstreams.get('files')?.approved.keys() ?? [])].toSorted(), ['instructions', 'server'])
  assert.deepEqual(after.signatures, [], 'what was signed is no longer what is approved')
})

test('a survey of the same finds nothing, and of a newer server its version alone', () => {
  const lock = lockOf(said())
  assert.deepEqual(changesOf(surveyed(lock, 'files', toldOf(said(), roles))), [])
  const newer = surveyed(lock, 'files', toldOf(said({ serverInfo: { name: 'files', version: '2' } }), roles))
  assert.deepEqual(
    changesOf(newer).map(({ item, fields }) => [item, fields]),
    [['server', [{ field: '/version', before: '1', after: '2' }]]],
  )
})

test('roles that somebody decided outlive a change of the tool', () => {
  const lock = lockOf(said())
  const [tool = { name: '' }] = said().tools as readonly object[]
  const changed = toldOf(
    said({ tools: [{ ...tool, description: 'Reads more.' }] }),
    () =>
      new Map([
        ['/path', 'text'],
        ['/new', 'sql'],
      ]),
  )
  const waiting = surveyed(lock, 'files', changed).upstreams.get('files')?.waiting.get('tool/read')
  assert(waiting !== undefined && !('gone' in waiting))
  assert.deepEqual(
    [...(waiting.roles ?? [])],
    [
      ['/path', 'path'],
      ['/new', 'sql'],
    ],
  )
})

test('an upstream that leaves the configuration can leave the lock', () => {
  const lock = signedLock(lockOf(said()), ALICE.privateKey, 'alice', BY.at)
  assert.equal(withoutUpstream(lock, 'other'), lock)
  assert.deepEqual([...withoutUpstream(lock, 'files').upstreams], [])
})

test('several may sign; a signature that does not fit spoils the lock, whoever it is of', () => {
  const both = signedLock(signedLock(lockOf(said()), ALICE.privateKey, 'alice', BY.at), BOB.privateKey, 'bob', BY.at)
  assert.deepEqual(
    verifyLock(back(both), new Set([ALICE_TEXT, BOB_TEXT]))
      .map(({ by }) => by)
      .toSorted(),
    ['alice', 'bob'],
  )
  assert.deepEqual(
    verifyLock(back(both), new Set([BOB_TEXT])).map(({ by }) => by),
    ['bob'],
  )
  const [first, second] = both.signatures
  assert(first !== undefined && second !== undefined)
  // biome-ignore format: one forgery a row
  const forged: readonly (readonly [string, Lock, RegExp])[] = [
    ['nobody who is trusted', { ...both, signatures: [second] },                                           /nobody who is trusted/],
    ['another name',          { ...both, signatures: [{ ...first, by: 'mallory' }] },                      /does not fit/],
    ['another time',          { ...both, signatures: [{ ...first, at: '2027' }] },                         /does not fit/],
    ['another key',           { ...both, signatures: [{ ...second, key: ALICE_TEXT }] },                   /does not fit/],
    ['no key',                { ...both, signatures: [{ ...first, key: 'ed25519:AAAA' }] },                /does not fit/],
    ['a spare bit',           { ...both, signatures: [first, { ...second, signature: `${second.signature}=` }] }, /does not fit/],
    ['no signature',          { ...both, signatures: [] },                                                 /not signed/],
    ['another approver',      { ...approvedBy(both, 'mallory'), signatures: both.signatures },              /does not fit/],
    ['another role',          { ...withRole(both), signatures: both.signatures },                           /does not fit/],
    ['one approval less',     { ...without(both, 'tool/read'), signatures: both.signatures },               /does not fit/],
    ['another upstream',      { ...renamed(both), signatures: both.signatures },                            /does not fit/],
  ]
  for (const [what, lock, reason] of forged)
    assert.throws(
      () => verifyLock(back(lock), new Set([ALICE_TEXT])),
      (thrown: Error) => thrown instanceof LockError && reason.test(thrown.message),
      what,
    )
})

type Entries = ReadonlyMap<string, ReturnType<typeof entries> extends ReadonlyMap<string, infer Entry> ? Entry : never>
const entries = (lock: Lock) =>
  (
    lock.upstreams.get('files') as {
      approved: Lock['upstreams'] extends ReadonlyMap<string, { approved: infer A }> ? A : never
    }
  ).approved
const withEntries = (lock: Lock, known: Entries): Lock => ({
  ...lock,
  upstreams: new Map([['files', { approved: known, waiting: new Map() }]]),
})
const approvedBy = (lock: Lock, by: string) =>
  withEntries(lock, new Map([...entries(lock)].map(([key, one]) => [key, { ...one, by }])))
const withRole = (lock: Lock) =>
  withEntries(
    lock,
    new Map(
      [...entries(lock)].map(([key, one]) => [
        key,
        one.roles ? { ...one, roles: new Map([['/path', 'text'] as const]) } : one,
      ]),
    ),
  )
const without = (lock: Lock, gone: string) =>
  withEntries(lock, new Map([...entries(lock)].filter(([key]) => key !== gone)))
const renamed = (lock: Lock): Lock => ({
  ...lock,
  upstreams: new Map([['other', { approved: entries(lock), waiting: new Map() }]]),
})

const GOOD = lockText(signedLock(lockOf(said()), ALICE.privateKey, 'alice', BY.at))
// biome-ignore format: one text a row
const BAD: readonly (readonly [string, string, RegExp])[] = [
  ['nothing',                 '',                                                           /expected a map/],
  ['a list',                  '[]',                                                         /expected a map/],
  ['another version',         GOOD.replace('version: 1\n', 'version: 2\n'),                   /version/],
  ['no version',              GOOD.replace('version: 1\n', ''),                              /version/],
  ['an open quote',           GOOD.replace('by: "reviewer"', 'by: "reviewer'),               /line \d+/],
  ['a key twice',             `${GOOD}version: 1\n`,                                        /line \d+/],
  ['an alias',                'version: 1\nupstreams: &a {}\nsignatures: *a\n',              /aliases|list/],
  ['a tag',                   GOOD.replace('version: 1', 'version: !!js/function 1'),        /line \d+/],
  ['an unknown member',       GOOD.replace('digest:', 'digset:'),                            /unknown key/],
  ['no approver',             GOOD.replace(/ +by: "reviewer"\n/, ''),                        /by is missing/],
  ['another digest',          GOOD.replace(/digest: "../, 'digest: "00'),                    /do not have the digest/],
  ['another text',            GOOD.replace('Reads.', 'Writes.'),                             /do not have the digest/],
  ['another item',            GOOD.replace('"tool/read"', '"tool/write"'),                   /do not have the digest/],
  ['no kind of item',         GOOD.replace('"tool/read"', '"weapon/read"'),                  /names no definition/],
  ['no role',                 GOOD.replace('"/path": "path"', '"/path": "everything"'),      /expected one of/],
  ['signatures as a map',     GOOD.replace(/signatures:[\s\S]*/, 'signatures: {}\n'),        /expected a list/],
]

test('what is not exactly a lock is refused whole, with the place', () => {
  parseLock(GOOD)
  for (const [what, text, reason] of BAD)
    assert.throws(
      () => parseLock(text),
      (thrown: Error) => thrown instanceof LockError && reason.test(thrown.message),
      what,
    )
})

test('no text makes the parser throw anything else', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.nat(GOOD.length).map((at) => GOOD.slice(0, at)),
        fc
          .tuple(fc.nat(GOOD.length), fc.string({ maxLength: 3 }))
          .map(([at, put]) => GOOD.slice(0, at) + put + GOOD.slice(at + 1)),
      ),
      (text) => {
        try {
          parseLock(text)
        } catch (thrown) {
          assert(thrown instanceof LockError, String(thrown))
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a key has one text', () => {
  assert.equal(lockKeyText(lockKeyOf(ALICE_TEXT) as never), ALICE_TEXT)
  for (const text of [
    '',
    'ed25519:',
    'rsa:AAAA',
    ALICE_TEXT.slice(0, -1),
    `${ALICE_TEXT}=`,
    ALICE_TEXT.replace('ed', 'x'),
  ])
    assert.equal(lockKeyOf(text), undefined, text)
  assert.throws(() => lockKeyText(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey), LockError)
})
