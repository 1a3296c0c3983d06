/** CO-2: our own certificate comes with its OCSP response, and a revocation list that cannot be used stops the start. */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { createPkiWorld, keyPem, makeCrl, makeOcsp, type Pair, pemOf, type World } from '../fixtures/pki-world.ts'

let world: World

before(async () => {
  world = await createPkiWorld()
})
after(() => world.close())

/** The stapled response and whether the client was content. */
function shake(origin: string, ca: string): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let staple: Buffer | undefined
    const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1', ca, requestOCSP: true })
    socket.on('OCSPResponse', (response: Buffer | null) => (staple = response ?? undefined))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.destroy()
      resolve(staple)
    })
  })
}

test('the answer of the responder is sent with the certificate, unless that is turned off', async (t) => {
  const holder: { leaf?: Pair } = {}
  const ocsp = world.tell('/own', () => makeOcsp({ about: holder.leaf as Pair, issuer: world.intermediate }))
  const leaf = (holder.leaf = await world.issue({ ocsp, mustStaple: true }))
  const certificate = { file: join(world.folder, 'own.pem') }
  const key = { file: join(world.folder, 'own.key') }
  writeFileSync(certificate.file, pemOf(leaf, world.intermediate))
  writeFileSync(key.file, await keyPem(leaf), { mode: 0o600 })
  for (const staple of ['auto', 'off']) {
    const tls = { certificate, key, staple, revocationNetworks: ['127.0.0.0/8'] }
    const gateway = await startTestGateway({ upstreams: [], config: { listen: { port: 0, tls } } })
    t.after(() => gateway.close())
    const found = await shake(gateway.origin, pemOf(world.root))
    assert.equal(found !== undefined, staple === 'auto')
  }
})

test('a list of the configuration that is past its date, or none, stops the start and says so', async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const file = join(world.folder, 'configured.crl')
  const url = 'https://upstream.example/mcp'
  const start = () =>
    startTestGateway({ upstreams: [{ name: 'one', url, http: { tls: { ca: world.caFile, crls: [file] } } }] })
  writeFileSync(file, await makeCrl(world.intermediate, { from: -9, to: -3 }))
  await assert.rejects(start(), /configured\.crl is past its date/)
  writeFileSync(file, 'nothing')
  await assert.rejects(start(), /configured\.crl holds no revocation list/)
})
