/** DP-2: which strings are credentials by their form or their context, which only look like it, and that the table is what it says. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fold } from '../../src/core/recognise/fold.ts'
import { SECRET_RULES } from '../../src/core/recognise/secret-rules.ts'
import { findSecrets, scanSecrets } from '../../src/core/recognise/secrets.ts'
import { SignTable } from '../../src/core/recognise/sign-table.ts'
import { isWordy } from '../../src/core/recognise/wordy.ts'

const seen = (text: string) => findSecrets(text).map(({ start, end }) => text.slice(start, end))

/** Made up, of the alphabets that vendors use; put together here, so that nobody takes this file for a leak. */
const MIXED = 'q7Rz1LmX9vKc4TbN8wPd3HsJf6GaYeUoi2Qk5WxZr0EgBtMnVhCyDpSuAjFlIO7Q'
const HEX = '9f4b1c7e2d8a60537be19c04fa6d285e83c1f7b0d94e6a25'.repeat(4)
const UPPER = 'QX7RB2LMKZ4TVN3WPD5HSJG6YEUAFCIO'.repeat(3)
const UUID = '3d9c1f7a-5b2e-4c68-9a10-7e4f2b8d6c35'
const mixed = (length: number) => MIXED.repeat(8).slice(0, length)
const hex = (length: number) => HEX.slice(0, length)

const FORMS: readonly string[] = [
  ['glpat-', mixed(20)],
  ['pscale_tkn_', mixed(43)],
  ['nfp_', mixed(36)],
  ['sk-or-v1-', hex(64)],
  ['lsv2_pt_', `${hex(32)}_${hex(10)}`],
  ['xkeysib-', `${hex(64)}-${mixed(16)}`],
  ['CCIPAT_', `${mixed(22)}_${hex(40)}`],
  ['pul-', hex(40)],
  ['hawk.', `${mixed(20)}.${mixed(20)}`],
  ['cfat_', mixed(40) + hex(8)],
  ['ATBB', mixed(32)],
  ['AKIA', UPPER.slice(0, 16)],
  ['sk_live_', mixed(24)],
  [mixed(52), `JQQJ99${mixed(26)}`],
  [hex(32), '-us13'],
  ['123456789', `:AA${mixed(33)}`],
  ['AGE-SECRET-KEY-1', 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'.repeat(2).slice(0, 58)],
  ['tskey-auth-', `${'C'.repeat(12)}-${'D'.repeat(24)}`],
].map((parts) => parts.join(''))

describe('forms of vendors', () => {
  for (const token of FORMS)
    test(`${token.slice(0, 12)}…`, () => {
      assert.deepEqual(seen(`(${token})`), [token])
      assert.deepEqual(seen(`x${token}x`), [], 'not inside of something longer')
    })
  test('the token of a bot stands behind a word in its address', () => {
    assert.deepEqual(seen(`https://api.telegram.org/bot${FORMS[15] ?? ''}/getMe`), [FORMS[15]])
  })
  test('the private members of a key are taken, whatever their order, and the public ones are not', () => {
    const [d, n] = [mixed(43), mixed(44)]
    for (const text of [`{"kty":"RSA","n":"${n}","d":"${d}"}`, `{"d":"${d}","n":"${n}","kty":"RSA"}`])
      assert.deepEqual(seen(text), [d])
    assert.deepEqual(seen(`{"d":"${d}","n":"${n}"}`), [])
  })
})

describe('contexts', () => {
  for (const [text, ...secrets] of [
    [`#define IO_TOKEN   "${mixed(20)}"`, mixed(20)],
    [`ENV API_KEY ${mixed(24)}`, mixed(24)],
    [`Cookie: lang=en; session_id=${mixed(24)}; theme=dark`, mixed(24)],
    [`request.header("Authorization", "Bearer ${mixed(30)}")`, mixed(30)],
    [`jdbc:postgresql://db/x?user=app&password=Zk3vQ9xw`, 'Zk3vQ9xw'],
    ['host=db user=app password=tiger dbname=x', 'tiger'],
    ["user = 'app'\npassword = 'tiger'", 'tiger'],
    ["CREATE USER app WITH PASSWORD 'tiger'", 'tiger'],
    ["ALTER USER app IDENTIFIED BY 'tiger'", 'tiger'],
    ['<Password>tiger</Password>', 'tiger'],
    ['<add key="MailPassword" value="Zk3vQ9xw"/>', 'Zk3vQ9xw'],
    ['{"name":"DB_PASSWORD","value":"Zk3vQ9xw"}', 'Zk3vQ9xw'],
    ['- name: DB_PASSWORD\n  value: Zk3vQ9xw', 'Zk3vQ9xw'],
    ["define('DB_PASSWORD', 'Zk3v Q9xw')", 'Zk3v Q9xw'],
    ["new mysqli('db', 'app', 'tiger', 'x')", 'tiger'],
    ['mysql -u root -pZk3vQ9xw shop', 'Zk3vQ9xw'],
    ['redis-cli -h db -a tiger ping', 'tiger'],
    ['ConvertTo-SecureString "tiger" -AsPlainText', 'tiger'],
    ['Connect -User app -Password tiger', 'tiger'],
    ['my password is Zk3vQ9xw.', 'Zk3vQ9xw'],
    ['kind: Secret\nmetadata:\n  name: x\ndata:\n  a: YWRtaW4=\n', '  a: YWRtaW4=\n'],
    [`https://${mixed(40)}:x-oauth-basic@github.com/a/b`, mixed(40)],
    ['password = Password1$', 'Password1$'],
    ['machine a.example.net login bot password tiger5', 'tiger5'],
  ] as const)
    test(JSON.stringify(text), () => assert.deepEqual([...new Set(seen(text))], secrets))
})

const LOOK_ALIKES: readonly string[] = [
  `commit ${hex(40)}`,
  `sha256:${hex(64)}`,
  `integrity: sha512-${mixed(86)}==`,
  `id ${UUID}`,
  'AKIAIOSFODNN7EXAMPLE',
  `sk_live_${'x'.repeat(24)}`,
  `data:image/png;base64,${mixed(400)}`,
  'api_key: <your-key>',
  'apiKey = my-application-settings-version-2',
  'token: projects/acme/locations/europe/secrets/database',
  'access_key = config/credentials/production.json',
  'postgres://postgres:postgres@localhost/x',
  'https://user:1111@example.net/x',
  'https://user:xxxx@example.net/x',
  'curl "http://x/?username=^USER^&password=^PASS^"',
  'program --no-pass domain/user@host1',
  'password: varchar',
  'FTP_PASSWORD=ftp_login_password',
  'the password is case-sensitive',
  'next_page_token=q7Rz1LmX9vKc4TbN8wPd3HsJ',
  'password = foo-bar',
  'pk_live_q7Rz1LmX9vKc4TbN8wPd3HsJ',
]
describe('look-alikes', () => {
  for (const text of LOOK_ALIKES) test(`none in ${text.slice(0, 60)}`, () => assert.deepEqual(seen(text), []))
})

describe('the table', () => {
  test('has signs that can be looked up, and patterns that go on behind a match', () => {
    for (const { reason, signs, pattern, before = [0, 0] } of SECRET_RULES) {
      assert(signs.length > 0 && pattern.flags.includes('g'), reason)
      for (const sign of signs) assert.match(sign, /^[\x20-\x7e]{2,}$/, reason)
      for (const sign of signs) assert.equal(sign, sign.toLowerCase(), reason)
      assert(before[0] <= before[1], reason)
    }
  })

  test('finds by its signs whatever its patterns find', () => {
    const texts = [
      ...FORMS,
      ...LOOK_ALIKES,
      'export ACME_TOKEN=abc',
      `X-Api-Key: ${mixed(24)}`,
      `"auth": "${mixed(24)}"`,
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(texts, { minLength: 1, maxLength: 6 }), (parts) => {
        const text = parts.join('\n')
        const found = new Map<string, number>()
        scanSecrets(text, 0, text.length, ({ pattern }) =>
          found.set(pattern.source, (found.get(pattern.source) ?? 0) + 1),
        )
        for (const { pattern, check, reason } of SECRET_RULES) {
          const all = [...text.matchAll(pattern)].map((match) => match.groups?.['secret'] ?? match[0])
          if (all.some((one) => check?.(one) ?? true)) assert(found.has(pattern.source), `${reason} in ${text}`)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('literals are found where they stand, in any case, and nowhere else', () => {
    const words = ['ab', 'abc', 'abcd', 'x-y', 'zz', 'tok en']
    const table = new SignTable(words.map((text, of) => ({ text, of })))
    const piece = fc.constantFrom('a', 'B', 'c', 'D', 'x-Y', 'z', 'Tok en', ' ', 'é', '\u0130', '😀')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.nat(8), (pieces, from) => {
        const text = pieces.join('')
        const found: string[] = []
        table.scan(text, from, text.length, (of, at) => void found.push(`${at} ${words[of]}`))
        const wanted = words.flatMap((word) =>
          Array.from({ length: text.length }, (_, at) => at)
            .filter(
              (at) => at >= from && text.slice(at, at + word.length).replace(/[A-Z]/g, (a) => a.toLowerCase()) === word,
            )
            .map((at) => `${at} ${word}`),
        )
        assert.deepEqual(found.toSorted(), wanted.toSorted())
      }),
    )
  })
})

test('words are told from letters by chance', () => {
  for (const words of ['my-application-settings', 'getDatabaseCredentials', 'THE_BROWN_FOX_RAN_HOME_AGAIN'])
    assert(isWordy(words), words)
  for (const none of [MIXED, hex(40), UPPER.slice(0, 20), 'tiger', '']) assert(!isWordy(none), none)
})

test('what is folded is read as before, and every character of it has its place', () => {
  const piece = fc.constantFrom('a', '4', '\u200b', '\ufe0f', '４', '\u00a0', '–', '𝟒', '😀', '\ud83d', '٣', '\u00ad')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const text = pieces.join('')
      const { text: read, placeOf } = fold(text)
      for (const odd of ['\u00ad', '\u200b', '\ufe0f', '４', '٣', '𝟒']) assert(!read.includes(odd))
      for (let at = 0; at < read.length; at++) {
        assert(placeOf(at) < (at + 1 < read.length ? placeOf(at + 1) : text.length + 1))
        if (read.charCodeAt(at) > 127) assert.equal(read.charAt(at), text.charAt(placeOf(at)))
      }
      assert.equal(placeOf(read.length), text.length)
    }),
  )
})
