// DP-3: after a restore with --revoke-before no token is believed that was issued before, nor one that does not say when.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { LoopbackIssuer, type SigningKey, signingKey } from '../identity/loopback-issuer.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { verdictsOf } from '../fixtures/audit.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { operator } from '../fixtures/operator.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-distrust-'))
const folder = join(root, 'home')
const run = operator(folder)
let issuer: LoopbackIssuer
const ending: (() => Promise<void>)[] = []
let signing: SigningKey
let upstream: CountingUpstream
let gateway: TestGateway
let port = 0
let start: () => Promise<TestGateway>

before(async () => {
  mkdirSync(folder)
  const identity = await createTestIdentity()
  issuer = await LoopbackIssuer.start({ after: (end) => void ending.push(end as () => Promise<void>) }, identity)
  signing = await signingKey('first')
  issuer.keys = [signing.jwk]
  upstream = await startCounting()
  const issuers = [{ issuer: issuer.issuer, ca: identity.caFile, algorithms: ['ES256'], everyone: ['admin'] }]
  // The same port each time: tokens name the resource by it.
  start = () =>
    startTestGateway({
      folder,
      upstreams: [{ name: 'one', url: upstream.url }],
      config: { listen: { port }, identity: { issuers } },
    })
  gateway = await start()
  port = Number(new URL(gateway.origin).port)
})
after(async () => {
  await gateway.close()
  for (const end of ending) await end()
  await upstream.close()
  rmSync(root, { recursive: true, force: true })
})

const seconds = () => Math.floor(Date.now() / 1000)
const token = (change: object) =>
  issuer.token(signing, { sub: 'alice', aud: gateway.endpoint('one'), exp: seconds() + 300, ...change })
const status = async (bearer: string) =>
  (await callTool(gateway, 'echo', { text: 'x' }, { url: gateway.endpoint('one'), token: bearer })).status

const identity = join(root, 'identity.txt')
let made: Awaited<ReturnType<typeof run>>
let old: string

it('tokens of before are refused, those of after are believed, and the upstream hears of the latter alone', async () => {
  old = await token({ iat: seconds() - 60 })
  const silent = await token({})
  assert.deepEqual([await status(old), await status(silent)], [200, 200])
  // As where a configuration is mounted: what it names are links.
  renameSync(join(folder, 'portcullis.yaml'), join(folder, 'mounted.yaml'))
  symlinkSync('mounted.yaml', join(folder, 'portcullis.yaml'))
  const { out: recipient } = await run('backup', 'identity', '-o', identity)
  made = await run('backup', 'create', '-o', join(root, 'backups'), '-r', recipient, '--with-keys')
  assert.equal(made.status, 0, made.err)
  await gateway.close()
  const restored = await run('backup', 'restore', made.out, '-i', identity, '--replace', '--revoke-before', '30s')
  assert.equal(restored.status, 0, restored.err)
  assert.match(restored.err, /No token that was issued before/)
  gateway = await start()
  const heard = upstream.seen.length
  assert.deepEqual([await status(old), await status(silent)], [401, 401])
  assert.equal(upstream.seen.length, heard)
  assert.equal(await status(await token({ iat: seconds() })), 200)
})

it('a later restore of the same backup forgets neither that, nor which key took the place of the one in it', async () => {
  await gateway.close()
  const rotated = await run('audit', 'rotate-key')
  assert.equal(rotated.status, 0, rotated.err)
  const key = () => readFileSync(join(gateway.stateFolder, 'audit.key'), 'utf8')
  const replaced = key()
  const restored = await run('backup', 'restore', made.out, '-i', identity, '--replace')
  assert.equal(restored.status, 0, restored.err)
  assert.equal(key(), replaced, 'a key that was replaced does not come back')
  gateway = await start()
  assert.equal(await status(old), 401)
  for (const verdict of verdictsOf(gateway).values()) assert.ok(verdict.sound, JSON.stringify(verdict))
})
