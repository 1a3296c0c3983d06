/** What an upstream tells one caller decides about nobody else's grant. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Secret } from '../../../src/core/secret.ts'
import type { Holder } from '../../../src/upstream/access/holder.ts'
import type { TokenVault } from '../../../src/upstream/access/token-vault.ts'
import { OAuthAccess } from '../../../src/upstream/oauth/oauth-access.ts'
import type { Grant } from '../../../src/upstream/oauth/settings.ts'

const ALICE = { tenant: 'acme', principal: 'alice' }
const BOB = { tenant: 'acme', principal: 'bob' }
const ELSEWHERE = 'https://mail.example/elsewhere'

/** The upstream names server `a`, and in some challenges a document that names server `b`. */
function setUp() {
  const clock = { at: 1_000_000, now: () => clock.at }
  const lost: Holder[] = []
  const forms: { readonly url: string; readonly form: URLSearchParams }[] = []
  const server = (name: string) => ({
    ...{ issuer: `https://${name}.example`, authorization_endpoint: `https://${name}.example/authorize` },
    ...{ token_endpoint: `https://${name}.example/token`, code_challenge_methods_supported: ['S256'] },
    client_id_metadata_document_supported: true,
  })
  const resource = (name: string) => ({
    resource: 'https://mail.example/mcp',
    authorization_servers: [`https://${name}.example`],
  })
  const documents: Readonly<Record<string, object>> = {
    'https://mail.example/.well-known/oauth-protected-resource/mcp': resource('a'),
    [ELSEWHERE]: resource('b'),
    'https://a.example/.well-known/oauth-authorization-server': server('a'),
    'https://b.example/.well-known/oauth-authorization-server': server('b'),
  }
  const access = new OAuthAccess({
    settings: {
      ...{ upstream: 'mail', endpoint: new URL('https://mail.example/mcp'), mode: 'per-user', plaintext: false },
      ...{ grant: 'authorization-code', client: { kind: 'document', url: 'https://us.example/c.json' }, scopes: [] },
      redirectUri: 'https://us.example/connect/callback',
    },
    vault: memoryVault(),
    clock,
    async fetch(url, { method, body }) {
      if (method === 'GET') {
        const document = documents[url]
        return Response.json(document ?? {}, { status: document === undefined ? 404 : 200 })
      }
      forms.push({ url, form: new URLSearchParams(String(body)) })
      return Response.json({ access_token: `new of ${new URL(url).host}`, token_type: 'Bearer', expires_in: 3600 })
    },
    knock: async () => ({ kind: 'buffered', status: 401, headers: {}, body: Buffer.alloc(0) }) as never,
    onLost: async (holder) => void lost.push(holder),
  })
  const old = (issuer: string, more: Partial<Grant> = {}): Grant => ({
    ...{ issuer, clientId: 'https://us.example/c.json', resource: 'https://mail.example/mcp', accessToken: 'old' },
    ...{ refreshToken: `refresh of ${issuer}`, expiresAt: clock.at, scopes: [] },
    ...more,
  })
  return { access, lost, forms, old }
}

function memoryVault(): TokenVault {
  const rows = new Map<string, { value: Secret; revision: string }>()
  let revisions = 0
  const put: TokenVault['put'] = async (name, value) => {
    const revision = String(++revisions)
    rows.set(JSON.stringify(name), { value, revision })
    return revision
  }
  return {
    get: async (name) => rows.get(JSON.stringify(name)),
    put,
    replace: async (name, value, revision) =>
      rows.get(JSON.stringify(name))?.revision === revision ? put(name, value) : undefined,
    remove: async (name) => rows.delete(JSON.stringify(name)),
    list: async () => [],
  }
}

const tokenOf = async (access: OAuthAccess, holder: Holder) => (await access.sourceOf(holder).headers())[1]

describe('OAuthAccess', () => {
  it('keeps the grant of one caller when another is told of another authorization server', async () => {
    const { access, lost, forms, old } = setUp()
    await access.keep(ALICE, old('https://a.example'))
    const { url } = await access.begin(BOB, { upstream: 'mail', scopes: [], metadataUrl: ELSEWHERE })
    assert.equal(url.host, 'b.example', 'Bob goes where he was told')
    assert.equal(await tokenOf(access, ALICE), 'Bearer new of a.example')
    assert.deepEqual(lost, [])
    assert.deepEqual(
      forms.map((one) => [one.url, one.form.get('refresh_token')]),
      [['https://a.example/token', 'refresh of https://a.example']],
      'no refresh token went anywhere else',
    )
  })

  it('refreshes a grant by the document that it was obtained by', async () => {
    const { access, lost, forms, old } = setUp()
    await access.keep(BOB, old('https://b.example', { metadataUrl: ELSEWHERE }))
    await access.keep(ALICE, old('https://a.example'))
    assert.equal(await tokenOf(access, ALICE), 'Bearer new of a.example')
    assert.equal(await tokenOf(access, BOB), 'Bearer new of b.example')
    assert.deepEqual(lost, [])
    assert.deepEqual(
      forms.map((one) => one.url),
      ['https://a.example/token', 'https://b.example/token'],
    )
  })

  it('ends a grant of a server that its own document does not name any more', async () => {
    const { access, lost, forms, old } = setUp()
    await access.keep(ALICE, old('https://b.example'))
    await assert.rejects(tokenOf(access, ALICE), { code: 'upstream.not_connected' })
    assert.deepEqual(lost, [ALICE])
    assert.deepEqual(forms, [], 'the refresh token was shown to nobody')
  })
})
