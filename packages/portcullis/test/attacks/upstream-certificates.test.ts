/** CO-2: an upstream with a certificate that is not to be believed is refused for its own reason, and hears no byte of a request. */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Server } from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { Extension } from '@peculiar/x509'
import { auditText } from '../fixtures/audit.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway, type TestUpstream } from '../fixtures/gateway.ts'
import {
  createPkiWorld,
  keyPem,
  makeCrl,
  makeOcsp,
  makePair,
  nonceOf,
  type Pair,
  pemOf,
  type World,
} from '../fixtures/pki-world.ts'

interface Scene {
  /** The leaf first. */
  readonly chain: readonly Pair[]
  readonly staple?: Buffer
  readonly tls?: Readonly<Record<string, unknown>>
  /** Of the URL. */
  readonly host?: string
}

interface Running {
  readonly upstream: CountingUpstream
  bytes: number
}

const NETWORKS = { revocationNetworks: ['127.0.0.0/8'] }

let world: World
let gateway: TestGateway
const running = new Map<string, Running>()

const crlFor = (name: string, wish: () => Promise<Buffer>): string => world.tell(`/${name}.crl`, wish)
const goodList = () => makeCrl(world.intermediate)

/** A leaf whose responder is told by `answer`. */
async function asked(name: string, answer: (leaf: Pair, body: Buffer) => Promise<Buffer | 'hang'>): Promise<Scene> {
  const holder: { leaf?: Pair } = {}
  const ocsp = world.tell(`/${name}`, (body) => answer(holder.leaf as Pair, body))
  holder.leaf = await world.issue({ ocsp })
  return { chain: [holder.leaf, world.intermediate] }
}

async function listed(name: string, list: (leaf: Pair) => Promise<Buffer>, tls = {}): Promise<Scene> {
  const holder: { leaf?: Pair } = {}
  const crl = crlFor(name, () => list(holder.leaf as Pair))
  holder.leaf = await world.issue({ crl })
  return { chain: [holder.leaf, world.intermediate], tls }
}

const GOOD: Readonly<Record<string, () => Promise<Scene>>> = {
  'by-list': () => listed('by-list', goodList),
  'by-responder': () =>
    asked('by-responder', (about, body) => {
      const nonce = nonceOf(body)
      return makeOcsp({ about, issuer: world.intermediate, ...(nonce && { nonce }) })
    }),
  'by-delegate': () =>
    asked('by-delegate', async (about) => {
      const noCheck = new Extension('1.3.6.1.5.5.7.48.1.5', false, Uint8Array.of(5, 0))
      const signer = await makePair({ issuer: world.intermediate, usage: ['1.3.6.1.5.5.7.3.9'], extensions: [noCheck] })
      return makeOcsp({ about, issuer: world.intermediate, signer, include: [signer] })
    }),
  'by-staple': async () => {
    const leaf = await world.issue({ mustStaple: true })
    return { chain: [leaf, world.intermediate], staple: await makeOcsp({ about: leaf, issuer: world.intermediate }) }
  },
  'by-file': async () => {
    const leaf = await world.issue({})
    const file = join(world.folder, 'good.crl')
    writeFileSync(file, await goodList())
    return { chain: [leaf, world.intermediate], tls: { crls: [file], revocation: 'strict' } }
  },
  'soft-fail': async () => ({
    ...(await asked('soft-hangs', async () => 'hang')),
    tls: { revocation: 'soft-fail' },
  }),
  off: () => listed('off', (leaf) => makeCrl(world.intermediate, { revoked: [leaf] }), { revocation: 'off' }),
  pinned: async () => {
    const leaf = await world.issue({})
    const key = createHash('sha256').update(Buffer.from(world.intermediate.certificate.publicKey.rawData))
    return { chain: [leaf, world.intermediate], tls: { pins: [`sha256/${key.digest('base64')}`] } }
  },
}

const plain = async (wish: Parameters<World['issue']>[0], more: Partial<Scene> = {}): Promise<Scene> => ({
  chain: [await world.issue(wish), world.intermediate],
  ...more,
})

/** By the reason that stands in log and record. */
const BAD: readonly (readonly [name: string, reason: string, () => Promise<Scene>])[] = [
  ['expired', 'CERT_HAS_EXPIRED', () => plain({ from: -48, to: -1 })],
  ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', async () => ({ chain: [await makePair({ names: ['127.0.0.1'] })] })],
  ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID', () => plain({ names: ['other.example'] })],
  [
    'untrusted',
    'SELF_SIGNED_CERT_IN_CHAIN',
    async () => {
      const root = await makePair({ subject: 'CN=Strange root', ca: true })
      return { chain: [await makePair({ issuer: root, names: ['127.0.0.1'] }), root] }
    },
  ],
  ['no-intermediate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', async () => ({ chain: [await world.issue({})] })],
  ['weak-digest', 'CA signature digest algorithm too weak', () => plain({ hash: 'SHA-1' })],
  [
    'constrained',
    'permitted subtree violation',
    async () => {
      // Only names below good.example.
      const value = Uint8Array.from([0x30, 0x12, 0xa0, 0x10, 0x30, 0x0e, 0x82, 0x0c, ...Buffer.from('good.example')])
      const extensions = [new Extension('2.5.29.30', true, value)]
      const issuer = await makePair({ subject: 'CN=Constrained', issuer: world.root, ca: true, extensions })
      return { chain: [await makePair({ issuer, names: ['localhost'] }), issuer], host: 'localhost' }
    },
  ],
  ['common-name-only', 'no_names', () => plain({ names: [], subject: 'CN=localhost' }, { host: 'localhost' })],
  ['an-authority', 'INVALID_PURPOSE', () => plain({ ca: true })],
  ['pin', 'pin', () => plain({}, { tls: { pins: [`sha256/${Buffer.alloc(32).toString('base64')}`] } })],
  [
    'public-rules',
    'extended_key_usage',
    () => plain({ usage: ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'] }, { tls: { profile: 'webpki' } }),
  ],
  [
    'revoked-by-list',
    'revoked',
    () => listed('revoked-by-list', (leaf) => makeCrl(world.intermediate, { revoked: [leaf] })),
  ],
  [
    'revoked-softly',
    'revoked',
    () =>
      listed('revoked-softly', (leaf) => makeCrl(world.intermediate, { revoked: [leaf] }), { revocation: 'soft-fail' }),
  ],
  [
    'revoked-by-responder',
    'revoked',
    () => asked('revoked-by-responder', (about) => makeOcsp({ about, issuer: world.intermediate, status: 'revoked' })),
  ],
  [
    'revoked-by-staple',
    'revoked',
    async () => {
      const leaf = await world.issue({})
      const staple = await makeOcsp({ about: leaf, issuer: world.intermediate, status: 'revoked' })
      return { chain: [leaf, world.intermediate], staple }
    },
  ],
  [
    'revoked-intermediate',
    'revoked',
    async () => {
      const holder: { issuer?: Pair } = {}
      const crl = world.tell('/root-2.crl', () => makeCrl(world.root, { revoked: [holder.issuer as Pair] }))
      holder.issuer = await makePair({ subject: 'CN=Revoked', issuer: world.root, ca: true, crl })
      return { chain: [await makePair({ issuer: holder.issuer, names: ['127.0.0.1'] }), holder.issuer] }
    },
  ],
  ['no-staple', 'staple_missing', () => plain({ mustStaple: true, crl: crlFor('no-staple', goodList) })],
  [
    'stale-staple',
    'staple_missing',
    async () => {
      const leaf = await world.issue({ mustStaple: true })
      const staple = await makeOcsp({ about: leaf, issuer: world.intermediate, from: -48, to: -24 })
      return { chain: [leaf, world.intermediate], staple }
    },
  ],
  ['hung-responder', 'ocsp_unreachable', () => asked('hung-responder', async () => 'hang')],
  [
    'old-answer',
    'ocsp_stale',
    () => asked('old-answer', (about) => makeOcsp({ about, issuer: world.intermediate, from: -480, to: 48 })),
  ],
  [
    'wrong-signer',
    'ocsp_signer',
    () =>
      asked('wrong-signer', async (about) => {
        const signer = await makePair({ issuer: world.intermediate })
        return makeOcsp({ about, issuer: world.intermediate, signer, include: [signer] })
      }),
  ],
  [
    'wrong-certificate',
    'ocsp_mismatch',
    () =>
      asked('wrong-certificate', async () => makeOcsp({ about: await world.issue({}), issuer: world.intermediate })),
  ],
  [
    'wrong-nonce',
    'ocsp_nonce',
    () => asked('wrong-nonce', (about) => makeOcsp({ about, issuer: world.intermediate, nonce: Buffer.alloc(32) })),
  ],
  [
    'unknown-to-responder',
    'ocsp_unknown',
    () => asked('unknown-to-responder', (about) => makeOcsp({ about, issuer: world.intermediate, status: 'unknown' })),
  ],
  ['no-response', 'ocsp_malformed', () => asked('no-response', async () => Buffer.from('<html>'))],
  ['stale-list', 'crl_stale', () => listed('stale-list', () => makeCrl(world.intermediate, { from: -48, to: -24 }))],
  [
    'list-of-another',
    'crl_signature',
    () =>
      listed('list-of-another', async () => {
        const other = await makePair({ subject: 'CN=World intermediate', issuer: world.root, ca: true })
        return makeCrl(other)
      }),
  ],
  [
    'indirect-list',
    'crl_scope',
    () =>
      listed('indirect-list', () => {
        const scope = new Extension('2.5.29.28', true, Uint8Array.of(0x30, 3, 0x84, 1, 0xff))
        return makeCrl(world.intermediate, { extensions: [scope] })
      }),
  ],
  ['no-list', 'crl_unreachable', () => plain({ crl: 'http://127.0.0.1:1/none.crl' })],
  [
    'list-inside',
    'crl_unreachable',
    () => plain({ crl: crlFor('list-inside', goodList) }, { tls: { revocationNetworks: [] } }),
  ],
  ['nothing-named', 'unnamed', () => plain({}, { tls: { revocation: 'strict' } })],
]

async function startScene(name: string, { chain, staple, tls, host = '127.0.0.1' }: Scene): Promise<TestUpstream> {
  const options: ServerOptions = {
    key: await keyPem(chain[0] as Pair),
    cert: pemOf(...chain),
    ciphers: 'DEFAULT@SECLEVEL=0',
  }
  const count = { bytes: 0 }
  const prepare = (server: Server) => {
    if (staple !== undefined)
      server.on('OCSPRequest', (_leaf, _issuer, answer: (error: null, response: Buffer) => void) =>
        answer(null, staple),
      )
    server.on('secureConnection', (socket: TLSSocket) => socket.on('data', (data) => (entry.bytes += data.length)))
  }
  const upstream = await startCounting(undefined, options, prepare)
  const entry: Running = { upstream, ...count }
  running.set(name, entry)
  const url = upstream.url.replace('127.0.0.1', host)
  return { name, url, http: { tls: { ca: world.caFile, ...NETWORKS, ...tls } } }
}

before(async () => {
  world = await createPkiWorld()
  const scenes = [...Object.entries(GOOD), ...BAD.map(([name, , scene]) => [name, scene] as const)]
  const upstreams: TestUpstream[] = []
  for (const [name, scene] of scenes) upstreams.push(await startScene(name, await scene()))
  gateway = await startTestGateway({ upstreams })
})
after(async () => {
  await gateway.close()
  for (const { upstream } of running.values()) await upstream.close()
  await world.close()
})

const call = (name: string) => callTool(gateway, 'echo', {}, { url: gateway.endpoint(name) })

describe('an upstream is called when its certificate is shown to be good', () => {
  for (const name of Object.keys(GOOD)) {
    it(name, async () => {
      const reply = await call(name)
      assert.equal(reply.status, 200, reply.text + auditText(gateway).split('\n').at(-2))
      assert.equal(running.get(name)?.upstream.count(), 1)
    })
  }
})

describe('an upstream is refused, and no byte of a request is written to it:', () => {
  for (const [name, reason] of BAD) {
    it(`${name} (${reason})`, async () => {
      const reply = await call(name)
      assert.equal(reply.status, 502, reply.text)
      const { message, data } = reply.json.error
      assert.equal(message, 'The upstream could not prove who it is.')
      assert.equal(data.code, 'upstream.certificate_refused')
      assert.ok(!reply.text.includes(reason), 'the reason stays inside')
      const { upstream, bytes } = running.get(name) as Running
      assert.deepEqual([upstream.seen.length, bytes], [0, 0])
      const record = auditText(gateway)
        .split('\n')
        .find((line) => line.includes(data.incident))
      assert.ok(record?.includes(`"${reason}"`), record)
    })
  }
})
