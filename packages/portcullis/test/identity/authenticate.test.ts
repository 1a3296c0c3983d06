import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Exchange, PeerCertificate, RequestHead } from '../../src/core/exchange.ts'
import { Fault, FAULTS } from '../../src/core/fault.ts'
import type { Authenticated } from '../../src/core/principal.ts'
import type { Routed } from '../../src/core/route.ts'
import { mintApiKey } from '../../src/identity/api-key.ts'
import { ApiKeyLifecycle } from '../../src/identity/api-key-lifecycle.ts'
import { type AuthenticateParts, authenticate } from '../../src/identity/authenticate.ts'
import { certificateVerifier } from '../../src/identity/certificates.ts'
import { createChallenges } from '../../src/identity/challenge.ts'
import { refuseTogether } from '../../src/identity/refuse-together.ts'
import { senderGuard } from '../../src/identity/require-sender.ts'
import { RevocationList } from '../../src/identity/revocation.ts'
import type { Verified } from '../../src/identity/verified.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { StillClock } from './still-clock.ts'

const FILES = 'https://gate.example/mcp/files'
const TOKEN = 'aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl'

async function setUp(t: TestContext, changes: Partial<AuthenticateParts> = {}) {
  const stores = openMemoryStores()
  const clock = new StillClock()
  const revocations = new RevocationList({
    store: stores.revocations,
    clock,
    pollMs: 1000,
    staleAfterMs: 5000,
    onProblem() {},
  })
  t.after(() => revocations.close())
  await revocations.refresh()
  const asked: string[] = []
  const state = { down: false }
  const apiKeys = {
    findByDigest: async (digest: string) => {
      asked.push(digest)
      if (state.down) throw new Error('down')
      return stores.apiKeys.findByDigest(digest)
    },
  }
  const uses: string[] = []
  const check = authenticate({
    ...{ apiKeys, revocations, clock, maxRemembered: 100, rememberSeconds: 300, refusalSeconds: 5, maxPending: 10 },
    lastUse: { note: (id) => void uses.push(id) },
    challenges: createChallenges({
      ...{ discovery: 'published', scopesOf: () => ['mcp'], proofAlgorithms: [], boundOnly: () => false },
    }),
    requireSender: senderGuard({ mustBeBound: () => false }),
    refuseTogether: refuseTogether(0, clock),
    tenantHas: () => true,
    ...changes,
  })
  const keys = new ApiKeyLifecycle({ store: stores.apiKeys, revocations, clock, random: randomBytes })
  const issue = (request: Partial<Parameters<typeof keys.issue>[0]> = {}) =>
    keys.issue({ tenant: 'acme', name: 'ci', roles: ['reader'], ...request })
  return { stores, clock, revocations, asked, state, uses, check, keys, issue }
}

function exchange(headers: RequestHead['headers'], upstream = 'files', query = ''): Exchange & Routed {
  return {
    incident: 'i',
    receivedAt: 0,
    peer: { address: '127.0.0.1', encrypted: true },
    head: { method: 'POST', path: `/mcp/${upstream}`, query, headers },
    body: { read: () => assert.fail('the body was read') },
    outlet: { send: () => assert.fail('something was sent'), open: () => assert.fail('a stream was opened') },
    departure: new Cancellation(),
    route: { kind: 'upstream', upstream },
    resource: `https://gate.example/mcp/${upstream}`,
  }
}

const bearing = (credential: string, upstream?: string) => exchange({ authorization: `Bearer ${credential}` }, upstream)

type Parts = Awaited<ReturnType<typeof setUp>>

async function refusal({ check }: Pick<Parts, 'check'>, request: Exchange & Routed): Promise<Fault> {
  try {
    await check.check(request)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault)
    return thrown
  }
  return assert.fail('it was let in')
}

describe('identity.authenticate', () => {
  it('knows who is behind a key', async (t) => {
    const { check, issue } = await setUp(t)
    const { key, record } = await issue({ upstreams: ['files'] })
    assert.deepEqual(await check.check(bearing(key.reveal())), {
      principal: {
        id: `key:${record.id}`,
        tenant: 'acme',
        roles: ['reader'],
        upstreams: ['files'],
        credential: { kind: 'api-key', id: record.id },
      },
    })
  })

  it('knows it the second time without waiting and without the store', async (t) => {
    const { check, issue, asked, uses } = await setUp(t)
    const { key, record } = await issue()
    const first = await check.check(bearing(key.reveal()))
    const second = check.check(bearing(key.reveal()))
    assert.ok(!(second instanceof Promise))
    assert.equal(second, first)
    assert.equal(asked.length, 1)
    assert.deepEqual(uses, [record.id, record.id])
  })

  it('asks the store once for 50 who come at once', async (t) => {
    const { check, issue, asked } = await setUp(t)
    const { key } = await issue()
    await Promise.all(Array.from({ length: 50 }, async () => check.check(bearing(key.reveal()))))
    assert.equal(asked.length, 1)
  })

  it('asks again when it has remembered for long enough', async (t) => {
    const { check, issue, asked, clock, revocations } = await setUp(t)
    const { key } = await issue()
    await check.check(bearing(key.reveal()))
    clock.advance(300_000)
    await revocations.refresh()
    await check.check(bearing(key.reveal()))
    assert.equal(asked.length, 2)
  })

  it('does not remember a key beyond its end', async (t) => {
    const parts = await setUp(t)
    const { key } = await parts.issue({ expiresAt: parts.clock.now() + 1000 })
    await parts.check.check(bearing(key.reveal()))
    parts.clock.advance(1000)
    assert.equal((await refusal(parts, bearing(key.reveal()))).code, 'identity.expired')
  })

  it('forgets a key at once when it is revoked', async (t) => {
    const parts = await setUp(t)
    const { key, record } = await parts.issue()
    await parts.check.check(bearing(key.reveal()))
    await parts.keys.revoke('acme', record.id, 'lost')
    assert.equal((await refusal(parts, bearing(key.reveal()))).code, 'identity.revoked')
  })

  it('refuses a key that was revoked while the store was being asked', async (t) => {
    const parts = await setUp(t)
    const { key, record } = await parts.issue()
    const coming = refusal(parts, bearing(key.reveal()))
    const now = parts.clock.now()
    await parts.revocations.revoke({
      kind: 'key',
      tenant: 'acme',
      id: record.id,
      from: now,
      until: now + 1,
      reason: '',
    })
    assert.equal((await coming).code, 'identity.revoked')
  })

  it('refuses every key of a revoked principal', async (t) => {
    const parts = await setUp(t)
    const first = await parts.issue()
    await parts.check.check(bearing(first.key.reveal()))
    const second = await parts.keys.rotate('acme', first.record.id, { overlapSeconds: 60 })
    const now = parts.clock.now()
    const id = first.record.principal
    await parts.revocations.revoke({
      kind: 'principal',
      tenant: 'acme',
      id,
      from: now,
      until: now + 60_000,
      reason: '',
    })
    for (const key of [first.key, second?.key]) {
      assert.equal((await refusal(parts, bearing(key?.reveal() ?? ''))).code, 'identity.revoked')
    }
  })

  it('lets both keys in during an overlap, as one principal, and the new one alone afterwards', async (t) => {
    const parts = await setUp(t)
    const first = await parts.issue()
    const before = await parts.check.check(bearing(first.key.reveal()))
    const second = await parts.keys.rotate('acme', first.record.id, { overlapSeconds: 2 })
    const successor = second?.key.reveal() ?? ''
    await parts.check.check(bearing(first.key.reveal()))
    const after = await parts.check.check(bearing(successor))
    assert.equal(after.principal.id, before.principal.id)
    parts.clock.advance(2000)
    await parts.revocations.refresh()
    await parts.check.check(bearing(successor))
    await refusal(parts, bearing(first.key.reveal()))
  })

  it('keeps a key to its upstreams', async (t) => {
    const parts = await setUp(t)
    const { key } = await parts.issue({ upstreams: ['files'] })
    assert.equal((await refusal(parts, bearing(key.reveal(), 'mail'))).code, 'identity.insufficient_scope')
    await parts.check.check(bearing(key.reveal(), 'files'))
    assert.equal((await refusal(parts, bearing(key.reveal(), 'mail'))).code, 'identity.insufficient_scope')
  })

  it('lets nobody in while the store is down, and does not hold it against the key', async (t) => {
    const parts = await setUp(t)
    const { key } = await parts.issue()
    parts.state.down = true
    const fault = await refusal(parts, bearing(key.reveal()))
    assert.equal(fault.code, 'identity.unavailable')
    assert.equal(fault.options.headers, undefined)
    parts.state.down = false
    await parts.check.check(bearing(key.reveal()))
  })

  it('lets nobody in, remembered or not, when the revocations are not current', async (t) => {
    const parts = await setUp(t)
    const { key } = await parts.issue()
    await parts.check.check(bearing(key.reveal()))
    parts.clock.advance(5001)
    assert.equal((await refusal(parts, bearing(key.reveal()))).code, 'identity.unavailable')
  })

  it('asks the store once for a bad key that comes again and again, and never for a typo', async (t) => {
    const parts = await setUp(t)
    const unknown = mintApiKey(randomBytes).reveal()
    for (let at = 0; at < 20; at++) assert.equal((await refusal(parts, bearing(unknown))).code, 'identity.unknown_key')
    assert.equal(parts.asked.length, 1)
    assert.equal((await refusal(parts, bearing(`${unknown.slice(0, -1)}_`))).code, 'identity.malformed')
    assert.equal(parts.asked.length, 1)
  })

  it('has a limit for those who come at once with different credentials', async (t) => {
    const parts = await setUp(t, { maxPending: 3 })
    const faults = await Promise.all(
      Array.from({ length: 10 }, () => refusal(parts, bearing(mintApiKey(randomBytes).reveal()))),
    )
    assert.equal(parts.asked.length, 3)
    assert.equal(faults.filter((fault) => fault.code === 'identity.unavailable').length, 7)
  })

  it('says the same for every credential that is not good, and records what it was', async (t) => {
    const parts = await setUp(t)
    const revoked = await parts.issue()
    await parts.keys.revoke('acme', revoked.record.id, 'lost')
    const expired = await parts.issue({ expiresAt: parts.clock.now() + 1 })
    parts.clock.advance(1)
    const credentials = [
      revoked.key.reveal(),
      expired.key.reveal(),
      mintApiKey(randomBytes).reveal(),
      'pcl_x',
      'nonsense',
      TOKEN,
    ]
    const faults = await Promise.all(credentials.map((credential) => refusal(parts, bearing(credential))))
    const outside = faults.map((fault) => [
      fault.says,
      FAULTS[fault.code].status,
      fault.options.headers,
      fault.options.data,
    ])
    for (const seen of outside) assert.deepEqual(seen, outside[0])
    assert.deepEqual(
      faults.map((fault) => fault.code.replace('identity.', '')),
      ['revoked', 'expired', 'unknown_key', 'malformed', 'malformed', 'malformed'],
    )
    for (const [at, fault] of faults.entries()) {
      assert.ok(!JSON.stringify(fault.detail).includes(credentials[at]?.slice(4) ?? ''))
    }
  })

  const WHERE = 'resource_metadata="https://gate.example/.well-known/oauth-protected-resource/mcp/files"'
  for (const [what, headers, challenge] of [
    ['nothing', {}, `Bearer realm="mcp", ${WHERE}, scope="mcp"`],
    ['another scheme', { authorization: 'Basic abc' }, `Bearer realm="mcp", ${WHERE}, scope="mcp"`],
    [
      'a bad credential',
      { authorization: 'Bearer x' },
      `Bearer realm="mcp", ${WHERE}, scope="mcp", error="invalid_token"`,
    ],
  ] as const) {
    it(`challenges who presents ${what}`, async (t) => {
      const fault = await refusal(await setUp(t), exchange(headers))
      assert.equal(FAULTS[fault.code].status, 401)
      assert.deepEqual(fault.options.headers, { 'WWW-Authenticate': challenge })
    })
  }

  it('refuses a credential in the query even beside a good one', async (t) => {
    const parts = await setUp(t)
    const { key } = await parts.issue()
    const request = exchange({ authorization: `Bearer ${key.reveal()}` }, 'files', `access_token=${key.reveal()}`)
    assert.equal((await refusal(parts, request)).code, 'identity.token_in_query')
  })
})

describe('identity.authenticate with a token', () => {
  const credential = { kind: 'jwt', id: 'jti-1', digest: 'sha-1' } as const
  const facts: Authenticated = { principal: { id: 'https://i.example|ann', tenant: 'acme', roles: [], credential } }

  function verifier(changes: Partial<Verified> = {}) {
    const tokens: string[] = []
    const verifyToken = async (token: string): Promise<Verified> => {
      tokens.push(token)
      return { facts, audiences: [FILES], ...changes }
    }
    return { tokens, verifyToken }
  }

  it('verifies it once', async (t) => {
    const { tokens, verifyToken } = verifier()
    const { check, uses } = await setUp(t, { verifyToken })
    await check.check(bearing(TOKEN))
    assert.equal(check.check(bearing(TOKEN)), facts)
    assert.deepEqual([tokens, uses], [[TOKEN], []])
  })

  it('keeps it to its audience, also when it is remembered', async (t) => {
    const { verifyToken } = verifier()
    const parts = await setUp(t, { verifyToken })
    for (const upstream of ['mail', 'files/', 'Files']) {
      assert.equal((await refusal(parts, bearing(TOKEN, upstream))).code, 'identity.wrong_audience')
    }
    await parts.check.check(bearing(TOKEN))
    const fault = await refusal(parts, bearing(TOKEN, 'mail'))
    assert.equal(fault.code, 'identity.wrong_audience')
    assert.match(fault.options.headers?.['WWW-Authenticate'] ?? '', /mcp\/mail".*invalid_token/)
  })

  for (const [what, kind, id] of [
    ['jti', 'token', 'jti-1'],
    ['digest', 'token', 'sha-1'],
    ['subject', 'principal', 'https://i.example|ann'],
  ] as const) {
    it(`forgets it at once when it is revoked by its ${what}, and does not let it in again`, async (t) => {
      const { verifyToken, tokens } = verifier()
      const parts = await setUp(t, { verifyToken })
      await parts.check.check(bearing(TOKEN))
      const now = parts.clock.now()
      await parts.revocations.revoke({ kind, tenant: 'acme', id, from: now, until: now + 60_000, reason: '' })
      assert.equal((await refusal(parts, bearing(TOKEN))).code, 'identity.revoked')
      assert.equal(tokens.length, 2)
    })
  }

  it('never shows a key to an issuer, nor a token to the key store', async (t) => {
    const { verifyToken, tokens } = verifier()
    const { check, issue, asked } = await setUp(t, { verifyToken })
    const { key } = await issue()
    await check.check(bearing(key.reveal()))
    await check.check(bearing(TOKEN))
    assert.deepEqual(tokens, [TOKEN])
    assert.equal(asked.length, 1)
  })

  it('answers a mistake of our own as such, and lets nobody in', async (t) => {
    const verifyToken = async () => Promise.reject(new TypeError('a bug'))
    const fault = await refusal(await setUp(t, { verifyToken }), bearing(TOKEN))
    assert.equal(fault.code, 'internal')
  })
})

describe('identity.authenticate with a certificate', () => {
  const certificate: PeerCertificate = {
    ...{ thumbprint: 'T', subject: 'CN=a', uris: [], dnsNames: ['a.example'], authority: 'A' },
    expiresAt: 1_800_000_100_000,
  }
  const rules = [{ name: { dns: 'a.example' }, tenant: 'acme', roles: ['reader'] }]
  const verifyCertificate = certificateVerifier(rules)
  const on = (headers: RequestHead['headers'] = {}, one = certificate): Exchange & Routed => ({
    ...exchange(headers),
    peer: { address: '127.0.0.1', encrypted: true, certificate: one },
  })

  it('knows whose it is, and the second time without asking', async (t) => {
    const asked: string[] = []
    const { check } = await setUp(t, {
      verifyCertificate: (one) => {
        asked.push(one.thumbprint)
        return verifyCertificate(one)
      },
    })
    const first = check.check(on())
    assert.ok(!(first instanceof Promise))
    assert.equal(first.principal.id, 'certificate:dns:a.example')
    assert.equal(check.check(on()), first)
    assert.deepEqual(asked, ['T'])
  })

  it('refuses it when it has ended, though its connection is open', async (t) => {
    const parts = await setUp(t, { verifyCertificate })
    await parts.check.check(on())
    parts.clock.advance(100_000)
    await parts.revocations.refresh()
    assert.equal((await refusal(parts, on())).code, 'identity.missing')
  })

  it('takes a credential in the header instead, and does not fall back', async (t) => {
    const parts = await setUp(t, { verifyCertificate })
    const { key, record } = await parts.issue()
    const { principal } = await parts.check.check(on({ authorization: `Bearer ${key.reveal()}` }))
    assert.equal(principal.id, `key:${record.id}`)
    assert.equal((await refusal(parts, on({ authorization: 'Bearer wrong' }))).code, 'identity.malformed')
    assert.equal((await refusal(parts, on({ authorization: '' }))).code, 'identity.missing')
  })

  it('knows nobody by a certificate where they are nobody', async (t) => {
    assert.equal((await refusal(await setUp(t), on())).code, 'identity.missing')
  })

  it('cannot be called by a credential that is spelled like its memory', async (t) => {
    const parts = await setUp(t, { verifyCertificate })
    await parts.check.check(on())
    assert.equal((await refusal(parts, bearing('certificate T'))).code, 'identity.malformed')
  })

  for (const [kind, id] of [
    ['token', 'T'],
    ['principal', 'certificate:dns:a.example'],
  ] as const) {
    it(`forgets it at once when it is revoked as ${kind}, and does not let it in again`, async (t) => {
      const parts = await setUp(t, { verifyCertificate })
      await parts.check.check(on())
      const now = parts.clock.now()
      await parts.revocations.revoke({ kind, tenant: 'acme', id, from: now, until: now + 60_000, reason: '' })
      assert.equal((await refusal(parts, on())).code, 'identity.revoked')
      const other = { ...certificate, thumbprint: 'U' }
      if (kind === 'token') await parts.check.check(on({}, other))
      else assert.equal((await refusal(parts, on({}, other))).code, 'identity.revoked')
    })
  }
})

describe('identity.authenticate with a token that its issuer explains', () => {
  const credential = { kind: 'opaque', id: 'sha-1', digest: 'sha-1' } as const
  const facts: Authenticated = { principal: { id: 'https://i.example|ann', tenant: 'acme', roles: [], credential } }

  it('believes the answer for no longer than was said', async (t) => {
    const tokens: string[] = []
    const verifyToken = async (token: string): Promise<Verified> => {
      tokens.push(token)
      return { facts, rememberSeconds: 3, expiresAt: 1_800_000_004_000 }
    }
    const parts = await setUp(t, { verifyToken })
    for (const [ms, asked] of [
      [0, 1],
      [2_999, 1],
      [1, 2],
      [999, 2],
      [1, 3],
    ] as const) {
      parts.clock.advance(ms)
      await parts.check.check(bearing('opaque'))
      assert.equal(tokens.length, asked, `${ms}`)
    }
  })

  it('forgets it at once when it is revoked by its digest', async (t) => {
    const parts = await setUp(t, { verifyToken: async () => ({ facts }) })
    await parts.check.check(bearing('opaque'))
    const now = parts.clock.now()
    const news = { kind: 'token', tenant: 'acme', id: 'sha-1', from: now, until: now + 60_000, reason: '' } as const
    await parts.revocations.revoke(news)
    assert.equal((await refusal(parts, bearing('opaque'))).code, 'identity.revoked')
  })

  it('has its proof checked with each request, also when it is remembered', async (t) => {
    const proofs: unknown[] = []
    const verifyProof = async (one: { readonly token: string; readonly jkt: string }) => {
      proofs.push([one.token, one.jkt])
      if (proofs.length > 2) throw new Fault('identity.invalid_proof')
      return undefined
    }
    const verifyToken = async (): Promise<Verified> => ({ facts, binding: { jkt: 'K' } })
    const requireSender = senderGuard({ verifyProof, mustBeBound: () => false })
    const parts = await setUp(t, { verifyToken, requireSender })
    const proven = () => exchange({ authorization: 'DPoP opaque', dpop: 'p' })
    for (let time = 0; time < 2; time++) assert.equal(await parts.check.check(proven()), facts)
    assert.equal((await refusal(parts, proven())).code, 'identity.invalid_proof')
    assert.deepEqual(
      proofs,
      Array.from({ length: 3 }, () => ['opaque', 'K']),
    )
    assert.equal((await refusal(parts, bearing('opaque'))).code, 'identity.invalid_token')
  })
})
