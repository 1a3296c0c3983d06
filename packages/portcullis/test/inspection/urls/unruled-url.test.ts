import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { unruledHost, unruledUrl } from '../../../src/inspection/urls/unruled-url.ts'

const STRONG = [
  'http://127.0.0.1/',
  'http://localhost:8080/admin',
  'http://localhost./',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://0.0.0.0/',
  'http://169.254.169.254/latest/meta-data/',
  'http://[fd00:ec2::254]/',
  'http://metadata.google.internal/',
  'http://127.0.0.1.nip.io/',
  'http://①②⑦.⓪.⓪.①/',
  'http://１２７.0.0.1/',
  'http://127。0。0。1/',
  'http://3232235521/',
  'http://user@127.0.0.1/',
  'http://public.example\\@127.0.0.1/',
  '//169.254.169.254/',
  'http:/169.254.169.254/',
  'http:169.254.169.254',
  'ht\ttp://169.254.169.254/',
  'http:\\\\169.254.169.254/',
  '\u0001http://169.254.169.254/',
  'wss:127.0.0.1',
  `http://169.254.169.254/?${'a'.repeat(9_000)}`,
  '169.254.169.254/latest',
  'file:///etc/passwd',
  'FILE:/etc/passwd',
  'javascript:alert(1)',
  ' java\tscript:alert(1)',
  'gopher://example.com/',
  'dict://example.com:11211/',
  'data:text/html,x',
  'jar:http://example.com!/x',
]
const HINT = ['http://192.168.1.1/', 'https://10.0.0.8/api', 'http://server1/']
const FINE = [
  '',
  'https://example.com/a?b=http%3A%2F%2Fc#d',
  'http://example.com:8080/',
  'example.com/path',
  'https://1.1.1.1/',
  'https://münchen.example.de/',
  'ftp://ftp.example.com/',
  'not a url at all',
  '/relative/path',
]

const weightOf = (inspect: typeof unruledUrl, value: string) => inspect(value)[0]?.weight

describe('a URL for which nobody has set rules', () => {
  for (const url of STRONG)
    test(`leads inward or elsewhere: ${url}`, () => assert.equal(weightOf(unruledUrl, url), 'strong'))
  for (const url of HINT) test(`may be meant: ${url}`, () => assert.equal(weightOf(unruledUrl, url), 'hint'))
  for (const url of FINE) test(`is fine: ${url}`, () => assert.equal(weightOf(unruledUrl, url), undefined))
})

describe('a host for which nobody has set rules', () => {
  for (const host of [
    'localhost',
    '127.0.0.1',
    '::1',
    '[::1]:80',
    '0x7f.1',
    '169.254.169.254',
    'a.internal',
    'example.com; id',
    '$(id).example.com',
    'http://127.0.0.1/',
  ])
    test(`is refused: ${host}`, () => assert.equal(weightOf(unruledHost, host), 'strong'))
  for (const host of ['example.com', 'api.example.com:443', '1.1.1.1', '', 'Host of the evening', 'http://example.com'])
    test(`is fine: ${host}`, () => assert.equal(weightOf(unruledHost, host), undefined))
})

test('nothing makes them throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl()), (value) => {
      unruledUrl(value)
      unruledHost(value)
    }),
  )
})
