import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '../../src/identity/fetch-json.ts'
import { discoverEndpoint, metadataUrls } from '../../src/identity/issuer-metadata.ts'

const ISSUER = 'https://login.example/acme'
const [OAUTH = '', OIDC = '', APPENDED = ''] = metadataUrls(ISSUER)

/** Discovery over fixed documents; also says which were asked for. */
function discovery(documents: Readonly<Record<string, JsonObject>>, issuer = ISSUER) {
  const asked: string[] = []
  const found = discoverEndpoint(
    issuer,
    'jwks_uri',
    async (url) => {
      asked.push(url)
      return documents[url]
    },
    'refused',
  )
  return { asked, found }
}

describe('metadataUrls', () => {
  it('inserts the path, and appends it last', () => {
    assert.deepEqual(metadataUrls(ISSUER), [
      'https://login.example/.well-known/oauth-authorization-server/acme',
      'https://login.example/.well-known/openid-configuration/acme',
      'https://login.example/acme/.well-known/openid-configuration',
    ])
  })

  for (const issuer of ['https://login.example', 'https://login.example/']) {
    it(`has two places for ${issuer}`, () => {
      assert.deepEqual(metadataUrls(issuer), [
        'https://login.example/.well-known/oauth-authorization-server',
        'https://login.example/.well-known/openid-configuration',
      ])
    })
  }
})

describe('discoverEndpoint', () => {
  const good = { issuer: ISSUER, jwks_uri: 'https://login.example/jwks' }

  for (const [at, url] of [OAUTH, OIDC, APPENDED].entries()) {
    it(`takes the document at place ${at + 1} when it is the first`, async () => {
      const { asked, found } = discovery({ [url]: good })
      assert.equal(await found, good.jwks_uri)
      assert.deepEqual(asked, [OAUTH, OIDC, APPENDED].slice(0, at + 1))
    })
  }

  const BAD: readonly (readonly [string, JsonObject])[] = [
    ['names another issuer', { ...good, issuer: 'https://evil.example' }],
    ['names the issuer with a slash more', { ...good, issuer: `${ISSUER}/` }],
    ['names the issuer in capitals', { ...good, issuer: 'https://LOGIN.example/acme' }],
    ['names no issuer', { jwks_uri: good.jwks_uri }],
    ['has no jwks_uri', { issuer: ISSUER }],
    ['has its keys on an open wire', { ...good, jwks_uri: 'http://login.example/jwks' }],
    ['has its keys in a file', { ...good, jwks_uri: 'file:///jwks' }],
  ]
  for (const [what, document] of BAD) {
    it(`refuses a document that ${what}, and looks no further`, async () => {
      const { asked, found } = discovery({ [OAUTH]: document, [OIDC]: good })
      await assert.rejects(found)
      assert.deepEqual(asked, [OAUTH])
    })
  }

  it('refuses an issuer without a document', async () => {
    await assert.rejects(discovery({}).found)
  })
})
