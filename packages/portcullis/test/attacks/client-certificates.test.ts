/** Certificates of strangers, expired ones, ones for another use, ones in a header: none of them is anybody's credential. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { callTool } from '../fixtures/client.ts'
import { createAuthority, type TestAuthority, type TestClientCertificate } from '../fixtures/client-certificate.ts'
import { connectHttp2 } from '../fixtures/http2-client.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'

const AGENT = { names: [{ type: 'url', value: 'spiffe://example.org/agents/a' }] } as const

let authority: TestAuthority
let stranger: TestAuthority
let guest: TestAuthority
let running: IssuingGateway
let good: TestClientCertificate

before(async () => {
  authority = await createAuthority('CN=Client authority')
  stranger = await createAuthority('CN=Client authority')
  guest = await createAuthority('CN=Authority of guests')
  running = await startIssuing({
    config: {
      listen: {
        port: 0,
        tls: { authority: 'local', clientCertificates: { authorities: [authority.caFile, guest.caFile] } },
      },
    },
    identity: {
      certificates: [
        { uri: 'spiffe://example.org/agents/*', authority: authority.caFile, roles: ['admin'] },
        { uri: 'spiffe://guests.example/*', roles: ['admin'] },
        { dns: 'agent.example.org', roles: ['admin'] },
        { subject: 'CN=a, O=Trusted', roles: ['admin'] },
      ],
    },
  })
  good = await authority.issue(AGENT)
})
after(async () => {
  await running.close()
  authority.remove()
  stranger.remove()
  guest.remove()
})

const call = (certificate?: TestClientCertificate, headers: Readonly<Record<string, string>> = {}) =>
  callTool(
    running.gateway,
    'echo',
    {},
    {
      ...{ token: null, url: running.gateway.endpoint('one'), headers },
      ...(certificate && { certificate }),
    },
  )

describe('a certificate', () => {
  it('of the authority is good: the others are compared with it', async () => {
    assert.equal((await call(good)).status, 200)
    const own = await guest.issue({ names: [{ type: 'url', value: 'spiffe://guests.example/a' }] })
    assert.equal((await call(own)).status, 200)
  })

  const BAD: readonly (readonly [string, () => Promise<TestClientCertificate>])[] = [
    ['of another listed authority than its rule names', () => guest.issue(AGENT)],
    ['that has ended', () => authority.issue({ ...AGENT, notBefore: -7_200_000, notAfter: -60_000 })],
    ['that has not begun', () => authority.issue({ ...AGENT, notBefore: 600_000 })],
    ['for servers alone', () => authority.issue({ ...AGENT, usage: 'serverAuth' })],
    [
      'of another trust domain',
      () => authority.issue({ names: [{ type: 'url', value: 'spiffe://evil.org/agents/a' }] }),
    ],
    [
      'with two identities',
      () => authority.issue({ names: [...AGENT.names, { type: 'url', value: 'spiffe://example.org/agents/b' }] }),
    ],
    [
      'whose DNS name is written like a list of names',
      () => authority.issue({ names: [{ type: 'dns', value: 'x, URI:spiffe://example.org/agents/a' }] }),
    ],
    [
      'whose e-mail address is the identity',
      () => authority.issue({ names: [{ type: 'email', value: 'agent.example.org' }] }),
    ],
    ['whose subject is the DNS name', () => authority.issue({ subject: 'CN=agent.example.org' })],
    ['with a wildcard', () => authority.issue({ names: [{ type: 'dns', value: '*.example.org' }] })],
    ['whose common name is written like a whole subject', () => authority.issue({ subject: 'CN="a, O=Trusted"' })],
    ['with the subject in another order', () => authority.issue({ subject: 'O=Trusted, CN=a' })],
  ]
  for (const [what, issue] of BAD) {
    it(`${what} is nobody's`, async () => {
      const earlier = running.upstream.count()
      const reply = await call(await issue())
      assert.equal(reply.status, 401)
      assert.equal(reply.json.error.message, 'Authentication is required.')
      assert.equal(running.upstream.count(), earlier)
    })
  }

  it('of another authority of the same name ends the connection', async () => {
    const earlier = running.upstream.count()
    const reply = await call(await stranger.issue(AGENT)).catch(() => undefined)
    // OpenSSL takes a signature that does not fit for a broken connection, so there is no answer, or the shortest one.
    assert.ok(reply === undefined || reply.status === 400 || reply.status === 401, `${reply?.status}`)
    assert.equal(running.upstream.count(), earlier)
  })

  it("of an authority that nobody listed is nobody's", async (t) => {
    const unlisted = await createAuthority('CN=Another authority')
    t.after(() => unlisted.remove())
    const earlier = running.upstream.count()
    assert.equal((await call(await unlisted.issue(AGENT))).status, 401)
    assert.equal(running.upstream.count(), earlier)
  })

  it('that somebody else holds the key of ends the handshake', async () => {
    const other = await authority.issue(AGENT)
    await assert.rejects(call({ ...good, key: other.key }))
  })

  it('in a header is never believed, whatever a proxy would call it', async () => {
    const earlier = running.upstream.count()
    const pem = encodeURIComponent(good.cert)
    const names = {
      'x-forwarded-client-cert': `Hash=${good.thumbprint};URI=spiffe://example.org/agents/a`,
      'client-cert': `:${good.der.toString('base64')}:`,
      'client-cert-chain': `:${good.der.toString('base64')}:`,
      'x-client-cert': pem,
      'x-ssl-cert': pem,
      'ssl-client-cert': pem,
      'x-ssl-client-verify': 'SUCCESS',
      'ssl-client-verify': 'SUCCESS',
      'x-ssl-client-s-dn': 'CN=a, O=Trusted',
      'x-amzn-mtls-clientcert': pem,
      'x-arr-clientcert': good.der.toString('base64'),
    }
    const bound = await running.token({ cnf: { 'x5t#S256': good.thumbprint } })
    for (const [name, value] of Object.entries(names)) {
      assert.equal((await call(undefined, { [name]: value })).status, 401, name)
      assert.equal((await call(undefined, { [name]: value, authorization: `Bearer ${bound}` })).status, 401, name)
    }
    assert.equal((await call(undefined, names)).status, 401)
    assert.equal(running.upstream.count(), earlier)
    assert.equal((await call(good, names)).status, 200)
    const heard = Object.keys(running.upstream.seen.at(-1)?.headers ?? {})
    assert.deepEqual(
      heard.filter((name) => name in names),
      [],
    )
  })

  it('counts over HTTP/2 as over HTTP/1.1', async () => {
    const statuses: number[] = []
    for (const certificate of [good, undefined]) {
      const pair = certificate && { key: certificate.key, cert: certificate.cert }
      const client = await connectHttp2(running.gateway, pair)
      const reply = await client.callTool('echo', {}, { token: null, url: running.gateway.endpoint('one') })
      statuses.push(reply.status)
      await client.close()
    }
    assert.deepEqual(statuses, [200, 401])
  })

  it('goes on in a session that is resumed, whatever is shown with it', async () => {
    const first = await open(good)
    const session = await Promise.race([
      new Promise<Buffer>((resolve) => first.once('session', resolve)),
      sleep(300, undefined),
    ])
    first.destroy()
    const second = await open(undefined, session)
    assert.equal(second.isSessionReused(), true)
    second.destroy()
  })
})

function open(certificate?: TestClientCertificate, session?: Buffer): Promise<TLSSocket> {
  const { gateway } = running
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ port: Number(new URL(gateway.origin).port), host: '127.0.0.1', servername: 'localhost' },
      ca: readFileSync(gateway.caFile),
      ...(certificate && { key: certificate.key, cert: certificate.cert }),
      ...(session && { session }),
    })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}
