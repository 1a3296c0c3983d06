/** CO-2: whoever the gateway asks for itself is refused with a revoked certificate, and hears no byte of a request; a good one is heard. */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type Server } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { parseConfig } from '../../src/config/load.ts'
import { weaknesses } from '../../src/config/weaknesses.ts'
import { guardedFetch } from '../../src/core/guarded-fetch.ts'
import { asker } from '../../src/data-protection/kms/ask.ts'
import { outboundProver } from '../../src/gateway/build-validation.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { createPkiWorld, keyPem, makeCrl, makeOcsp, type Pair, pemOf, type World } from '../fixtures/pki-world.ts'

const ABOUT = {
  issuer: 'https://127.0.0.1',
  webhook: 'exporters.hook',
  syslog: 'exporters.siem',
  telemetry: 'telemetry',
  witness: 'audit.witness.far',
  classifier: 'inspection.results.classifier',
  redis: 'traffic.redis',
} as const
type Name = keyof typeof ABOUT
const NAMES = Object.keys(ABOUT) as Name[]

interface Place {
  readonly port: number
  bytes: number
  close(): void
}

/** Takes connections, counts what it is told, and answers nothing. */
async function listen(leaf: Pair, world: World, staple?: Buffer): Promise<Place> {
  const server: Server = createServer({ key: await keyPem(leaf), cert: pemOf(leaf, world.intermediate) }, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      place.bytes += data.length
      socket.destroy()
    })
  })
  if (staple !== undefined)
    server.on('OCSPRequest', (_leaf, _issuer, answer: (error: null, response: Buffer) => void) => answer(null, staple))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const place: Place = { port: (server.address() as AddressInfo).port, bytes: 0, close: () => server.close() }
  return place
}

let world: World
let upstream: CountingUpstream
before(async () => {
  world = await createPkiWorld()
  upstream = await startCounting()
})
after(async () => {
  await upstream.close()
  await world.close()
})

async function leafOf(name: string, isRevoked: boolean): Promise<Pair> {
  const holder: { leaf?: Pair } = {}
  const crl = world.tell(`/${name}.crl`, () =>
    makeCrl(world.intermediate, { revoked: isRevoked ? [holder.leaf as Pair] : [] }),
  )
  holder.leaf = await world.issue({ crl })
  return holder.leaf
}

async function scene(leaf: Pair, outbound: object): Promise<{ gateway: TestGateway; places: Record<Name, Place> }> {
  const entries = await Promise.all(NAMES.map(async (name) => [name, await listen(leaf, world)] as const))
  const places = Object.fromEntries(entries) as Record<Name, Place>
  const url = (name: Name, path = '') => `https://127.0.0.1:${places[name].port}${path}`
  const ca = world.caFile
  const own = { ca, privateNetworks: ['127.0.0.0/8'] }
  const now = { batch: { records: 1, waitMs: 0 } }
  const secret = { env: 'OUTBOUND_SECRET' }
  const gateway = await startTestGateway({
    environment: { OUTBOUND_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}` },
    upstreams: [{ name: 'open', url: upstream.url }],
    config: {
      outbound: { revocationNetworks: ['127.0.0.0/8'], ...outbound },
      identity: {
        issuers: [{ issuer: url('issuer'), ca, algorithms: ['ES256'], tenant: 'default' }],
      },
      exporters: {
        hook: { webhook: { url: url('webhook', '/x'), ca, secrets: [secret] }, ...now },
        siem: { syslog: { host: '127.0.0.1', port: places.syslog.port, ca }, ...now },
      },
      telemetry: { endpoint: url('telemetry'), ca, traces: {} },
      audit: { checkpointEverySeconds: 1, witness: { far: { https: { url: url('witness', '/x'), ...own } } } },
      inspection: { results: { classifier: { url: url('classifier', '/x'), ca, timeoutMs: 2_000 } } },
      traffic: { redis: { url: `rediss://127.0.0.1:${places.redis.port}`, ca, onLoss: 'local' } },
    },
  })
  return { gateway, places }
}

const close = async ({ gateway, places }: Awaited<ReturnType<typeof scene>>) => {
  await gateway.close()
  for (const place of Object.values(places)) place.close()
}

/** Calls that make the gateway ask all of them. */
async function useAll(gateway: TestGateway, issuer: string): Promise<void> {
  const words = [
    { alg: 'ES256', kid: 'k', typ: 'at+jwt' },
    { iss: issuer, sub: 'a', aud: gateway.endpoint('open'), exp: Math.floor(Date.now() / 1_000) + 60 },
  ]
  const token = [...words.map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')), 'AAAA'].join('.')
  await Promise.all([
    callTool(gateway, 'echo', { text: 'some words' }, { url: gateway.endpoint('open') }),
    callTool(gateway, 'echo', {}, { url: gateway.endpoint('open'), token }),
  ])
}

async function until(what: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !what(); turn++) await sleep(25)
}

describe('a server with a revoked certificate', () => {
  test('is told nothing, whatever it is asked for, and the log says why', async (t) => {
    const all = await scene(await leafOf('revoked', true), {})
    t.after(() => close(all))
    const { gateway, places } = all
    await useAll(gateway, `https://127.0.0.1:${places.issuer.port}`)
    const refused = (name: Name) =>
      gateway.logged.some((line) => line.includes(`"${ABOUT[name]}`) && line.includes('"reason":"revoked"'))
    await until(() => NAMES.every(refused))
    assert.deepEqual(
      NAMES.filter((name) => !refused(name)),
      [],
    )
    assert.deepEqual(
      NAMES.map((name) => [name, places[name].bytes]),
      NAMES.map((name) => [name, 0]),
    )
  })

  test('is heard with the word that asks nobody, which counts as a weakness', async (t) => {
    const all = await scene(await leafOf('off', true), { revocation: 'off' })
    t.after(() => close(all))
    const { gateway, places } = all
    await useAll(gateway, `https://127.0.0.1:${places.issuer.port}`)
    await until(() => NAMES.every((name) => places[name].bytes > 0))
    assert.deepEqual(
      NAMES.filter((name) => places[name].bytes === 0),
      [],
    )
  })
})

describe('a key service', () => {
  const configOf = (outbound: object) =>
    parseConfig(
      JSON.stringify({ version: 1, state: 'state', policy: { files: [] }, outbound }),
      join(world.folder, 'p.yaml'),
      {},
    )

  async function ask(leaf: Pair, outbound: object, staple?: Buffer): Promise<number> {
    const place = await listen(leaf, world, staple)
    const prover = await outboundProver(configOf(outbound), systemClock, { warn: () => undefined })
    const ca = pemOf(world.root)
    const keys = asker({ ca, prove: prover('keys', [ca]), timeoutMs: 5_000, attempts: 1 })
    const url = `https://127.0.0.1:${place.port}/`
    await assert.rejects(keys(() => ({ url, method: 'POST', headers: {}, body: 'a secret' })))
    place.close()
    return place.bytes
  }

  const NETWORKS = { revocationNetworks: ['127.0.0.0/8'] }
  const cases: readonly (readonly [what: string, isHeard: boolean, () => Promise<number>])[] = [
    ['with a good certificate', true, async () => ask(await leafOf('keys-good', false), NETWORKS)],
    ['with a revoked one', false, async () => ask(await leafOf('keys-bad', true), NETWORKS)],
    ['of which nobody can say', false, async () => ask(await leafOf('keys-inside', false), {})],
    [
      'of which nobody can say, where that is allowed',
      true,
      async () => ask(await leafOf('keys-soft', false), { revocation: 'soft-fail' }),
    ],
    [
      'that names nobody, strictly',
      false,
      async () => ask(await world.issue({}), { ...NETWORKS, revocation: 'strict' }),
    ],
    [
      'that a list in a file has',
      false,
      async () => {
        const leaf = await world.issue({})
        const file = join(world.folder, 'outbound.crl')
        writeFileSync(file, await makeCrl(world.intermediate, { revoked: [leaf] }))
        return ask(leaf, { ...NETWORKS, crls: [file] })
      },
    ],
    [
      'with the staple that its certificate demands',
      true,
      async () => {
        const leaf = await world.issue({ mustStaple: true })
        return ask(leaf, NETWORKS, await makeOcsp({ about: leaf, issuer: world.intermediate }))
      },
    ],
    ['without it', false, async () => ask(await world.issue({ mustStaple: true }), NETWORKS)],
  ]
  for (const [what, isHeard, work] of cases) {
    test(`${what} is ${isHeard ? 'asked' : 'told nothing'}`, async () => {
      assert.equal((await work()) > 0, isHeard)
    })
  }

  test('and so is whatever strangers, upstreams and sign-in can make us fetch', async (t) => {
    const prover = await outboundProver(configOf(NETWORKS), systemClock, { warn: () => undefined })
    const ca = pemOf(world.root)
    const fetch = guardedFetch({
      ...{ privateNetworks: ['127.0.0.0/8'], ca, prove: prover('fetch', [ca]) },
      ...{ timeoutMs: 5_000, maxBytes: 100 },
    })
    const heard = async (leaf: Pair): Promise<boolean> => {
      const place = await listen(leaf, world)
      t.after(() => place.close())
      await assert.rejects(fetch(`https://127.0.0.1:${place.port}/`, { method: 'GET', headers: {} }))
      return place.bytes > 0
    }
    assert.deepEqual(
      [await heard(await leafOf('fetch-good', false)), await heard(await leafOf('fetch-bad', true))],
      [true, false],
    )
  })

  test('every word that asks less is a weakness', () => {
    const paths = (outbound: object) => weaknesses(configOf(outbound)).map(({ path }) => path)
    assert.ok(paths({ revocation: 'off' }).includes('outbound.revocation'))
    assert.ok(paths({ revocation: 'soft-fail' }).includes('outbound.revocation'))
    assert.ok(!paths({}).includes('outbound.revocation'))
  })
})
