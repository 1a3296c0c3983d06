/** RFC 9449 §11: what somebody does who has a bound token, its proofs, or its key for a moment. Through the gateway. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool, type Reply } from '../fixtures/client.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { athOf, type ProofKey, type ProofOf, proofFor, proofKey } from '../fixtures/proof.ts'

let running: IssuingGateway
let key: ProofKey
let thief: ProofKey
let token: string
let nonce: string
let earlier: number

before(async () => {
  running = await startIssuing()
  key = await proofKey()
  thief = await proofKey()
})
after(() => running.close())

beforeEach(async () => {
  token = await running.token({
    cnf: { jkt: key.jkt },
    jti: `${Math.random()}`,
    aud: [running.gateway.endpoint('one'), running.gateway.endpoint('two')],
  })
  nonce = String((await running.prove(key, token, { nonce: '' })).headers['dpop-nonce'])
  earlier = running.upstream.count()
})

const url = (name = 'one') => running.gateway.endpoint(name)
const proof = (of: Partial<ProofOf> = {}, by = key) =>
  proofFor(by, { url: url(), token, nonce, iat: running.seconds(), ...of })
const present = (dpop: string | readonly string[], more: { url?: string; scheme?: string; token?: string } = {}) =>
  callTool(
    running.gateway,
    'echo',
    {},
    {
      ...{ token: null, url: more.url ?? url() },
      headers: { authorization: `${more.scheme ?? 'DPoP'} ${more.token ?? token}`, dpop: dpop as string },
    },
  )

function refused(reply: Reply, code = 'identity.invalid_token'): void {
  assert.equal(reply.status, 401, reply.text)
  assert.equal(reply.json.error.data.code, code)
  assert.equal(running.upstream.count(), earlier)
}

describe('who holds no more than a bound token', () => {
  it('gets nowhere with a key of their own (§11.9)', async () => refused(await present(await proof({}, thief))))

  it('gets nowhere with their key under the name of the other', async () => {
    refused(await present(await proof({ header: { jwk: key.jwk } }, thief)))
    refused(await present(await proof({ header: { kid: key.jkt } }, thief)))
  })

  it('learns no nonce by it', async () => {
    assert.equal((await present(await proof({ nonce: '' }, thief))).headers['dpop-nonce'], undefined)
  })

  it('gets nowhere without a proof, in either scheme', async () => {
    refused(await present(''))
    refused(await present('', { scheme: 'Bearer' }))
    refused(await running.echo(token))
  })

  it('cannot move the token into the proof (§11.5)', async () => {
    refused(await present(token))
    refused(await present(await proof(), { token: await proof() }))
  })
})

describe('who has seen a proof', () => {
  it('cannot use it again, however it is wrapped (§11.1)', async () => {
    const seen = await proof()
    assert.equal((await present(seen)).status, 200)
    earlier = running.upstream.count()
    refused(await present(seen))
    refused(await present(`${seen}=`))
    refused(await present(` ${seen}`))
  })

  it('cannot use it at another upstream, or by another method', async () => {
    refused(await present(await proof(), { url: url('two') }))
    refused(await present(await proof({ method: 'GET' })))
    const get = await callTool(
      running.gateway,
      'echo',
      {},
      {
        ...{ token: null, url: url(), method: 'GET' },
        headers: { authorization: `DPoP ${token}`, dpop: await proof() },
      },
    )
    refused(get)
  })

  it('cannot use it with another token of the same key (§11.8)', async () => {
    const second = await running.token({ cnf: { jkt: key.jkt }, jti: 'second' })
    refused(await present(await proof(), { token: second }))
    refused(await present(await proof({ claims: { ath: athOf(second) } })))
  })

  it('cannot add a second one', async () => {
    const reply = await present([await proof(), await proof()])
    assert.equal(reply.status, 400, 'two readings of one head')
    assert.equal(running.upstream.count(), earlier)
  })
})

describe('who had the key for a moment (§11.2, §11.4)', () => {
  it('cannot make proofs for later, since those need a nonce of later', async () => {
    const { shift } = running
    const later = await proof({ iat: running.seconds() + 900 })
    refused(await present(later))
    shift(900_000)
    await awake()
    const fresh = await running.token({ cnf: { jkt: key.jkt } })
    const dpop = await proof({ iat: running.seconds(), token: fresh })
    const reply = await present(dpop, { token: fresh })
    refused(reply)
    assert.match(String(reply.headers['www-authenticate']), /use_dpop_nonce/)
  })

  it('cannot guess a nonce, nor leave it out (§11.3)', async () => {
    for (const guess of ['', 'AAAAAAAAAAAAAAAAAAAAAA', nonce.slice(0, -1), `${nonce}A`, nonce.toLowerCase()]) {
      if (guess === nonce) continue
      refused(await present(await proof({ nonce: guess })))
    }
    refused(await present(await proof({ claims: { nonce: undefined } })))
  })
})

describe('who writes proofs by hand', () => {
  const BAD: readonly (readonly [string, Partial<ProofOf>])[] = [
    ['for another host', { url: 'https://evil.example/mcp/one' }],
    ['for no host', { url: '/mcp/one' }],
    ['too old', { claims: { iat: 1 } }],
    ['for the end of time', { claims: { iat: 1e15 } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['without a key', { header: { jwk: undefined } }],
    ['with a key by reference', { header: { jwk: undefined, jku: 'https://evil.example/jwks' } }],
    ['without an id', { claims: { jti: undefined } }],
  ]
  for (const [what, of] of BAD) {
    it(`is refused ${what}`, async () => refused(await present(await proof(of))))
  }

  it('is refused with an algorithm that is not listed (§11.6)', async () => {
    const rsa = await proofKey('RS256')
    const own = await running.token({ cnf: { jkt: rsa.jkt } })
    refused(await present(await proofFor(rsa, { url: url(), token: own, nonce }), { token: own }))
  })
})

/** After a jump of the clock nobody gets in until the revocations have been read again. */
async function awake(): Promise<void> {
  while ((await running.echo(running.gateway.token)).status === 503) await sleep(50)
  earlier = running.upstream.count()
}
