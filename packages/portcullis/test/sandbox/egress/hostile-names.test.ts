import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import fc from 'fast-check'
import { hostName } from '../../../src/sandbox/egress/rules.ts'
import { exchange, socksRequest, startHost, startSandbox } from './loopback.ts'

let time = 0
const host = await startHost()
const sandbox = await startSandbox({
  allow: [
    { host: 'registry.example', ports: [80, 443] },
    { host: '*.allowed.test', ports: [80, 443] },
  ],
  // An answer that must never be dialled: whatever gets as far as here is still refused.
  resolve: () => ['127.0.0.1'],
  dialPort: host.port,
  // Seconds pass between any two looks, so that nobody is made to wait for being refused too often.
  clock: { now: () => (time += 1_000) },
})
after(() => {
  sandbox.close()
  host.close()
})

/** Other spellings of one host that may be reached, so that looking them up is no leak. */
const SAME = ['REGISTRY.EXAMPLE', 'registry.example.']

const HOSTILE = [
  ...['evil.example\0.allowed.test', 'evil.example\0registry.example', 'registry.example\0'],
  ...['evil.example#.allowed.test', 'evil.example?.allowed.test', 'evil.example/.allowed.test'],
  ...['evil.example\\.allowed.test', 'evil.example@registry.example', 'registry.example@evil.example'],
  ...['registry.example:443@evil.example', 'evil.example%00.allowed.test', 'evil.example .allowed.test'],
  ...['evil.example\r\n.allowed.test', 'evil.example\t.allowed.test', 'allowed.test', '.allowed.test', 'xallowed.test'],
  ...['*.allowed.test', 'a..allowed.test', 'a.allowed.test.evil.example', 'registry.example..', 'registry.example:80'],
  ...[
    '[::1]',
    '::1',
    '[::ffff:127.0.0.1]',
    '0x7f.1',
    '127.1',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1',
    '1.2.3',
    '0x7f000001',
  ],
  ...[
    '1.2.3.4.allowed.test\0',
    '\u0440egistry.example',
    'registry\xad.example',
    'registry.example\x7f',
    '-x.allowed.test',
  ],
  ...[`${'a'.repeat(64)}.allowed.test`, `${'a.'.repeat(125)}allowed.test`, '', '.', 'localhost', '0', 'evil.example'],
]

const WAYS: Readonly<Record<string, (name: string) => Buffer>> = {
  SOCKS: (name) => socksRequest(Buffer.from(name, 'utf8').subarray(0, 255)),
  CONNECT: (name) => Buffer.from(`CONNECT ${name}:443 HTTP/1.1\r\nHost: x\r\n\r\n`),
  'an absolute URL': (name) =>
    Buffer.from(`GET http://${name}/ HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`),
}

for (const [way, bytes] of Object.entries(WAYS)) {
  it(`none of ${HOSTILE.length} hostile names gets anywhere by ${way}, not even to a resolver`, async () => {
    for (const name of HOSTILE) {
      const answer = await exchange(sandbox.proxyPort, bytes(name))
      assert.ok(!answer.startsWith('HTTP/1.1 200'), JSON.stringify(name))
      assert.ok(way !== 'SOCKS' || answer.length < 4 || answer.charCodeAt(3) !== 0, JSON.stringify(name))
    }
    // What a parser takes apart at another place than its sender is at most a host that may be reached.
    const strangers = sandbox.resolved.filter(
      (name) => name !== 'registry.example' && !/^[a-z0-9.-]+\.allowed\.test$/.test(name),
    )
    assert.deepEqual([strangers, sandbox.dials, host.connections()], [[], [], 0])
  })
}

for (const name of SAME) {
  it(`${name} is the host itself, which is then looked up in its one spelling`, async () => {
    const before = sandbox.resolved.length
    for (const bytes of Object.values(WAYS)) await exchange(sandbox.proxyPort, bytes(name))
    assert.deepEqual(sandbox.resolved.slice(before), ['registry.example', 'registry.example', 'registry.example'])
    assert.equal(host.connections(), 0)
  })
}

it('a host name is the host that a URL has with it, or none', () => {
  const unit = fc.constantFrom(...Array.from('ab01.-_xX*%@:/\\ \0\t#?[]é\u212a\u3002'))
  const any = fc.oneof(
    fc.string({ unit, maxLength: 24 }),
    fc.string({ maxLength: 12 }),
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
  )
  fc.assert(
    fc.property(any, (text) => {
      const name = hostName(text)
      if (name === undefined) return
      assert.equal(new URL(`http://${text}/`).hostname.replace(/\.$/, ''), name)
      assert.equal(hostName(name), name)
    }),
    { numRuns: 2_000 },
  )
})

it('every refusal is in the reports, without a byte that could hurt a reader', () => {
  assert.ok(sandbox.accesses.length > HOSTILE.length)
  for (const { allowed, host: reported } of sandbox.accesses) {
    assert.equal(allowed, false)
    assert.match(reported, /^[\x21-\x7e]{0,253}$/)
  }
})
