import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../src/core/fault.ts'
import { BulkReader } from '../../src/inspection/bulk-json.ts'
import { type JsonLimits, MAX_NAMES } from '../../src/inspection/json-limits.ts'
import { NotStrict } from '../../src/inspection/json-text.ts'
import { parseStrict, parseUpstream } from '../../src/inspection/strict-json.ts'

const LIMITS: JsonLimits = { maxDepth: 8, maxMembers: 64 }
const WIDE: JsonLimits = { maxDepth: 400 }
const parse = (text: string, limits = LIMITS) => parseStrict(Buffer.from(text), limits)
/** What the reader of small texts says; the reader of large ones, left after each value, has to say the same. */
const code = (bytes: Buffer, limits = LIMITS): string => {
  let value: unknown
  try {
    value = parseStrict(bytes, limits)
  } catch (thrown) {
    assert(thrown instanceof Fault, String(thrown))
    assert.deepEqual(inTurns(bytes, limits), { flaw: thrown.code, at: thrown.detail['at'] })
    return thrown.code
  }
  assert.deepStrictEqual(inTurns(bytes, limits), { value })
  return 'accepted'
}

function inTurns(bytes: Buffer, limits: JsonLimits): object {
  try {
    const reader = new BulkReader(bytes, limits)
    while (!reader.read(0, 1));
    return { value: reader.document }
  } catch (thrown) {
    assert(thrown instanceof NotStrict, String(thrown))
    return { flaw: thrown.flaw, at: thrown.at }
  }
}

const long = 'x'.repeat(100)

const REFUSED: readonly (readonly [text: string, fault: string])[] = [
  ['', 'message.malformed'],
  [' \n', 'message.malformed'],
  ['{', 'message.malformed'],
  ['[', 'message.malformed'],
  ['[1', 'message.malformed'],
  ['{"a"', 'message.malformed'],
  ['{"a":', 'message.malformed'],
  ['{"a":1', 'message.malformed'],
  ['{"a":1,', 'message.malformed'],
  ['{"a":1,}', 'message.malformed'],
  ['{a:1}', 'message.malformed'],
  ["{'a':1}", 'message.malformed'],
  ['[1,]', 'message.malformed'],
  ['[,1]', 'message.malformed'],
  ['[1 2]', 'message.malformed'],
  ['{"a" 1}', 'message.malformed'],
  ['{"a":1 "b":2}', 'message.malformed'],
  ['{}{}', 'message.malformed'],
  ['{} x', 'message.malformed'],
  ['1 2', 'message.malformed'],
  ['truex', 'message.malformed'],
  ['tru', 'message.malformed'],
  ['True', 'message.malformed'],
  ['nul', 'message.malformed'],
  ['NaN', 'message.malformed'],
  ['Infinity', 'message.malformed'],
  ['undefined', 'message.malformed'],
  ['/* c */ 1', 'message.malformed'],
  ['[1] // c', 'message.malformed'],
  ['+1', 'message.malformed'],
  ['-', 'message.malformed'],
  ['--1', 'message.malformed'],
  ['01', 'message.malformed'],
  ['-01', 'message.malformed'],
  ['00', 'message.malformed'],
  ['1.', 'message.malformed'],
  ['.5', 'message.malformed'],
  ['1e', 'message.malformed'],
  ['1e+', 'message.malformed'],
  ['1.e1', 'message.malformed'],
  ['0x10', 'message.malformed'],
  ['1_000', 'message.malformed'],
  ['"', 'message.malformed'],
  ['"abc', 'message.malformed'],
  [`"${long}`, 'message.malformed'],
  ['"\\"', 'message.malformed'],
  ['"\\', 'message.malformed'],
  [`"${long}\\"`, 'message.malformed'],
  ['"\\x41"', 'message.malformed'],
  ['"\\u12"', 'message.malformed'],
  ['"\\u12G4"', 'message.malformed'],
  ['"a\nb"', 'message.malformed'],
  ['"a\tb"', 'message.malformed'],
  ['"a\u0000b"', 'message.malformed'],
  [`"${long}\n${long}"`, 'message.malformed'],
  ['\u0000', 'message.malformed'],
  ['\u000b1', 'message.malformed'],
  ['\u00a01', 'message.malformed'],
  ['1\u2028', 'message.malformed'],
  ['[1]\u0000', 'message.malformed'],
  ['{"a":1,"a":2}', 'message.duplicate_key'],
  ['{"a":1,"\\u0061":2}', 'message.duplicate_key'],
  ['{"é":1,"\\u00e9":2}', 'message.duplicate_key'],
  ['{"":1,"":2}', 'message.duplicate_key'],
  ['{"x":{"a":1,"b":{"a":1},"a":2}}', 'message.duplicate_key'],
  ['[{"a":1},{"b":1,"b":1}]', 'message.duplicate_key'],
  [
    `{${'abcdefghijklmb'
      .split('')
      .map((name) => `"${name}":1`)
      .join()}}`,
    'message.duplicate_key',
  ],
  [`{"${long}":1,"b":2,"${long}":1}`, 'message.duplicate_key'],
  ['{"__proto__":{}}', 'message.forbidden_name'],
  ['{"a":[{"__proto__":1}]}', 'message.forbidden_name'],
  ['{"__pr\\u006fto__":1}', 'message.forbidden_name'],
  ['{"constructor":{"prototype":{"a":1}}}', 'message.forbidden_name'],
  ['{"constructor":{"a":1,"prototyp\\u0065":1}}', 'message.forbidden_name'],
  ['[[[[[[[[[]]]]]]]]]', 'message.too_deep'],
  ['['.repeat(100_000), 'message.too_deep'],
  ['{"a":'.repeat(100_000), 'message.too_deep'],
  [`[${'1,'.repeat(64)}1]`, 'message.too_large'],
  ['9007199254740992', 'message.unsafe_number'],
  ['-9007199254740992', 'message.unsafe_number'],
  ['{"id":9007199254740993}', 'message.unsafe_number'],
  ['123456789012345678901234567890', 'message.unsafe_number'],
  ['9'.repeat(400), 'message.unsafe_number'],
  ['1e400', 'message.unsafe_number'],
  ['-1.5e309', 'message.unsafe_number'],
  ['"\\ud800"', 'message.invalid_utf8'],
  ['"\\udc00\\ud800"', 'message.invalid_utf8'],
  [`"${long}\\udfff"`, 'message.invalid_utf8'],
  ['{"\\ud83d":1}', 'message.invalid_utf8'],
]

const BAD_BYTES: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ['a UTF-16 byte order mark', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ['a lone continuation byte', [0x22, 0x80, 0x22]],
  ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
  ['an overlong quote', [0x22, 0xc0, 0xa2, 0x22]],
  ['a surrogate as three bytes', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ['a code point beyond U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
  ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
  ['Latin-1', [0x22, 0xe9, 0x22]],
]

describe('the strict parser refuses', () => {
  for (const [text, fault] of REFUSED) {
    test(`${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)} as ${fault}`, () => {
      assert.equal(code(Buffer.from(text)), fault)
    })
  }
  for (const [what, bytes] of BAD_BYTES) {
    test(`${what} as message.invalid_utf8`, () => assert.equal(code(Buffer.from(bytes)), 'message.invalid_utf8'))
  }
})

describe('the strict parser accepts', () => {
  const accepted = [
    'null',
    ' true ',
    '\r\n\t[ ]',
    '{ }',
    '0',
    '-0',
    '-1.5e-3',
    '1E+2',
    '1e-400',
    '9007199254740991',
    '-9007199254740991',
    '6.02e23',
    '1.7976931348623157e308',
    '"\\u0000\\"\\\\\\/\\b\\f\\n\\r\\t"',
    '"\\ud83d\\ude00 \u{1f600} \u007f \u2028"',
    '"\ufeff inside a string"',
    `"${'\\\\'.repeat(60)}"`,
    `"${'a\\"'.repeat(60)}${long}\\\\"`,
    `{"${long}":"${long}é"}`,
    '{"constructor":1,"prototype":{},"toString":2,"hasOwnProperty":3}',
    '{"constructor":{"name":"prototype"}}',
    '{"2":1,"1":2,"a":{"2":1}}',
    '[[[[[[[[]]]]]]]]',
    `[${'1,'.repeat(63)}1]`,
  ]
  for (const text of accepted) {
    test(`${JSON.stringify(text.slice(0, 60))} with the value of JSON.parse`, () => {
      assert.deepStrictEqual(parse(text), JSON.parse(text))
      assert.equal(code(Buffer.from(text)), 'accepted')
    })
  }

  test('many members without a false duplicate', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`member ${i}`, { a: i, b: [i] }]))
    assert.deepStrictEqual(parse(JSON.stringify(many), WIDE), many)
  })

  test('so many names of one object, and not one more', () => {
    const text = (count: number) => `{${Array.from({ length: count }, (_, i) => `"n${i}":1`).join()}}`
    assert.equal(code(Buffer.from(text(MAX_NAMES)), WIDE), 'accepted')
    assert.equal(code(Buffer.from(text(MAX_NAMES + 1)), WIDE), 'message.too_large')
  })

  test('the same name in neighbours, parents and children', () => {
    const value = { a: { a: [{ a: 1 }, { a: { a: 2 } }] }, b: { a: 1 } }
    assert.deepStrictEqual(parse(JSON.stringify(value), WIDE), value)
  })

  test('strings of a large document whatever their length', () => {
    const value = Array.from({ length: 600 }, (_, i) => 'aé"\\\n'.repeat(i).slice(0, i))
    assert.deepStrictEqual(parse(JSON.stringify(value), WIDE), value)
    const ascii = value.map((text) => text.replaceAll('é', '~'))
    assert.deepStrictEqual(parse(JSON.stringify(ascii), WIDE), ascii)
  })
})

test('a refused name never reaches a prototype', () => {
  assert.equal(code(Buffer.from('{"__proto__":{"polluted":1}}')), 'message.forbidden_name')
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('what an upstream sent is refused as upstream.malformed and the detail keeps the reason', () => {
  for (const [text, flaw] of REFUSED) {
    assert.throws(
      () => parseUpstream(Buffer.from(text), LIMITS),
      (thrown) => thrown instanceof Fault && thrown.code === 'upstream.malformed' && thrown.detail['flaw'] === flaw,
    )
  }
  assert.deepStrictEqual(parseUpstream(Buffer.from('{"a":1}'), LIMITS), { a: 1 })
})

test('a fault tells no byte of the message to the caller', () => {
  assert.throws(
    () => parse('{"secret":1,"secret":2}'),
    (thrown) => thrown instanceof Fault && !`${thrown.says}${JSON.stringify(thrown.detail)}`.includes('secret'),
  )
})

const anyJson = fc.json({ maxDepth: 6, stringUnit: 'binary' })
const refusable = /__proto__|prototype|\\ud[89a-f]|\d{16}/i

describe('for any text', () => {
  test('what JSON.stringify writes is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(anyJson, fc.nat(3), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent)
        fc.pre(!refusable.test(text))
        assert.deepStrictEqual(parse(text, WIDE), JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"a"',
    '"b"',
    '"\\u0061"',
    '1',
    '-',
    '.5',
    'e3',
    '0',
    'true',
    ' ',
    '"',
    '\\',
    'é',
  ]
  test('it accepts nothing that JSON.parse refuses, and agrees on what it accepts', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => agrees(parts.join(''))),
      { numRuns: 5000 },
    )
  })

  test('it agrees after one byte of a good text was changed', () => {
    const good = fc.record({ json: anyJson, at: fc.nat(), byte: fc.nat(255) })
    fc.assert(
      fc.property(good, ({ json, at, byte }) => {
        const bytes = Buffer.from(json)
        bytes[at % bytes.length] = byte
        agrees(bytes)
      }),
      { numRuns: 1000 },
    )
  })
})

/** Accepted means equal to JSON.parse; malformed means that JSON.parse throws too, or that the bytes are no text. */
function agrees(input: string | Buffer): void {
  const bytes = Buffer.from(input)
  let native: unknown
  let refused = false
  try {
    native = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    refused = true
  }
  const said = code(bytes, WIDE)
  if (said === 'accepted') {
    assert(!refused, `accepted ${bytes}`)
    assert.deepStrictEqual(parseStrict(bytes, WIDE), native)
  } else if (said === 'message.malformed') assert(refused, `refused ${bytes}`)
}
