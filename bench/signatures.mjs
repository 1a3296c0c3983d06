/**
 * What signatures cost: `npm run bench -- signatures [--calls 2000]`. Signed and unsigned calls of one connection to a whole gateway in
 * this process, in turns, so that both meet the same machine; and beside it what making and checking one signature takes by itself.
 */
import { generateKeyPairSync, createSecretKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { startSigning } from '../packages/portcullis/test/fixtures/signing-gateway.ts'
import { isSignatureOf, SIGNATURE_ALGORITHMS, signBytes } from '../packages/portcullis/src/signatures/algorithms.ts'
import { wanted } from '../examples/signing-client/signatures.mjs'

const args = process.argv.slice(3)
const calls = Number(args[args.indexOf('--calls') + 1] || 2000)
const ROUND = 100
const microseconds = (from) => Number(process.hrtime.bigint() - from) / 1_000
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

const running = await startSigning({ upstream: { signatures: {} } })
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const ca = readFileSync(running.gateway.caFile)

function send({ url, method, body }, headers) {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(body) }
    const outgoing = request(url, { method, agent, ca, servername: 'localhost', headers: { ...headers, ...length } })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      response
        .resume()
        .on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(String(response.statusCode)))))
    })
    outgoing.end(body)
  })
}

const KINDS = {
  unsigned: () => ({ prepared: running.prepare(), signed: false }),
  'signed request': () => ({ prepared: running.prepare(), signed: true }),
  'signed request and answer': () => ({
    prepared: running.prepare({ headers: { 'accept-signature': wanted(randomBytes(18).toString('base64url')) } }),
    signed: true,
  }),
}

/** What the client signs is ready before the clock runs. */
async function round(kind) {
  const ready = Array.from({ length: ROUND }, KINDS[kind])
  const times = []
  for (const { prepared, signed } of ready) {
    const from = process.hrtime.bigint()
    await send(prepared.request, signed ? prepared.signed.headers : prepared.request.headers)
    times.push(microseconds(from))
  }
  return times
}

const found = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]))
for (const kind of Object.keys(KINDS)) await round(kind)
for (let done = 0; done < calls; done += ROUND)
  for (const kind of Object.keys(KINDS)) found[kind].push(...(await round(kind)))
const plain = median(found.unsigned)
console.log(`Calls through the gateway, one after the other, ${calls} of each kind (median):`)
for (const [kind, times] of Object.entries(found)) {
  console.log(
    `  ${kind.padEnd(26)} ${median(times).toFixed(0).padStart(6)} µs  ${(median(times) - plain).toFixed(0).padStart(5)} µs more`,
  )
}

const pairs = {
  ed25519: generateKeyPairSync('ed25519'),
  'ecdsa-p256-sha256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'rsa-pss-sha512': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'hmac-sha256': (({ secret }) => ({ publicKey: secret, privateKey: secret }))({
    secret: createSecretKey(randomBytes(32)),
  }),
}
const bytes = randomBytes(600)
console.log('One signature over 600 bytes by itself (mean):')
for (const algorithm of SIGNATURE_ALGORITHMS) {
  const { publicKey, privateKey } = pairs[algorithm]
  const signature = signBytes({ id: 'k', algorithm, key: privateKey }, bytes)
  const each = (work) => {
    for (let at = 0; at < 200; at++) work()
    const from = process.hrtime.bigint()
    for (let at = 0; at < 1_000; at++) work()
    return (microseconds(from) / 1_000).toFixed(1).padStart(7)
  }
  const making = each(() => signBytes({ id: 'k', algorithm, key: privateKey }, bytes))
  const checking = each(() => isSignatureOf({ id: 'k', algorithm, key: publicKey }, bytes, signature))
  console.log(`  ${algorithm.padEnd(26)} make ${making} µs  check ${checking} µs`)
}
agent.destroy()
await running.close()
