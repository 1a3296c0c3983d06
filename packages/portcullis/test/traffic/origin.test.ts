import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { originStage } from '../../src/traffic/origin.ts'
import { codeOf, exchangeOf } from './fixtures.ts'

const stage = originStage({
  hosts: ['localhost:8443', '127.0.0.1:8443', '[::1]:8443', 'Gate.example', 'gate.example:9443'],
  defaultPort: 443,
  origins: ['https://console.example', 'http://localhost:3000'],
})
const code = (host: unknown, origin?: unknown, path = '/mcp') =>
  codeOf(() => stage.check(exchangeOf({ path, headers: { host, origin } as Record<string, string> })))

describe('Host', () => {
  const served = [
    'localhost:8443',
    'LOCALHOST:8443',
    '127.0.0.1:8443',
    '[::1]:8443',
    '[0:0:0:0:0:0:0:1]:8443',
    'gate.example',
    'gate.example:443',
    'GATE.EXAMPLE:9443',
  ]
  for (const host of served) test(`"${host}" is served`, () => assert.equal(code(host), 'passed'))

  const refused = [
    undefined,
    '',
    'localhost',
    'localhost:8444',
    'localhost:84430',
    'localhost:08443',
    'localhost:',
    'localhost:8443:8443',
    'localhost:8443x',
    'localhost.:8443',
    'localhost..:8443',
    '.localhost:8443',
    'localhost.evil.example:8443',
    'evil.example',
    'evil-gate.example',
    'gate.example.evil.example',
    'gate.example@evil.example',
    'evil.example@gate.example',
    'user:pass@gate.example',
    'gate.example/',
    'gate.example/path',
    'gate.example?x',
    'gate.example#x',
    'gate.example\\',
    ' gate.example',
    'gate.example ',
    'gate.example\t',
    'gate.example, gate.example',
    'gate.example,gate.example',
    'gate%2eexample',
    'gate。example',
    'ｇate.example',
    'https://gate.example',
    '::1',
    '::1:8443',
    '[::1]',
    '[::1%lo]:8443',
    '[::ffff:127.0.0.1]:8443',
    '[127.0.0.1]:8443',
    '127.1:8443',
    '2130706433:8443',
    '0x7f.0.0.1:8443',
    '0177.0.0.1:8443',
    '127.0.0.2:8443',
    '0.0.0.0:8443',
    'null',
    'a'.repeat(300),
    ['gate.example', 'gate.example'],
  ]
  for (const host of refused) {
    test(`${JSON.stringify(host)?.slice(0, 60)} is refused`, () => assert.equal(code(host), 'traffic.host_refused'))
  }

  for (const path of ['https://gate.example/mcp', 'http://evil.example/', '*', '', 'gate.example:443', '\\mcp']) {
    test(`does not help the target "${path}"`, () =>
      assert.equal(code('gate.example', undefined, path), 'traffic.host_refused'))
  }
})

describe('Origin', () => {
  const allowed = [
    undefined,
    'https://console.example',
    'HTTPS://Console.Example',
    'https://console.example:443',
    'http://localhost:3000',
  ]
  for (const origin of allowed) test(`${origin} may call`, () => assert.equal(code('gate.example', origin), 'passed'))

  const refused = [
    '',
    'null',
    '*',
    'https://gate.example',
    'http://console.example',
    'https://console.example:8443',
    'https://console.example/',
    'https://console.example/path',
    'https://console.example.evil.example',
    'https://evil-console.example',
    'https://evil.example/https://console.example',
    'https://console.example@evil.example',
    'https://evil.example@console.example',
    'https://console.example.',
    'https://console.example, https://evil.example',
    'https://console.example https://evil.example',
    'https://console.example\\evil.example',
    'https://console.example#',
    'https://console.example?',
    'http://localhost:3001',
    'http://localhost',
    'http://localhost:03000',
    'http://127.0.0.1:3000',
    'console.example',
    '//console.example',
    'file://',
    'chrome-extension://console.example',
    ['https://console.example'],
  ]
  for (const origin of refused) {
    test(`${JSON.stringify(origin)} is refused`, () =>
      assert.equal(code('gate.example', origin), 'traffic.origin_refused'))
  }
})

test('a page for people is read by no page of another origin, though its form may come from there', () => {
  const rules = { hosts: ['gate.example'], defaultPort: 443, origins: ['https://console.example'] }
  const shared = originStage({ ...rules, isPage: (path) => path === '/auth/authorize' })
  const heard = (path: string) => {
    const announced: object[] = []
    const exchange = exchangeOf({ path, headers: { host: 'gate.example', origin: 'https://console.example' } })
    void shared.check({
      ...exchange,
      outlet: { ...exchange.outlet, announce: (headers) => void announced.push(headers) },
    })
    return announced.length
  }
  assert.deepEqual([heard('/auth/authorize'), heard('/auth/token')], [0, 1])
})

describe('rules that cannot be met are refused at once:', () => {
  for (const host of ['', 'a b', 'https://gate.example', 'gate.example:0', '*', '*.example', 'gate.example/']) {
    test(`host "${host}"`, () =>
      assert.throws(() => originStage({ hosts: [host], defaultPort: 443, origins: [] }), TypeError))
  }
  for (const origin of ['', '*', 'null', 'https://console.example/', 'console.example']) {
    test(`origin "${origin}"`, () => {
      assert.throws(() => originStage({ hosts: [], defaultPort: 443, origins: [origin] }), TypeError)
    })
  }
})
