import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestHead } from '../../src/core/exchange.ts'
import { isProofScheme, presentedCredential, refuseCredentialInQuery } from '../../src/identity/bearer.ts'

describe('presentedCredential', () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'DPoP', 'dpop', 'DPOP']) {
    it(`reads the credential after ${scheme}`, () => {
      assert.equal(presentedCredential({ authorization: `${scheme} abc` }), 'abc')
    })
  }

  it('tells the scheme that a proof goes with', () => {
    assert.equal(isProofScheme({ authorization: 'dPoP abc' }), true)
    for (const authorization of ['Bearer abc', 'DPoP', 'DPoPx abc', ['DPoP a'], undefined]) {
      assert.equal(isProofScheme({ authorization }), false)
    }
  })

  const BAD: readonly (readonly [string, RequestHead['headers'], string])[] = [
    ['no header', {}, 'identity.missing'],
    ['another scheme', { authorization: 'Basic abc' }, 'identity.missing'],
    ['no scheme', { authorization: 'abc' }, 'identity.missing'],
    ['only a scheme', { authorization: 'Bearer' }, 'identity.missing'],
    ['an empty credential of the other scheme', { authorization: 'DPoP ' }, 'identity.malformed'],
    ['a scheme that only begins alike', { authorization: 'DPoPx abc' }, 'identity.missing'],
    ['an empty credential', { authorization: 'Bearer ' }, 'identity.malformed'],
    ['two headers', { authorization: ['Bearer a', 'Bearer b'] }, 'identity.malformed'],
    ['a huge credential', { authorization: `Bearer ${'a'.repeat(16_385)}` }, 'identity.malformed'],
  ]
  for (const [what, headers, code] of BAD) {
    it(`refuses ${what} as ${code}`, () => {
      assert.throws(() => presentedCredential(headers), { name: 'Fault', code })
    })
  }
})

describe('refuseCredentialInQuery', () => {
  for (const query of [
    'access_token=a',
    'x=1&Access_Token=a',
    'access%5Ftoken=a',
    'api_key=',
    'q=pcl_abc',
    'q=%70cl_abc',
  ]) {
    it(`refuses ${query}`, () => {
      assert.throws(() => refuseCredentialInQuery(query), { code: 'identity.token_in_query' })
    })
  }

  for (const query of ['', 'page=2', 'q=access_token', '%']) {
    it(`lets ${JSON.stringify(query)} pass`, () => refuseCredentialInQuery(query))
  }
})
