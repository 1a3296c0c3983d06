import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { buildEnvironment } from '../../src/sandbox/environment.ts'

const INSIDE = { home: '/home/sandbox', pathDirectories: ['/opt/node/bin'] }

it('holds fixed values and what is listed, and nothing of ours', () => {
  process.env['PORTCULLIS_TEST_CANARY'] = 'x'
  assert.deepEqual(Object.fromEntries(buildEnvironment({ API_KEY: new Secret('k'), LANG: 'de_DE.UTF-8' }, INSIDE)), {
    PATH: '/opt/node/bin:/usr/local/bin:/usr/bin:/bin',
    HOME: '/home/sandbox',
    TMPDIR: '/tmp',
    LANG: 'de_DE.UTF-8',
    USER: 'sandbox',
    API_KEY: 'k',
  })
})

for (const name of ['', 'A=B', '1A', 'A B', 'A\0', 'Ä', '--bind']) {
  it(`refuses the name ${JSON.stringify(name)}`, () => {
    assert.throws(() => buildEnvironment({ [name]: 'x' }, INSIDE), { code: 'sandbox.start_failed' })
  })
}

it('refuses NUL in a value, without telling the value', () => {
  const secret = new Secret('top\0secret')
  assert.throws(
    () => buildEnvironment({ KEY: secret }, INSIDE),
    (fault: { code: string; detail: object }) => {
      assert.equal(fault.code, 'sandbox.start_failed')
      assert.ok(!JSON.stringify(fault.detail).includes('secret'))
      return true
    },
  )
})
