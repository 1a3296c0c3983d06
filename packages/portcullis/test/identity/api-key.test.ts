import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { credentialDigest, isApiKey, mintApiKey, mintId } from '../../src/identity/api-key.ts'

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const environment = fc.option(fc.stringMatching(/^[a-z0-9]{1,8}$/), { nil: undefined })
const minted = fc.tuple(bytes, environment).map(([random, label]) => mintApiKey(() => random, label).reveal())

describe('an API key', () => {
  it('is recognised, whatever its bits and its environment', () => {
    fc.assert(fc.property(minted, (key) => isApiKey(key)))
  })

  it('shows its prefix and environment', () => {
    assert.match(mintApiKey(randomBytes, 'test').reveal(), /^pcl_test_[0-9A-Za-z]{49}$/)
    assert.match(mintApiKey(randomBytes).reveal(), /^pcl_[0-9A-Za-z]{49}$/)
  })

  it('is another one for other bits', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        fc.pre(Buffer.compare(a, b) !== 0)
        assert.notEqual(mintApiKey(() => a).reveal(), mintApiKey(() => b).reveal())
      }),
    )
  })

  it('with one character changed is refused', () => {
    fc.assert(
      fc.property(minted, fc.nat(), fc.constantFrom('0', '9', 'A', 'Z', 'a', 'z', '_', '-'), (key, position, char) => {
        const at = 4 + (position % (key.length - 4))
        fc.pre(key[at] !== char)
        assert.equal(isApiKey(key.slice(0, at) + char + key.slice(at + 1)), false)
      }),
    )
  })

  it('with two neighbours swapped is refused', () => {
    fc.assert(
      fc.property(minted, fc.nat(), (key, position) => {
        const at = 4 + (position % (key.length - 5))
        fc.pre(key[at] !== key[at + 1])
        assert.equal(isApiKey(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2)), false)
      }),
    )
  })

  it('is not any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => !isApiKey(text) && !isApiKey(`pcl_${text}`)))
  })

  const good = mintApiKey(randomBytes, 'live').reveal()
  for (const bad of [
    '',
    'pcl_',
    good.slice(0, -1),
    `${good}a`,
    ` ${good}`,
    `${good}\n`,
    good.toUpperCase(),
    good.replace('pcl', 'pcx'),
  ]) {
    it(`refuses ${JSON.stringify(bad.replace(good, '<key>').slice(0, 20))} of ${bad.length} characters`, () => {
      assert.equal(isApiKey(bad), false)
    })
  }

  for (const label of ['', 'Test', 'a_b', 'toolongname']) {
    it(`is not minted for the environment ${JSON.stringify(label)}`, () => {
      assert.throws(() => mintApiKey(randomBytes, label), TypeError)
    })
  }

  it('is not minted from too little randomness', () => {
    assert.throws(() => mintApiKey(() => new Uint8Array(31)), TypeError)
  })

  it('does not print', () => {
    assert.equal(`${mintApiKey(randomBytes)}`, '[secret]')
  })
})

describe('credentialDigest', () => {
  it('is SHA-256 in base64url', () => {
    assert.equal(credentialDigest('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  })
})

describe('mintId', () => {
  it('has 16 base62 digits', () => {
    assert.match(mintId(randomBytes), /^[0-9A-Za-z]{16}$/)
    assert.notEqual(mintId(randomBytes), mintId(randomBytes))
  })
})
