import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUnder } from '../../../src/inspection/paths/containment.ts'
import { pathInjection } from '../../../src/inspection/paths/path-injection.ts'
import { type PathRules, pathRole } from '../../../src/inspection/paths/path-role.ts'
import { inViews } from '../../../src/inspection/views/views.ts'

const reason = (value: string, rules: PathRules = {}) => pathRole(rules)(value)[0]?.reason

const ROOTED: PathRules = { roots: ['/srv/data', '/tmp/work'] }
const WINDOWS: PathRules = { style: 'win32', roots: ['C:\\data'], base: 'C:\\data' }

const GOOD: readonly (readonly [value: string, rules: PathRules])[] = [
  ['a.txt', {}],
  ['a/b/c.txt', {}],
  ['./a', {}],
  ['100% done.txt', {}],
  ['naïve – file (1).txt', {}],
  ['..a/b..', {}],
  ['a/.hidden', {}],
  ['a.txt', ROOTED],
  ['/srv/data', ROOTED],
  ['/srv/data/a/b', ROOTED],
  ['/tmp/work/x', ROOTED],
  ['/srv//data/a', ROOTED],
  ['a/../b', { ...ROOTED, parents: 'within-roots' }],
  ['../data/b', { ...ROOTED, parents: 'within-roots' }],
  ['a\\b.txt', WINDOWS],
  ['C:\\data\\a.txt', WINDOWS],
  ['c:/data/a.txt', WINDOWS],
  ['a.TXT', { extensions: ['.txt'] }],
  ['/a', { form: 'absolute' }],
]
for (const [value, rules] of GOOD) {
  test(`${value} may be opened under ${JSON.stringify(rules)}`, () => assert.equal(reason(value, rules), undefined))
}

const BAD: readonly (readonly [reason: string, value: string, rules: PathRules])[] = [
  ['blank', ' /etc/passwd', {}],
  ['blank', '\u00a0/etc/passwd', ROOTED],
  ['blank', '/srv/data/a.txt ', ROOTED],
  ['empty', '', {}],
  ['too-long', 'a'.repeat(5000), {}],
  ['control', 'a\0.txt', {}],
  ['control', 'a%00.txt', {}],
  ['control', 'a\nb', {}],
  ['parent', '../a', {}],
  ['parent', 'a/../../b', {}],
  ['parent', '..', {}],
  ['parent', '../a', ROOTED],
  ['outside', '../../etc/passwd', { ...ROOTED, parents: 'within-roots' }],
  ['outside', '/etc/passwd', ROOTED],
  ['outside', '/srv/database', ROOTED],
  ['outside', '/', ROOTED],
  ['absolute', '/a', {}],
  ['relative', 'a', { form: 'absolute' }],
  ['network', '//host/share', ROOTED],
  ['network', '\\\\host\\share', WINDOWS],
  ['network', '\\\\?\\C:\\data\\a', WINDOWS],
  ['network', '\\??\\C:\\data', WINDOWS],
  ['home', '~/a', {}],
  ['home', '~root', {}],
  ['scheme', 'file:///etc/passwd', {}],
  ['scheme', 'http:a', {}],
  ['scheme', 'C:a', {}],
  ['backslash', 'a\\b', {}],
  ['backslash', '..\\a', {}],
  ['encoded', '%2e%2e/a', {}],
  ['encoded', '%252e%252e/a', {}],
  ['odd-parent', '..%2fa', {}],
  ['encoded', '%c0%ae%c0%ae/a', {}],
  ['encoded', 'a%5c..%5cb', {}],
  ['encoded', '．．/a', {}],
  ['encoded', 'a／b', {}],
  ['encoded', '&#46;&#46;/a', {}],
  ['encoded', '..∕a', {}],
  ['encoded', Buffer.from('../../etc/passwd').toString('base64'), {}],
  ['odd-parent', '..;/a', {}],
  ['odd-parent', '....//a', {}],
  ['odd-parent', '.../a', {}],
  ['stream', 'a.txt:hidden', WINDOWS],
  ['stream', 'a.txt::$DATA', WINDOWS],
  ['drive', 'C:a', WINDOWS],
  ['device', 'con', WINDOWS],
  ['device', 'a\\NUL.txt', WINDOWS],
  ['device', 'COM1', WINDOWS],
  ['device', 'LPT¹', WINDOWS],
  ['trailing', 'a.', WINDOWS],
  ['trailing', 'a \\b', WINDOWS],
  ['wildcard', 'a*', WINDOWS],
  ['short-name', 'PROGRA~1\\x', WINDOWS],
  ['outside', 'D:\\x', WINDOWS],
  ['outside', 'C:\\database', WINDOWS],
  ['parent', 'a\\..\\..\\b', WINDOWS],
  ['extension', 'a.exe', { extensions: ['.txt'] }],
  ['extension', 'a', { extensions: ['.txt'] }],
  ['extension', 'a.txt.exe', { extensions: ['.txt'] }],
]
for (const [expected, value, rules] of BAD) {
  test(`${JSON.stringify(value.slice(0, 40))} is refused: ${expected}`, () => {
    const [seen] = pathRole(rules)(value)
    assert.equal(seen?.reason, `path.${expected}`)
    assert.equal(seen?.weight, 'breach')
    assert.match(seen?.says ?? '', /^must /)
  })
}

test('whatever passes leads into a root, by an independent resolution', () => {
  const part = fc.constantFrom(
    'a',
    '..',
    '.',
    '/',
    '//',
    '%2e',
    '%2f',
    'srv',
    'data',
    'etc',
    '\\',
    '~',
    ' ',
    '...',
    ';',
  )
  const role = pathRole({ ...ROOTED, parents: 'within-roots' })
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), (parts) => {
      const value = parts.join('')
      if (role(value).length > 0) return
      const target = posix.normalize(posix.join(value.startsWith('/') ? '/' : '/srv/data', value))
      assert.match(target, /^\/(?:srv\/data|tmp\/work)(?:\/|$)/)
    }),
    { numRuns: 3000 },
  )
})

test('containment compares whole names', () => {
  const rules = { roots: ['/a/b'], base: '/a/b' }
  for (const path of ['/a/b', 'x', '/a/b/c', './..x', '/a/./b']) assert.equal(isUnder(path, rules), true, path)
  for (const path of ['', '/a/bc', '/a', '..', '../bc', '~', 'a\0b']) assert.equal(isUnder(path, rules), false, path)
})

const ATTACKS: readonly (readonly [reason: string, value: string])[] = [
  ['traversal', '../../etc/x'],
  ['traversal', '..\\..\\x'],
  ['traversal', 'img/../../x'],
  ['traversal', '/static/..;/admin'],
  ['traversal', '....//....//x'],
  ['traversal', '%2e%2e%2f%2e%2e%2fx'],
  ['traversal', '..%c0%afx'],
  ['traversal', '../x'],
  ['null-byte', 'a.php%00.png'],
  ['file-url', 'file:///etc/hosts'],
  ['wrapper', 'php://filter/convert.base64-encode/resource=index'],
  ['unc', '\\\\198.51.100.7\\c$\\x'],
  ['secret-file', '/etc/passwd'],
  ['secret-file', 'C:\\Windows\\win.ini'],
  ['secret-file', '/proc/self/environ'],
  ['secret-file', '~/.ssh/id_rsa'],
  ['secret-file', '/app/.env'],
  ['secret-file', '/home/x/.aws/credentials'],
  ['secret-file', '/.some-agent/settings.json'],
]
for (const [expected, value] of ATTACKS) {
  test(`${value} climbs or asks for secrets`, () => {
    const [seen] = inViews(pathInjection)(value)
    assert.equal(seen?.reason, `path.${expected}`)
    assert.equal(seen?.weight, 'strong')
  })
}

const HONEST = [
  'wait... what/when',
  '/get/foo../1234',
  '/get/..foo',
  'and/or',
  '1/26/11',
  'docs/guide.md',
  'https://example.com/a/b',
  '/home/anna/report.pdf',
  '/var/log/db.log',
  '/.well-known/openid-configuration',
  'C:\\Users\\anna\\Documents\\a.txt',
  'the etc. of it',
  '...',
  '2..3',
  'profile: john/doe',
]
for (const value of HONEST) {
  test(`${value} is harmless`, () => assert.deepEqual(inViews(pathInjection)(value), []))
}

test('a document that names a file between backticks is evidence at most', () => {
  const [seen] = pathInjection('Add the volume to `/etc/fstab` for mounting at boot')
  assert.equal(seen?.weight, 'hint')
})
