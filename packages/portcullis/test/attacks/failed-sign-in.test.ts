/** Every way to fail at the door looks the same: status, sentence, headers; and the record alone says what it was. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendRaw, type Reply, statusesIn } from '../fixtures/client.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'
import { mintApiKey } from '../../src/identity/api-key.ts'

let running: IssuingGateway

before(async () => {
  running = await startIssuing({
    issuer: { introspection: { clientId: 'gateway', secret: { env: 'INTROSPECTION' } } },
    environment: { INTROSPECTION: 'x' },
    upstreams: { two: { senderConstrained: 'required' } },
  })
})
after(() => running.close())

const outside = ({ status, headers, json }: Reply) => ({
  status,
  challenge: headers['www-authenticate'],
  names: Object.keys(headers).toSorted(),
  error: { ...json.error, data: { ...json.error.data, incident: '' } },
})

const key = await proofKey()
const bound = (change: object = {}) => running.token({ cnf: { jkt: key.jkt }, jti: `${Math.random()}`, ...change })

async function revoked(): Promise<string> {
  const token = await running.gateway.issue(['admin'])
  await running.gateway.revoke(token)
  return token
}

async function ended(): Promise<string> {
  const token = await running.gateway.issue(['admin'], { expiresAt: Date.now() + 200 })
  await sleep(250)
  return token
}

/** What is presented, and as what. */
const FAILURES: readonly (readonly [string, () => Promise<string> | string])[] = [
  ['an unknown key', () => mintApiKey(randomBytes).reveal()],
  ['a revoked key', revoked],
  ['a key that has ended', ended],
  ['a typo in a key', () => `${running.gateway.token.slice(0, -1)}_`],
  ['a truncated key', () => running.gateway.token.slice(0, -4)],
  ['a doubled key', () => `${running.gateway.token}${running.gateway.token}`],
  ['the prefix of a key', () => 'pcl_'],
  ['an unknown opaque token', () => 'opaque'],
  ['an opaque token of odd characters', () => 'op{aque}'],
  ['a token that has ended', () => running.token({ exp: 1 })],
  ['a token for another path', () => running.token({ aud: running.gateway.endpoint('two') })],
  ['a token of another issuer', () => running.token({ iss: 'https://evil.example' })],
  ['a truncated token', async () => (await running.token()).slice(0, -10)],
  ['a doubled token', async () => `${await running.token()}${await running.token()}`],
  ['a bound token as a bearer', () => bound()],
  ['a token of twelve thousand characters', () => 'A'.repeat(12_000)],
  ['a token and a space', async () => `${await running.token()} x`],
]

describe('a failed sign-in', () => {
  for (const [what, credential] of FAILURES) {
    it(`with ${what} looks like any other, the second time too`, async () => {
      const wrong = outside(await running.echo('wrong'))
      const earlier = running.upstream.count()
      const presented = await credential()
      for (let time = 0; time < 2; time++) assert.deepEqual(outside(await running.echo(presented)), wrong)
      assert.equal(running.upstream.count(), earlier)
    })
  }

  it('with a proof looks so too, whatever is wrong with it', async () => {
    const wrong = outside(await running.echo('wrong'))
    const url = running.gateway.endpoint('one')
    const token = await bound()
    const other = await proofKey()
    for (const [authorization, dpop] of [
      [`DPoP ${token}`, 'x'],
      [`DPoP ${token}`, await proofFor(other, { url, token })],
      [`DPoP ${token}`, await proofFor(key, { url: `${url}/x`, token })],
      [`DPoP ${token}`, await proofFor(key, { url, token, claims: { iat: 1 } })],
      [`DPoP ${await running.token()}`, await proofFor(key, { url, token })],
      ['DPoP wrong', await proofFor(key, { url, token })],
      [`DPoP ${running.gateway.token}`, await proofFor(key, { url, token })],
    ] as const) {
      assert.deepEqual(outside(await running.echo(null, { headers: { authorization, dpop } })), wrong)
    }
  })

  it('with a bearer where none will do looks like one with a wrong bearer there', async () => {
    const url = running.gateway.endpoint('two')
    const wrong = outside(await running.echo('wrong', { url }))
    assert.deepEqual(outside(await running.echo(await running.token({ aud: url }), { url })), wrong)
    assert.deepEqual(outside(await running.echo(running.gateway.token, { url })), wrong)
    assert.equal(running.upstream.seen.filter(({ message }) => message?.method === 'tools/call').length, 0)
  })

  it('without a credential says the same sentence, and that one is missing', async () => {
    const wrong = await running.echo('wrong')
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Bearer ' }, { authorization: 'x' }]) {
      const reply = await running.echo(null, { headers })
      assert.deepEqual([reply.status, reply.json.error.message], [wrong.status, wrong.json.error.message])
      assert.equal(reply.json.error.data.code, 'identity.missing')
    }
  })

  it('is never answered before its time, however early it is known', async () => {
    for (const [token, sending] of [
      ['wrong', {}],
      [null, {}],
      [await bound(), {}],
      [null, { headers: { authorization: `DPoP ${await bound()}`, dpop: 'x' } }],
    ] as const) {
      const began = performance.now()
      assert.equal((await running.echo(token, sending)).status, 401)
      assert.ok(performance.now() - began >= 9)
    }
  })

  it('with two headers, or a head beyond measure, is not read at all', async () => {
    const { host } = new URL(running.gateway.origin)
    const line = `Authorization: Bearer ${running.gateway.token}\r\n`
    const head = (more: string) =>
      `POST /mcp/one HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 2\r\n${more}\r\n{}`
    for (const more of [line + line, line + line.toLowerCase(), `Authorization: Bearer ${'A'.repeat(20_000)}\r\n`]) {
      assert.deepEqual(statusesIn(await sendRaw(running.gateway, head(more))), [400])
    }
    assert.equal(running.upstream.count(), 0)
  })
})
