/** ID-2: opaque tokens, about which their issuer is asked (RFC 7662), through the running gateway. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { proofKey } from '../fixtures/proof.ts'
import { signingKey } from '../identity/loopback-issuer.ts'

const SECRET = 'the secret of the gateway'
let running: IssuingGateway
let known: Map<string, Readonly<Record<string, unknown>>>
let serial = 0

before(async () => {
  running = await startIssuing({
    issuer: { introspection: { clientId: 'gateway', secret: { env: 'INTROSPECTION' }, rememberSeconds: 5 } },
    environment: { INTROSPECTION: SECRET },
  })
})
after(() => running.close())
beforeEach(() => {
  known = new Map()
  running.issuer.introspect = (token) => known.get(token) ?? { active: false }
  running.issuer.answers = {}
})

function opaque(change: object = {}): string {
  const token = `opaque-${serial++}`
  known.set(token, { active: true, ...running.claims(change) })
  return token
}

test('a token that its issuer calls good is good, and the issuer is asked once', async () => {
  const { echo, issuer } = running
  const token = opaque()
  const asked = issuer.introspections.length
  for (let time = 0; time < 3; time++) assert.equal((await echo(token)).status, 200)
  assert.equal(issuer.introspections.length, asked + 1)
  assert.equal(
    issuer.introspections.at(-1)?.authorization,
    `Basic ${Buffer.from(`gateway:${SECRET.replaceAll(' ', '+')}`).toString('base64')}`,
  )
})

test('a token that the issuer takes back ends here after the configured time', async () => {
  const { echo, shift, upstream } = running
  const token = opaque()
  assert.equal((await echo(token)).status, 200)
  known.delete(token)
  shift(5_000)
  await awake()
  const earlier = upstream.count()
  assert.equal((await echo(token)).status, 401)
  assert.equal(upstream.count(), earlier)
})

test('it is not remembered beyond its end', async () => {
  const { echo, shift, seconds } = running
  const token = opaque({ exp: seconds() - 28 })
  assert.equal((await echo(token)).status, 200)
  shift(3_000)
  await awake()
  assert.equal((await echo(token)).status, 401)
})

/** What the issuer says of it. */
const BAD: readonly (readonly [string, () => object])[] = [
  ['nothing good', () => ({ active: false })],
  ['that it is for another path', () => ({ aud: running.gateway.endpoint('two') })],
  ['for no path at all', () => ({ aud: undefined })],
  ['that somebody else made it', () => ({ iss: 'https://evil.example' })],
  ['that it has ended', () => ({ exp: running.seconds() - 60 })],
  ['that it has no end', () => ({ exp: undefined })],
  ['that it is bound to a key', () => ({ cnf: { jkt: 'A'.repeat(43) } })],
  ['nobody', () => ({ sub: undefined })],
]
for (const [what, change] of BAD) {
  test(`a token of which the issuer says ${what} is refused`, async () => {
    const earlier = running.upstream.count()
    const reply = await running.echo(opaque(change()))
    assert.deepEqual([reply.status, reply.json.error.data.code], [401, 'identity.invalid_token'])
    assert.equal(running.upstream.count(), earlier)
  })
}

test('a token that the issuer binds to a key needs the proof of it', async () => {
  const key = await proofKey()
  const token = opaque({ cnf: { jkt: key.jkt }, token_type: 'DPoP' })
  assert.equal((await running.prove(await proofKey(), token)).status, 401)
  assert.equal((await running.prove(key, token)).status, 200)
})

test('what looks like a JWT is never shown to the issuer', async () => {
  const { issuer, echo, token } = running
  const asked = issuer.introspections.length
  const foreign = await issuer.token(await signingKey('x'), { ...running.claims(), iss: 'https://evil.example' })
  for (const one of [foreign, 'a.b.c', `${foreign}x`, 'eyJhbGciOiJkaXIifQ..a.b.c']) {
    assert.equal((await echo(one)).status, 401)
  }
  assert.equal((await echo(await token())).status, 200, 'its own is verified here')
  assert.equal(issuer.introspections.length, asked)
})

test('an API key is never shown to the issuer', async () => {
  const asked = running.issuer.introspections.length
  await running.echo(running.gateway.token)
  await running.echo(`${running.gateway.token}x`)
  await running.echo('pcl_x')
  assert.equal(running.issuer.introspections.length, asked)
})

test('nobody new gets in while the issuer cannot be asked, and a failure is not held against a token', async () => {
  const { echo, issuer, upstream } = running
  const token = opaque()
  const earlier = upstream.count()
  for (const answer of [
    (request: { socket: { destroy(): void } }) => request.socket.destroy(),
    (_: unknown, response: { writeHead(status: number): { end(): void } }) => response.writeHead(401).end(),
    (_: unknown, response: { end(text: string): void }) => response.end('{"active":true'),
  ]) {
    issuer.answers = { '/introspect': answer }
    const reply = await echo(token)
    assert.deepEqual([reply.status, reply.json.error.data.code], [503, 'identity.unavailable'])
  }
  assert.equal(upstream.count(), earlier)
  issuer.answers = {}
  assert.equal((await echo(token)).status, 200)
})

test('neither the token nor the secret reaches a log', async () => {
  const token = opaque()
  await running.echo(token)
  for (const line of running.gateway.logged) assert.ok(!line.includes(token) && !line.includes(SECRET))
})

/** After a jump of the clock nobody gets in until the revocations have been read again. */
async function awake(): Promise<void> {
  while ((await running.echo(running.gateway.token)).status === 503) await sleep(50)
}
