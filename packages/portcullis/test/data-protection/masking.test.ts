/** DP-2: what stands in the place of a value, that a text may come in any pieces, and what a token is worth to whom. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { replaced } from '../../src/core/replaced.ts'
import { SENSITIVE_KINDS } from '../../src/core/recognise/kinds.ts'
import { Secret } from '../../src/core/secret.ts'
import { Fragments } from '../../src/data-protection/masking/fragments.ts'
import { readJsonText, writeJsonText } from '../../src/data-protection/masking/json-text.ts'
import { MaskWalk } from '../../src/data-protection/masking/mask-walk.ts'
import { type MaskLevel, type MaskRules, rulesOf, rulesOfErrors } from '../../src/data-protection/masking/rules.ts'
import { inPlainShape, inShape } from '../../src/data-protection/masking/shape.ts'
import { RulesInForce } from '../../src/data-protection/masking/settings.ts'
import { StreamMasker } from '../../src/data-protection/masking/stream-masker.ts'
import { recogniserOf, TextMasker } from '../../src/data-protection/masking/text-masker.ts'
import { mayHoldTokens, restored } from '../../src/data-protection/masking/token-desk.ts'
import { UpwardMask } from '../../src/data-protection/masking/upward.ts'
import { makeToken, openToken, TOKEN, type TokenKeys } from '../../src/data-protection/masking/tokens.ts'

const rulesFor = (level: MaskLevel): MaskRules => rulesOf([level]) as MaskRules
const maskerOf = (level: MaskLevel, isPlain = false): TextMasker => {
  const rules = rulesFor(level)
  return new TextMasker(rules, recogniserOf(rules), { isPlain })
}
const ALL: MaskLevel = { secrets: 'remove', personal: 'mask', kinds: { ip: 'mask' } }
const KEY = ['ghp', 'R7tYq2Lm9ZxKc4VbN8wPd3HsJf6GaTeUoi1Q'].join('_')
const PEM = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n'.repeat(50)}-----END PRIVATE KEY-----`

describe('shapes', () => {
  for (const [kind, value, shape] of [
    ['card', '4111 1111 1111 1111', '•••• •••• •••• 1111'],
    ['iban', 'GB82 WEST 1234 5698 7654 32', '•••• •••• •••• •••• ••54 32'],
    ['email', 'jane.roe@mail.example.org', '••••.•••@••••.•••••••.org'],
    ['phone', '+44 20 7946 0958', '+•• •• •••• 0958'],
    ['national-id', '078-05-1120', '•••-••-••••'],
    ['secret', 'hunter2', '•••••••'],
    ['name', 'Jörg Õ', '•••• •'],
  ] as const)
    test(`of ${kind}`, () => assert.equal(inShape(value, kind, 4), shape))

  test('in plain characters they are of the same form', () => {
    assert.equal(inPlainShape('Jane.Roe@x1.org'), 'Xxxx.Xxx@x0.xxx')
  })
})

describe('rules', () => {
  test('the nearest word counts, and a kind comes before its group', () => {
    const near = { kinds: { email: 'tokenise' }, personal: 'remove' } as const
    const { actions } = rulesOf([near, { secrets: 'remove', personal: 'mask', kinds: { ip: 'mask' } }]) as MaskRules
    assert.deepEqual(
      ['email', 'card', 'secret', 'ip'].map((kind) => actions.get(kind as 'ip')),
      ['tokenise', 'remove', 'remove', 'mask'],
    )
  })
  test('nothing is configured, or everything stays: no rules', () => {
    for (const levels of [[], [{}], [{ secrets: 'keep', fields: { a: 'keep' } }]] as const)
      assert.equal(rulesOf(levels), undefined)
  })
  test('errors are masked whatever is configured, and more strictly where that is asked', () => {
    assert.equal(rulesOfErrors([{ secrets: 'keep', personal: 'keep' }]).actions.get('secret'), 'remove')
    assert.equal(rulesOfErrors([{ personal: 'remove' }]).actions.get('email'), 'remove')
  })
  test('of errors cannot be lowered by a name, a place, a kind or a number of last digits', () => {
    const rules = rulesOfErrors([
      {
        secrets: 'mask',
        fields: { password: 'keep', note: 'keep', apiKey: 'mask' },
        paths: { '/a': 'keep' },
        keepLast: 19,
      },
    ])
    assert.deepEqual([rules.actions.get('secret'), rules.keepLast, rules.paths], ['remove', 4, []])
    const value = { password: 'hunter2', note: `with ${KEY}`, apiKey: 'abc', a: KEY }
    const masker = new TextMasker(rules, recogniserOf(rules))
    assert.deepEqual(walkedOver(masker, value), {
      password: '[secret removed]',
      note: 'with [secret removed]',
      apiKey: '[secret removed]',
      a: '[secret removed]',
    })
    const placed = rulesOfErrors([{ paths: { '/password': 'mask' } }])
    const hidden = walkedOver(new TextMasker(placed, recogniserOf(placed)), { password: 'hunter2' })
    assert.deepEqual(hidden, { password: '[secret removed]' })
  })
  test('tenant before tool before upstream before all', () => {
    const rules = new RulesInForce({
      results: { personal: 'mask' },
      upstreams: { crm: { results: { personal: 'remove' }, tools: { list: { results: { personal: 'tokenise' } } } } },
      tenants: { acme: { results: { kinds: { email: 'keep' } } } },
    })
    const action = (tenant: string, upstream: string, tool: string) =>
      rules.of('results', { tenant, upstream, tool })?.actions.get('email')
    assert.deepEqual(
      [action('t', 'x', 'y'), action('t', 'crm', 'y'), action('t', 'crm', 'list'), action('acme', 'crm', 'list')],
      ['mask', 'remove', 'tokenise', undefined],
    )
    assert.equal(rules.of('arguments', { tenant: 't', upstream: 'crm', tool: 'list' }), undefined)
    assert.equal(rules.tokenises, true)
  })
})

const walkedOver = (masker: TextMasker, value: unknown): unknown => {
  const walk = new MaskWalk(masker, [{ value, path: ['value'], kind: 'data' }])
  walk.go(Number.POSITIVE_INFINITY)
  return replaced({ value }, walk.replacements).value
}

test('an answer to a server of 2025 fits the form that was asked, in plain characters where it has to, or is not given', async () => {
  const form = { type: 'object', properties: { mail: { type: 'string', maxLength: 30 } } }
  const rules = new RulesInForce({ arguments: ALL, upstreams: {}, tenants: {} })
  const by = { principal: { tenant: 'default', id: 'ada' } as never, upstream: 'crm', tool: '' }
  const response = { result: { action: 'accept', content: { mail: 'jane.roe@mail.example.org' } } }
  const answered = (isFit: (mail: unknown) => boolean) =>
    new UpwardMask({ rules, fits: (asked, { mail }) => asked === form && isFit(mail) }).answer(response, by, form)
  const mailOf = ({ result }: typeof response) => result.content.mail
  assert.equal(mailOf(await answered(() => true)), '••••.•••@••••.•••••••.org')
  assert.equal(mailOf(await answered((mail) => !String(mail).includes('•'))), 'xxxx.xxx@xxxx.xxxxxxx.xxx')
  await assert.rejects(
    answered(() => false),
    (thrown: { readonly code?: string }) => thrown.code === 'masking.arguments_refused',
  )
})

describe('what goes to an upstream beside arguments', () => {
  const PRINCIPAL = { tenant: 'default', id: 'ada' } as never
  const by = { principal: PRINCIPAL, upstream: 'crm', tool: '' }
  const mask = new UpwardMask({ rules: new RulesInForce({ arguments: ALL, upstreams: {}, tenants: {} }) })
  const MAIL = 'jane.roe@mail.example.org'
  const HIDDEN = '••••.•••@••••.•••••••.org'
  for (const [what, method, params, left] of [
    ['an address', 'resources/read', { uri: `crm://people/${MAIL}` }, { uri: `crm://people/${HIDDEN}` }],
    [
      'a completion, by the name of its argument',
      'completion/complete',
      {
        ref: { type: 'ref/prompt', name: MAIL },
        argument: { name: 'password', value: 'hunter2' },
        context: { arguments: { to: MAIL } },
      },
      {
        ref: { type: 'ref/prompt', name: MAIL },
        argument: { name: 'password', value: '[secret removed]' },
        context: { arguments: { to: HIDDEN } },
      },
    ],
    [
      'free notes and not the envelope',
      'tools/call',
      {
        name: MAIL,
        arguments: { a: MAIL },
        _meta: { 'x.org/by': MAIL, traceparent: '00-4111111111111111', progressToken: MAIL },
      },
      {
        name: MAIL,
        arguments: { a: MAIL },
        _meta: { 'x.org/by': HIDDEN, traceparent: '00-4111111111111111', progressToken: MAIL },
      },
    ],
    [
      'answers of a form, a model and a root',
      'tools/call',
      {
        inputResponses: {
          a: { action: 'accept', content: { password: 'hunter2', mail: MAIL } },
          b: { role: 'assistant', model: 'm', content: { type: 'text', text: `to ${MAIL}` } },
          c: { roots: [{ uri: `file:///home/${MAIL}`, name: MAIL }] },
        },
      },
      {
        inputResponses: {
          a: { action: 'accept', content: { password: '[secret removed]', mail: HIDDEN } },
          b: { role: 'assistant', model: 'm', content: { type: 'text', text: `to ${HIDDEN}` } },
          c: { roots: [{ uri: `file:///home/${HIDDEN}`, name: HIDDEN }] },
        },
      },
    ],
    ['parameters that nobody knows', 'x/y', { more: [{ deep: KEY }] }, { more: [{ deep: '[secret removed]' }] }],
  ] as const)
    test(what, async () => assert.deepEqual(await mask.params(method, params, by), left))

  test('answers to a legacy question, errors included', async () => {
    const result = {
      jsonrpc: '2.0',
      id: 'x',
      result: { action: 'accept', content: { pin: '1234', n: 4111111111111111 } },
    }
    const masked = await mask.answer(result, by)
    assert.deepEqual(masked.result.content, { pin: '[secret removed]', n: '••••••••••••1111' })
    const error = { jsonrpc: '2.0', id: 'x', error: { code: -1, message: `no ${MAIL}`, data: { by: MAIL } } }
    assert.deepEqual((await mask.answer(error, by)).error, { code: -1, message: `no ${HIDDEN}`, data: { by: HIDDEN } })
  })

  test('stays the same object where nothing is to be masked', async () => {
    const params = { uri: 'file:///a', _meta: { a: 1 } }
    assert.equal(await mask.params('resources/read', params, by), params)
  })
})

describe('values', () => {
  test('are known by the name that stands beside them', () => {
    const value = {
      headers: [{ name: 'X-Api-Key', value: 'abc' }, ['password', 'abc'], ['name', 'abc']],
      env: [
        { key: 'DB_PASSWORD', value: 'abc' },
        { name: 'LANG', value: 'de' },
      ],
    }
    assert.deepEqual(walkedOver(maskerOf(ALL), value), {
      headers: [{ name: 'X-Api-Key', value: '[secret removed]' }, ['password', '[secret removed]'], ['name', 'abc']],
      env: [
        { key: 'DB_PASSWORD', value: '[secret removed]' },
        { name: 'LANG', value: 'de' },
      ],
    })
  })

  test('under many names, and names that change, are gone over in steps', () => {
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, at) => [`jane${at}@mail.example.org`, { password: 'x' }]),
    )
    const walk = new MaskWalk(maskerOf(ALL), [{ value: many, path: ['many'], kind: 'data' }])
    let steps = 0
    while (!walk.go(0)) steps++
    assert.ok(steps > 50, `${steps} steps`)
    const left = replaced({ many }, walk.replacements).many
    assert.equal(Object.keys(left).length, 5_000)
    assert.doesNotMatch(JSON.stringify(left), /jane|"x"/)
  })

  test('are found in digits of other scripts, with other spaces and dashes', () => {
    const masker = maskerOf(ALL)
    for (const text of [
      '٤١١١ ١١١١ ١١١١ ١١١١',
      '4111\u20111111\u20131111\u22121111',
      '4111\u00a01111\u202f1111\u30001111',
      '\u{1d7d2}\u{1d7cf}\u{1d7cf}\u{1d7cf} 1111 1111 111\u{1d7cf}',
      `४${'१'.repeat(15)}`,
    ])
      assert.match(masker.mask(text), /^[•\s\p{Pd}\u2212]+.{4,8}$/u, text)
  })

  const walked = (level: MaskLevel, value: unknown, isPlain = false): unknown => {
    const walk = new MaskWalk(maskerOf(level, isPlain), [{ value, path: ['value'], kind: 'data' }])
    walk.go(Number.POSITIVE_INFINITY)
    return replaced({ value }, walk.replacements).value
  }

  test('are found by name, by place, and by what they hold, in numbers and names of members too', () => {
    const value = {
      dob: '1990-01-02',
      billing_address: { street: 'Main St 1', zip: 12345 },
      notes: [{ text: 'call +44 20 7946 0958' }, { text: 'ok' }],
      number: 4111111111111111,
      'jane@example.org': 1,
      'john@example.org': { mail: 'john@example.org' },
      id: 7,
    }
    const level: MaskLevel = { personal: 'mask', paths: { '/notes/*/text': 'remove' } }
    assert.deepEqual(walked(level, value), {
      dob: '••••-••-••',
      billing_address: { street: '•••• •• •', zip: '•••••' },
      notes: [{ text: '[private removed]' }, { text: '[private removed]' }],
      number: '••••••••••••1111',
      '••••@•••••••.org': 1,
      '••••@•••••••.org (2)': { mail: '••••@•••••••.org' },
      id: 7,
    })
    assert.deepEqual(walked(level, { number: 4111111111111111, mail: 'a@b.org' }, true), { number: 0, mail: 'x@x.xxx' })
  })

  test('in JSON texts are found alike, and what is left is written as it was', () => {
    const text = '{\n  "id": 12345678901234567890,\n  "price": 1.50,\n  "first_name": "Jane"\n}'
    assert.equal(walked(ALL, text), text.replace('Jane', '••••'))
    assert.equal(walked(ALL, '{"a":1.0}'), '{"a":1.0}')
    for (const broken of ['{"a":', '[1,2', '{}x', '"a"']) assert.equal(readJsonText(broken), undefined)
    const json = readJsonText('[ 1e400, -0, 0.10 ]')
    assert(json)
    assert.equal(writeJsonText(json, json.value), '[1e400,-0,0.10]')
  })

  test('stay the same object when nothing in them is sensitive', () => {
    const value = { a: ['b', 1, null, true, { c: 'd' }] }
    assert.equal(walked(ALL, value), value)
  })

  test('are masked once: what is masked already is left alone', () => {
    const value = { text: `4111111111111111 jane@example.org +44 20 7946 0958 ${KEY} 078-05-1121` }
    for (const isPlain of [false, true]) {
      const once = walked(ALL, value, isPlain)
      assert.deepEqual(walked(ALL, once, isPlain), once)
    }
  })
})

describe('texts in pieces', () => {
  const masker = maskerOf(ALL)
  const piece = fc.oneof(
    fc.constantFrom(
      '4111 1111 1111 1111',
      'GB82 WEST 1234 5698 7654 32',
      'jane.roe@example.org',
      '+44 20 7946 0958',
      'Tel. 030 1234567',
      '078-05-1121',
      KEY,
      PEM,
      'postgres://app:Zk3vQ9xw@db.example.org/main',
      '41\u200b11 1111 1111 1111 ',
      'password = "Zk3vQ9xwLm7R"',
    ),
    fc.constantFrom(' ', '\n', ', ', '1', '-', '@', 'x', 'é', '4111 1111 '),
    fc
      .integer({ min: 1, max: 6_000 })
      .map((length) => 'some plain words and 12 numbers, '.repeat(Math.ceil(length / 33))),
    fc.integer({ min: 1, max: 9_000 }).map((length) => 'Ab1'.repeat(Math.ceil(length / 3))),
  )

  test('are masked as when they come at once, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 4, maxLength: 24 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 12 }),
        (pieces, lengths) => {
          const text = pieces.join('')
          const stream = new StreamMasker(masker)
          let out = ''
          for (let at = 0, count = 0; at < text.length; count++) {
            const length = lengths[count % lengths.length] as number
            out += stream.push(text.slice(at, at + length))
            at += length
          }
          assert.equal(out + stream.end(), masker.mask(text))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('hold back no more than the longest match and a step', () => {
    const stream = new StreamMasker(masker)
    let left = 0
    for (let count = 0; count < 100; count++) left += stream.push('plain words 4111 1111 1111 1111 '.repeat(32)).length
    assert(left > 100 * 1_024 - 40_000)
  })
})

describe('messages of one stream', () => {
  const masker = maskerOf(ALL)
  const log = (data: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { data } }) as const
  const run = (...texts: readonly string[]) => {
    const fragments = new Fragments()
    const out = [...texts.flatMap((text) => fragments.take(log(text), masker) ?? []), ...fragments.end()]
    return out.map(({ params }) => (params as { data: string }).data)
  }

  for (const [texts, left] of [
    [
      ['card 4111 1111', ' 1111 1111 ok'],
      ['card •••• •••• •••• 1111', ' ok'],
    ],
    [
      ['to jane.roe', '@example', '.org now'],
      ['to ••••.•••@•••••••.org', '', ' now'],
    ],
    [
      ['4111', '1111', '1111', '1111.'],
      ['••••••••••••1111', '', '', '.'],
    ],
    [
      ['step 1 of 2', 'step 2 of 2'],
      ['step 1 of 2', 'step 2 of 2'],
    ],
  ] as const)
    test(JSON.stringify(texts), () => {
      const out = run(...texts)
      assert.equal(out.length, texts.length)
      assert.deepEqual(out, left)
      assert.doesNotMatch(out.join(''), /4111 ?1111 ?1111|jane/)
    })

  test('that are no text, or JSON, are not for it', () => {
    const fragments = new Fragments()
    assert.equal(fragments.take(log('{"a":1}'), masker), undefined)
    assert.equal(fragments.take({ jsonrpc: '2.0', method: 'notifications/other', params: {} }, masker), undefined)
  })
})

describe('tokens', () => {
  const root = randomBytes(32)
  const keysFrom = (bytes: Buffer, version = 1): TokenKeys => ({
    version,
    derived: (purpose, wanted) =>
      wanted === version
        ? new Secret(Buffer.concat([Buffer.from(purpose.slice(-2)), bytes]).subarray(0, 32))
        : undefined,
  })
  const keys = keysFrom(root)
  const owner = { tenant: 'default', principal: 'key:1' }
  const source = (own: TokenKeys | undefined) => ({ of: async () => own as TokenKeys, existing: async () => own })
  const partsOf = (token: string) => [...token.matchAll(TOKEN)][0] as RegExpMatchArray
  const opened = (token: string, whose = owner, own = keys) => {
    const [, kind = '', version, text = ''] = partsOf(token)
    return openToken(kind, Number(version), text, whose, own)
  }

  test('are the same for the same caller and value, and open to nothing but that value', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
        fc.constantFrom(...SENSITIVE_KINDS),
        (value, kind) => {
          const token = makeToken(value, kind, owner, keys)
          if (token === undefined) return assert(!value.isWellFormed() || Buffer.byteLength(value) > 1_024)
          assert.equal(makeToken(value, kind, owner, keys), token)
          assert.equal(opened(token), value)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('of others, of other kinds, of another tenant and of another key do not open, nor do changed ones', () => {
    const token = makeToken('jane@example.org', 'email', owner, keys) as string
    assert.equal(opened(token, { ...owner, principal: 'key:2' }), undefined)
    assert.equal(opened(token, { ...owner, tenant: 'other' }), undefined)
    assert.equal(opened(token, owner, keysFrom(randomBytes(32))), undefined)
    assert.equal(opened(token, owner, keysFrom(root, 2)), undefined)
    assert.equal(opened(token.replace('email', 'phone')), undefined)
    const text = partsOf(token)[3] as string
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text.charAt(at) === 'A' ? 'B' : 'A') + text.slice(at + 1)
      assert.equal(openToken('email', 1, changed, owner, keys), undefined, `character ${at}`)
    }
    for (const short of ['', 'AAAA', text.slice(0, 22), text.slice(0, -4), `${text}AAAA`])
      assert.equal(openToken('email', 1, short, owner, keys), undefined)
  })

  test('show nothing of the value but its block', () => {
    const lengths = ['a@b.org', 'abcdef@b.org'].map((value) => makeToken(value, 'email', owner, keys)?.length)
    assert.equal(lengths[0], lengths[1])
    assert.notEqual(
      makeToken('a@b.org', 'email', owner, keys),
      makeToken('a@b.org', 'email', { ...owner, principal: 'b' }, keys),
    )
    assert.equal(makeToken('x'.repeat(1_025), 'secret', owner, keys), undefined)
  })

  test('are exchanged in names of members too, and two names never become one', async () => {
    const token = makeToken('jane@example.org', 'email', owner, keys) as string
    assert.ok(mayHoldTokens({ deep: [{ [token]: 1 }] }))
    assert.deepEqual(await restored({ deep: { [`x ${token}`]: 1 } }, source(keys), owner), {
      deep: { 'x jane@example.org': 1 },
    })
    await assert.rejects(restored({ 'jane@example.org': 1, [token]: 2 }, source(keys), owner), {
      code: 'masking.token_refused',
    })
    const proto = makeToken('__proto__', 'name', owner, keys) as string
    await assert.rejects(restored({ [proto]: { a: 1 } }, source(keys), owner), { code: 'masking.token_refused' })
  })

  test('are exchanged wherever they stand in arguments, which themselves stay as they are', async () => {
    const token = makeToken('jane@example.org', 'email', owner, keys) as string
    const args = { to: [token, { text: `Dear ${token}` }], n: 1, none: null, quoted: '«just words»' }
    assert.equal(mayHoldTokens(args), true)
    assert.equal(mayHoldTokens({ a: ['b', null, undefined, { c: 1 }] }), false)
    assert.deepEqual(await restored(args, source(keys), owner), {
      ...args,
      to: ['jane@example.org', { text: 'Dear jane@example.org' }],
    })
    assert.equal(args.to[0], token)
    for (const [whose, own] of [
      [{ ...owner, principal: 'x' }, keys],
      [owner, undefined],
    ] as const)
      await assert.rejects(restored(args, source(own), whose), { code: 'masking.token_refused' })
  })
})
