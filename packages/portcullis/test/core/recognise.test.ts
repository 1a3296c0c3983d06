/** DP-2: what is recognised in a text, what is not, and that all of it is linear in the text. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { kindOfName } from '../../src/core/recognise/field-names.ts'
import { isIban } from '../../src/core/recognise/iban.ts'
import { SENSITIVE_KINDS, type SensitiveKind } from '../../src/core/recognise/kinds.ts'
import { ID_RULES } from '../../src/core/recognise/national-id.ts'
import { Recogniser } from '../../src/core/recognise/recognise.ts'

const all = new Recogniser(new Set(SENSITIVE_KINDS))
const seen = (text: string) => all.find(text).map(({ start, end, kind }) => `${kind}:${text.slice(start, end)}`)

/** Published examples and numbers that were made for tests. */
const FOUND: readonly (readonly [SensitiveKind, string, string])[] = [
  ['card', 'paid with 4111 1111 1111 1111 today', '4111 1111 1111 1111'],
  ['card', 'a,5555555555554444,b', '5555555555554444'],
  ['card', 'amex 3782 822463 10005.', '3782 822463 10005'],
  ['card', 'in 2024 4111-1111-1111-1111', '4111-1111-1111-1111'],
  ['card', 'wide ４１１１１１１１１１１１１１１１', '４１１１１１１１１１１１１１１１'],
  ['card', 'unseen 4111\u200b111111111111', '4111\u200b111111111111'],
  ['card', 'unseen 4111111111111\u200b111 end', '4111111111111\u200b111'],
  ['iban', 'to GB82 WEST 1234 5698 7654 32 now', 'GB82 WEST 1234 5698 7654 32'],
  ['iban', 'de89370400440532013000', 'de89370400440532013000'],
  ['national-id', 'her ssn is 078-05-1121', '078-05-1121'],
  ['national-id', 'SSN 219099998 filed', '219099998'],
  ['national-id', 'AB123456C', 'AB123456C'],
  ['national-id', 'NHS number 943 476 5919', '943 476 5919'],
  ['national-id', '12345678Z', '12345678Z'],
  ['national-id', 'X1234567L', 'X1234567L'],
  ['national-id', 'RSSMRA85T10A562S', 'RSSMRA85T10A562S'],
  ['national-id', '1 85 05 78 006 084 91', '1 85 05 78 006 084 91'],
  ['national-id', 'PESEL 44051401359', '44051401359'],
  ['national-id', '131052-308T', '131052-308T'],
  ['national-id', '811218-9876', '811218-9876'],
  ['national-id', 'BSN 111222333', '111222333'],
  ['national-id', '93.05.18-223.61', '93.05.18-223.61'],
  ['national-id', '756.9217.0769.85', '756.9217.0769.85'],
  ['national-id', '111.444.777-35', '111.444.777-35'],
  ['national-id', 'ABCPE1234F', 'ABCPE1234F'],
  ['national-id', '11010519491231002X', '11010519491231002X'],
  ['national-id', 'TCKN 10000000146', '10000000146'],
  ['national-id', 'S0000001I', 'S0000001I'],
  ['national-id', 'passport no. C01234567', 'C01234567'],
  ['email', 'mail jane.roe+x@mail.example.org.', 'jane.roe+x@mail.example.org'],
  ['email', '<müller@exämple.de>', 'müller@exämple.de'],
  ['email', '?to=jane%40example.com&x', 'jane%40example.com'],
  ['phone', 'on +44 20 7946 0958 or', '+44 20 7946 0958'],
  ['phone', '(212) 555-0187 x12', '(212) 555-0187 x12'],
  ['phone', 'Tel.: 030 1234567', '030 1234567'],
  ['phone', 'call me at 555 0199', '555 0199'],
  ['ip', 'from 198.51.100.7 port', '198.51.100.7'],
  ['ip', 'from 2001:db8::7 port', '2001:db8::7'],
  ['secret', `key ${['AKIA', 'QYLPMN5HGTZ3WXKR'].join('')}`, 'AKIAQYLPMN5HGTZ3WXKR'],
  ['secret', 'postgres://app:Zk3vQ9xw@db/main', 'Zk3vQ9xw'],
]

for (const [kind, text, found] of FOUND) {
  test(`${kind} in ${JSON.stringify(text)}`, () => assert.deepEqual(seen(text), [`${kind}:${found}`]))
}

const NOTHING: readonly string[] = [
  'the number 4111 1111 1111 1112 has a wrong check digit',
  'order 1234567890123456, at 1704067200000, for 0.4111111111111111',
  '4111111111111111abc and abc4111111111111111',
  'GB82 WEST 1234 5698 7654 33',
  'GB00 is a county, DE89 a road',
  'ssn 000-12-3456 666-12-3456 123-00-4567 123-45-0000',
  '12345678A is no Spanish number',
  'version 10.4.2.1.3, 2024-01-02 10:20, 01.02.2003, 12/30/1999',
  'git@github.com:owner/repo, logo@2x.png, pkg@1.2.3, @types/node, https://user@host.example/x',
  '123456789012345678901234567890',
  'room 101-202 of 303, pages 12-34, 2019-2024',
  'f3b9c2d1-4a5b-4c6d-8e7f-123456789012',
  'sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  '3.14159265358979 2.718281828',
  '300.400.500.600 1.2.3',
]
for (const text of NOTHING) test(`nothing in ${JSON.stringify(text)}`, () => assert.deepEqual(seen(text), []))

test('names of members say what they hold, however they are written', () => {
  for (const name of ['firstName', 'first_name', 'First name', 'FIRST-NAME']) assert.equal(kindOfName(name), 'name')
  assert.equal(kindOfName('dateOfBirth'), 'birth-date')
  assert.equal(kindOfName('client_secret'), 'secret')
  for (const name of ['name', 'title', 'id', 'x'.repeat(500)]) assert.equal(kindOfName(name), undefined)
})

test('the numbers of twenty countries and more are known', () => {
  assert(new Set(ID_RULES.map(({ name }) => name.slice(0, 2))).size >= 20)
})

test('account numbers are judged as another library judges them', () => {
  const isOther = createRequire(import.meta.url)('validator/lib/isIBAN.js').default as (text: string) => boolean
  const samples =
    'GB82WEST12345698765432 DE89370400440532013000 FR1420041010050500013M02606 NO9386011117947 MT84MALT011000012345MTLCAST001S BR1800360305000010009795493C1 CH9300762011623852957 NL91ABNA0417164300 SA0380000000608010167519 PL61109010140000071219812874'
  for (const iban of samples.split(' ')) {
    assert(isIban(iban) && isOther(iban), iban)
    for (const at of [2, 5, iban.length - 1]) {
      const changed = iban.slice(0, at) + (iban.charAt(at) === '1' ? '2' : '1') + iban.slice(at + 1)
      assert.equal(isIban(changed), false, changed)
    }
  }
})

test('spans are in order, inside of the text, and do not overlap, whatever the text', () => {
  const piece = fc.constantFrom(
    ...FOUND.map(([, text]) => text),
    ' ',
    '@',
    '4',
    '-',
    '+',
    '.',
    'é',
    '\u200b',
    '://a:',
    'Tel ',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 8 })), { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      let last = 0
      for (const { start, end } of all.find(text)) {
        assert(start >= last && end > start && end <= text.length)
        last = end
      }
    }),
    { numRuns: 500 },
  )
})

const RANDOM = 'q7Rz1LmX9vKc4TbN8wPd3HsJ'

describe('credentials by what stands around them', () => {
  for (const [text, secret] of [
    ['postgresql://app:tiger@db/x', 'tiger'],
    ['mongodb://app:a@b!c@db/x', 'a@b!c'],
    [`https://api.example.net/v1?access_token=${RANDOM}&n=1`, RANDOM],
    [`X-Acme-Token: ${RANDOM}`, RANDOM],
    [`curl -u bot:${RANDOM} https://api.example.net`, RANDOM],
    ['Connect -Server a -Password VMware1!', 'VMware1!'],
    ['psexec \\\\host -u me -p mypass cmd', 'mypass'],
    ['{"auths":{"r":{"auth":"Ym90OmNvcnJlY3Rob3JzZQ=="}}}', 'Ym90OmNvcnJlY3Rob3JzZQ=='],
    [`//registry.example.net/:_authToken=${RANDOM}`, RANDOM],
    ['Server=a;User Id=b;Password=tiger;Database=c', 'tiger'],
    ['machine a.example.net login bot password tiger5', 'tiger5'],
    ['APP_DB_PASSWORD=whiteduke', 'whiteduke'],
    [`export ACME_API_KEY='${RANDOM}'`, RANDOM],
    ['  password: MWYyZDFlMmU2N2Rm', 'MWYyZDFlMmU2N2Rm'],
    ['[site]\nuser=me\npassword=open_sesame\n', 'open_sesame'],
    [`signing_key = "${RANDOM}"`, RANDOM],
    ['The password is "Secret123"', 'Secret123'],
  ] as const)
    test(text, () =>
      assert.deepEqual(
        seen(text).filter((one) => one.startsWith('secret')),
        [`secret:${secret}`],
      ),
    )

  for (const text of [
    'password = get_password()',
    'const password = config.database.password',
    'password: string',
    '"password": {"type": "string"}',
    'this.addPassword = "#add-password"',
    'https://${user}:${password}@api.example.net',
    'nextPageToken: q7Rz1LmX9vKc4TbN8wPd3HsJ',
    'PASSWORD=$(cat /run/password)',
    '--password-stdin registry',
    'login --token "$TOKEN"',
    'tokens: 4096, secret: true',
    'Authorization: Bearer <token>',
  ])
    test(`none in ${text}`, () =>
      assert.deepEqual(
        seen(text).filter((one) => one.startsWith('secret')),
        [],
      ))
})
