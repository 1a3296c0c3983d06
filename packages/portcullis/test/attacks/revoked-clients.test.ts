/** CO-2: a client whose certificate is not to be believed is let in by nothing beside it, and the record says why. */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Extension } from '@peculiar/x509'
import { auditText } from '../fixtures/audit.ts'
import { callTool, type Sending } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  createPkiWorld,
  derOf,
  keyPem,
  makeCrl,
  makeOcsp,
  makePair,
  type Pair,
  pemOf,
  type World,
} from '../fixtures/pki-world.ts'

const URIS = ['spiffe://example.org/agents/a']

let world: World
let gateway: TestGateway
let upstream: CountingUpstream
let constrained: Pair
let revokedIssuer: Pair

before(async () => {
  world = await createPkiWorld()
  upstream = await startCounting()
  constrained = await makeConstrained()
  const holder: { issuer?: Pair } = {}
  const crl = world.tell('/revoked-root.crl', () => makeCrl(world.root, { revoked: [holder.issuer as Pair] }))
  holder.issuer = await makePair({ subject: 'CN=Revoked', issuer: world.root, ca: true, crl })
  revokedIssuer = holder.issuer
  const steps = join(world.folder, 'steps.pem')
  // Listed, because this release of Node keeps to itself what clients send.
  writeFileSync(steps, pemOf(world.intermediate, constrained, revokedIssuer))
  const clientCertificates = { authorities: [world.caFile, steps], revocationNetworks: ['127.0.0.0/8'] }
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: {
      listen: { port: 0, tls: { authority: 'local', clientCertificates } },
      identity: { certificates: [{ uri: 'spiffe://example.org/agents/*', roles: ['admin'] }] },
    },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await world.close()
})

const agent = (wish: Parameters<World['issue']>[0] = {}): Promise<Pair> =>
  world.issue({ names: [], uris: URIS, ...wish })

async function asked(name: string, answer: (leaf: Pair) => Promise<Buffer | 'hang'>): Promise<Pair> {
  const holder: { leaf?: Pair } = {}
  const ocsp = world.tell(`/${name}`, () => answer(holder.leaf as Pair))
  return (holder.leaf = await agent({ ocsp }))
}

async function listed(name: string, list: (leaf: Pair) => Promise<Buffer>): Promise<Pair> {
  const holder: { leaf?: Pair } = {}
  const crl = world.tell(`/${name}`, () => list(holder.leaf as Pair))
  return (holder.leaf = await agent({ crl }))
}

async function call(chain: readonly Pair[], more: Partial<Sending> = {}) {
  const leaf = chain[0] as Pair
  const certificate = { key: await keyPem(leaf), cert: pemOf(...chain), der: derOf(leaf), thumbprint: '' }
  return callTool(gateway, 'echo', {}, { token: null, url: gateway.endpoint('one'), certificate, ...more })
}

/** May vouch for URIs of good.example alone. */
function makeConstrained(): Promise<Pair> {
  const value = Uint8Array.from([0x30, 0x12, 0xa0, 0x10, 0x30, 0x0e, 0x86, 0x0c, ...Buffer.from('good.example')])
  const extensions = [new Extension('2.5.29.30', true, value)]
  return makePair({ subject: 'CN=Constrained', issuer: world.root, ca: true, extensions })
}

type Scene = () => Promise<readonly Pair[]>
const below = async (leaf: Promise<Pair>): Promise<readonly Pair[]> => [await leaf, world.intermediate]

const GOOD: Readonly<Record<string, Scene>> = {
  'that names nobody to ask': () => below(agent()),
  'that is in no list': () => below(listed('clean.crl', () => makeCrl(world.intermediate))),
  'that its responder knows': () => below(asked('known', (about) => makeOcsp({ about, issuer: world.intermediate }))),
}

/** `final` ones refuse a bearer beside them too. */
const BAD: readonly (readonly [name: string, reason: string, final: boolean, Scene])[] = [
  ['expired', 'CERT_HAS_EXPIRED', false, () => below(agent({ from: -48, to: -1 }))],
  ['of itself', 'DEPTH_ZERO_SELF_SIGNED_CERT', false, async () => [await makePair({ uris: URIS })]],
  [
    'of a strange intermediate',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    false,
    async () => {
      const issuer = await makePair({ subject: 'CN=Unlisted', issuer: world.root, ca: true })
      return [await makePair({ issuer, uris: URIS })]
    },
  ],
  ['for servers', 'INVALID_PURPOSE', false, () => below(agent({ usage: ['1.3.6.1.5.5.7.3.1'] }))],
  ['of a weak digest', 'weak_digest', false, () => below(agent({ hash: 'SHA-1' }))],
  [
    'outside of what its authority may name',
    'name_constraints',
    false,
    async () => [await makePair({ issuer: constrained, uris: URIS }), constrained],
  ],
  [
    'revoked by list',
    'revoked',
    true,
    () => below(listed('revoked.crl', (leaf) => makeCrl(world.intermediate, { revoked: [leaf] }))),
  ],
  [
    'revoked by its responder',
    'revoked',
    true,
    () => below(asked('revoked', (about) => makeOcsp({ about, issuer: world.intermediate, status: 'revoked' }))),
  ],
  [
    'of a revoked intermediate',
    'revoked',
    true,
    async () => [await makePair({ issuer: revokedIssuer, uris: URIS }), revokedIssuer],
  ],
  [
    'that demands a staple, which clients cannot send here',
    'staple_missing',
    true,
    () => below(agent({ mustStaple: true })),
  ],
  ['whose responder hangs', 'ocsp_unreachable', true, () => below(asked('hangs', async () => 'hang'))],
  [
    'whose responder replays an old answer',
    'ocsp_stale',
    true,
    () => below(asked('old', (about) => makeOcsp({ about, issuer: world.intermediate, from: -72, to: -48 }))),
  ],
  [
    'whose responder is nobody',
    'ocsp_signer',
    true,
    () =>
      below(asked('signer', async (about) => makeOcsp({ about, issuer: world.intermediate, signer: await agent() }))),
  ],
  [
    'whose list is past its date',
    'crl_stale',
    true,
    () => below(listed('stale.crl', () => makeCrl(world.intermediate, { from: -48, to: -24 }))),
  ],
  [
    'whose list is of another',
    'crl_signature',
    true,
    () =>
      below(listed('other.crl', async () => makeCrl(await makePair({ subject: 'CN=World intermediate', ca: true })))),
  ],
]

describe('a client certificate lets in', () => {
  for (const [name, scene] of Object.entries(GOOD)) {
    it(`one ${name}`, async () => {
      const reply = await call(await scene())
      assert.equal(reply.status, 200, reply.text)
    })
  }
})

describe('a client certificate lets nobody in', () => {
  for (const [name, reason, isFinal, scene] of BAD) {
    it(`${name} (${reason})`, async () => {
      const chain = await scene()
      const earlier = upstream.seen.length
      const reply = await call(chain)
      assert.deepEqual([reply.status, reply.json.error.message], [401, 'Authentication is required.'])
      assert.ok(!reply.text.includes(reason), 'the reason stays inside')
      const record = auditText(gateway)
        .split('\n')
        .find((line) => line.includes(reply.json.error.data.incident))
      assert.ok(record?.includes(`"${reason}"`), record)
      assert.ok(
        gateway.logged.some((line) => line.includes(`"${reason}"`)),
        'the log says why',
      )
      const bearer = await call(chain, { token: gateway.token })
      assert.equal(bearer.status, isFinal ? 401 : 200, 'a bearer beside it')
      if (isFinal) assert.equal(upstream.seen.length, earlier)
    })
  }

  it('of a revoked intermediate that nobody listed, whether or not this release of Node shows it', async () => {
    const holder: { issuer?: Pair } = {}
    const crl = world.tell('/unlisted.crl', () => makeCrl(world.root, { revoked: [holder.issuer as Pair] }))
    holder.issuer = await makePair({ subject: 'CN=Unlisted', issuer: world.root, ca: true, crl })
    const reply = await call([await makePair({ issuer: holder.issuer, uris: URIS }), holder.issuer])
    assert.equal(reply.status, 401)
    const record = auditText(gateway)
      .split('\n')
      .find((line) => line.includes(reply.json.error.data.incident))
    assert.match(record ?? '', /"(?:untrusted|revoked)"/)
  })
})
