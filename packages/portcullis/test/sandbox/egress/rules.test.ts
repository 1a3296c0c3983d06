import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import type { NetworkRule } from '../../../src/sandbox/access.ts'
import { hostName, Rules } from '../../../src/sandbox/egress/rules.ts'

const inject = (name: string, value = 'x') => ({ name, value: new Secret(value) })

const BAD: Readonly<Record<string, Partial<NetworkRule>>> = {
  'every host': { host: '*' },
  'every host of a top-level domain': { host: '*.com' },
  'a wildcard in the middle': { host: 'a.*.example.com' },
  'upper case': { host: 'API.test' },
  'an address': { host: '127.0.0.1' },
  'a port in the name': { host: 'api.test:443' },
  'no ports': { ports: [] },
  'port 0': { ports: [0] },
  'a port that is too high': { ports: [65_536] },
  'half a port': { ports: [1.5] },
  'no methods': { methods: [] },
  'a method that is none': { methods: ['GET /'] },
  'TLS that nobody can open': { openTls: true },
  'a header that is none': { inject: inject('X: y\r\nZ') },
  'a header that says for whom a request is': { inject: inject('Host') },
  'a header that says where a request ends': { inject: inject('transfer-encoding') },
  'a header of the connection': { inject: inject('Connection') },
  'a value with a line end': { inject: inject('x', 'a\r\nb: c') },
  'an empty value': { inject: inject('x', '') },
}

for (const [title, part] of Object.entries(BAD)) {
  it(`a rule with ${title} stops the start, without its secret in the fault`, () => {
    const rule: NetworkRule = { host: 'api.test', ports: [443], ...part }
    assert.throws(
      () => new Rules([{ host: 'fine.test', ports: [1] }, rule], false),
      (fault: { code: string; detail: object }) => {
        assert.equal(fault.code, 'sandbox.start_failed')
        assert.ok(!JSON.stringify(fault.detail).includes('b: c'))
        return true
      },
    )
  })
}

it('the first rule that matches name and port counts', () => {
  const get = { host: 'api.example.test', ports: [80], methods: ['GET'] }
  const all = { host: '*.example.test', ports: [80, 443] }
  const rules = new Rules([get, all], false)
  assert.equal(rules.find('api.example.test', 80), get)
  assert.equal(rules.find('api.example.test', 443), all)
  assert.equal(rules.find('b.a.example.test', 80), all)
  assert.ok(rules.knows('x.example.test') && !rules.knows('example.test'))
  for (const [host, port] of [
    ['example.test', 80],
    ['xexample.test', 80],
    ['api.example.test', 8080],
  ] as const) {
    assert.throws(() => rules.find(host, port), { reason: 'not-allowed' })
  }
  assert.throws(() => rules.find(undefined, 80), { reason: 'host' })
})

it('no rules allow nothing', () => {
  assert.throws(() => new Rules([], false).find('api.test', 443), { reason: 'not-allowed' })
})

it('the sign for Kelvin is no k, and the long s is no s', () => {
  for (const name of ['\u212aernel.test', 'ki\u017fs.test', 'api\u3002test', 'api.test\u200b']) {
    assert.equal(hostName(name), undefined)
  }
})
