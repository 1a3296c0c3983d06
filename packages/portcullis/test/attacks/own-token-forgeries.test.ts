/** The known ways to forge a JWT, against tokens of the embedded authorization server: its own keys vouch for nothing that it did not sign. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type CryptoKey, exportSPKI, importJWK, type JWK } from 'jose'
import { callTool, type Reply } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { authorizeUrl, pkce, redeem, type SignInGateway, signInAndAllow, startSignIn } from '../fixtures/sign-in.ts'
import { signingKey, type SigningKey } from '../identity/loopback-issuer.ts'

type Part = Readonly<Record<string, unknown>>
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const seen = ({ status, headers, json }: Reply) => ({
  status,
  challenge: headers['www-authenticate'],
  names: Object.keys(headers).toSorted(),
  error: { ...json.error, data: { ...json.error.data, incident: '' } },
})

describe('a token that poses as one of ours', () => {
  let gateway: SignInGateway
  let upstream: CountingUpstream
  let token: string
  let idToken: string
  let stranger: SigningKey
  let evil: Server
  let evilUrl: string
  const evilHeard: string[] = []

  before(async () => {
    upstream = await startCounting()
    stranger = await signingKey('first')
    evil = createServer((request, response) => {
      evilHeard.push(request.url ?? '')
      response.end(JSON.stringify({ keys: [stranger.jwk] }))
    })
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
    evilUrl = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`
    gateway = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }] })
    await gateway.person('alice')
    const { id } = await gateway.client()
    const { verifier, challenge } = pkce()
    const browser = gateway.browser()
    const url = authorizeUrl(gateway, id, { code_challenge: challenge, scope: 'openid mcp' })
    const { leadsTo } = await signInAndAllow(browser, await browser.get(url), 'alice')
    const { json: told } = await redeem(gateway, id, leadsTo?.searchParams.get('code') ?? '', verifier)
    token = told.access_token
    idToken = told.id_token
  })
  after(async () => {
    evil.closeAllConnections()
    evil.close()
    await gateway.close()
    await upstream.close()
  })

  const call = (text: string) => callTool(gateway, 'echo', { text: 'x' }, { token: text })
  const parts = () => {
    const [header = '', claims = '', signature = ''] = token.split('.')
    return { header, claims, signature, head: JSON.parse(Buffer.from(header, 'base64url').toString()) as Part }
  }
  const published = async () => {
    const { keys } = JSON.parse((await gateway.browser().get('/auth/jwks')).text) as { keys: [JWK] }
    return keys[0]
  }
  const macBy = (alg: string, secret: string | Buffer) => {
    const text = `${part({ ...parts().head, alg })}.${parts().claims}`
    return `${text}.${createHmac(`sha${alg.slice(2)}`, secret)
      .update(text)
      .digest('base64url')}`
  }
  async function signedBy(key: SigningKey, header: object): Promise<string> {
    const text = `${part({ ...parts().head, ...header })}.${parts().claims}`
    const by = { name: 'ECDSA', hash: 'SHA-256' }
    return `${text}.${Buffer.from(await crypto.subtle.sign(by, key.privateKey, Buffer.from(text))).toString('base64url')}`
  }

  const POSING: readonly (readonly [string, () => Promise<string> | string])[] = [
    ...['none', 'None', 'nOnE', ''].map(
      (alg) =>
        [`the alg ${JSON.stringify(alg)}`, () => `${part({ ...parts().head, alg })}.${parts().claims}.AA`] as const,
    ),
    [
      'HS256 with the public key in PEM',
      async () => macBy('HS256', await exportSPKI((await importJWK(await published(), 'ES256')) as CryptoKey)),
    ],
    ['HS256 with the public key in JSON', async () => macBy('HS256', JSON.stringify(await published()))],
    ['HS512 with an empty secret', () => macBy('HS512', '')],
    ['a key that it brings', () => signedBy(stranger, { jwk: stranger.jwk })],
    ['a key set that it names', () => signedBy(stranger, { jku: `${evilUrl}/jwks`, kid: 'first' })],
    ['a kid that leads elsewhere', () => signedBy(stranger, { kid: '../../../../dev/null' })],
    ['no kid', () => signedBy(stranger, { kid: undefined })],
    ['a signature of zeros', () => `${parts().header}.${parts().claims}.${Buffer.alloc(64).toString('base64url')}`],
    ['the signature of its ID token', () => `${parts().header}.${parts().claims}.${idToken.split('.')[2]}`],
    ['the claims of its ID token', () => `${parts().header}.${idToken.split('.')[1]}.${parts().signature}`],
    ['the name of an ID token, which it is', () => idToken],
    [
      'another tenant',
      () => {
        const claims = JSON.parse(Buffer.from(parts().claims, 'base64url').toString()) as Part
        return `${parts().header}.${part({ ...claims, tenant: 'rival' })}.${parts().signature}`
      },
    ],
    ['a byte more', () => `${token}AAAA`],
  ]

  it('is told from a good one', async () => {
    assert.equal((await call(token)).status, 200)
    assert.match(idToken, /^ey/)
  })

  for (const [what, forge] of POSING) {
    it(`with ${what} is answered like any wrong one, and nobody hears of it`, async () => {
      const earlier = upstream.count()
      const wrong = seen(await call('wrong'))
      assert.equal(wrong.status, 401)
      assert.deepEqual(seen(await call(await forge())), wrong)
      assert.equal(upstream.count(), earlier)
      assert.deepEqual(evilHeard, [])
    })
  }
})
