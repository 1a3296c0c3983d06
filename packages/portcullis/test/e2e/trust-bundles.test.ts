/** ID-6: bundles of SPIFFE trust domains. Each vouches for its own domain, and a file that changes counts without a restart. */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool } from '../fixtures/client.ts'
import { createAuthority, type TestAuthority, type TestClientCertificate } from '../fixtures/client-certificate.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const ID = { home: 'spiffe://example.org/agents/a', away: 'spiffe://partner.net/agents/a' } as const

const bundle = (...authorities: readonly TestAuthority[]) =>
  JSON.stringify({
    keys: authorities.map(({ der }) => ({ kty: 'EC', use: 'x509-svid', x5c: [der.toString('base64')] })),
  })

describe('SPIFFE trust bundles', { timeout: 60_000 }, () => {
  let folder: string
  let upstream: CountingUpstream
  let gateway: TestGateway
  let authorities: Readonly<Record<'home' | 'away' | 'plain' | 'next', TestAuthority>>

  /** As spiffe-helper does it: beside, then in its place. */
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, `${name}.next`), text)
    renameSync(join(folder, `${name}.next`), join(folder, name))
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-bundles-'))
    const [home, away, plain, next] = await Promise.all(
      ['CN=Home', 'CN=Away', 'CN=Plain', 'CN=Next'].map((name) => createAuthority(name)),
    )
    authorities = { home, away, plain, next } as typeof authorities
    write('home.json', bundle(authorities.home))
    write('away.json', bundle(authorities.away))
    upstream = await startCounting()
    gateway = await startTestGateway({
      upstreams: [{ name: 'one', url: upstream.url }],
      config: {
        listen: {
          port: 0,
          tls: {
            authority: 'local',
            clientCertificates: {
              authorities: [authorities.plain.caFile],
              trustBundles: { 'example.org': join(folder, 'home.json'), 'partner.net': join(folder, 'away.json') },
              bundleSeconds: 1,
            },
          },
        },
        identity: {
          certificates: [
            { uri: 'spiffe://example.org/agents/*', roles: ['admin'] },
            { uri: 'spiffe://partner.net/agents/*', roles: ['admin'] },
            { dns: 'batch.example.org', roles: ['admin'] },
            { uri: 'spiffe://plain.org/a', roles: ['admin'] },
          ],
        },
      },
    })
  })
  after(async () => {
    await gateway.close()
    await upstream.close()
    for (const authority of Object.values(authorities)) authority.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const named = (by: TestAuthority, value: string, type: 'url' | 'dns' = 'url') =>
    by.issue({ names: [{ type, value }] })
  const statusOf = async (certificate: TestClientCertificate) =>
    (await callTool(gateway, 'echo', {}, { token: null, certificate })).status

  it('let each authority vouch for its own trust domain, and for nothing else', async () => {
    const { home, away, plain } = authorities
    for (const [by, id] of [
      [home, ID.home],
      [away, ID.away],
      [plain, 'spiffe://plain.org/a'],
    ] as const)
      assert.equal(await statusOf(await named(by, id)), 200, id)
    assert.equal(await statusOf(await named(plain, 'batch.example.org', 'dns')), 200)
    const earlier = upstream.count()
    for (const [by, id] of [
      [home, ID.away],
      [away, ID.home],
      [plain, ID.home],
      [home, 'spiffe://plain.org/a'],
    ] as const)
      assert.equal(await statusOf(await named(by, id)), 401, id)
    assert.equal(await statusOf(await named(home, 'batch.example.org', 'dns')), 401, 'no name of another kind')
    assert.equal(upstream.count(), earlier)
  })

  it('are read anew when their file changes: a new authority counts, one that left is nobody', async () => {
    const { home, next } = authorities
    const old = await named(home, ID.home)
    const fresh = await named(next, ID.home)
    assert.deepEqual([await statusOf(old), await statusOf(fresh)], [200, 401])
    write('home.json', bundle(home, next))
    await until(async () => (await statusOf(fresh)) === 200)
    assert.equal(await statusOf(old), 200)
    write('home.json', bundle(next))
    await until(async () => (await statusOf(old)) === 401)
    assert.equal(await statusOf(fresh), 200)
    assert.ok(gateway.logged.some((line) => line.includes('a trust bundle has changed')))
  })

  it('stay as they are when their file cannot be used, and that is told', async () => {
    const { next } = authorities
    const fresh = await named(next, ID.home)
    write('home.json', '{"keys":[]}')
    await until(async () => gateway.logged.some((line) => line.includes('a trust bundle cannot be used')))
    assert.equal(await statusOf(fresh), 200)
    assert.equal(await statusOf(await named(next, ID.away)), 401)
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(100)
}
