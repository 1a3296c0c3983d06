// Each way to prove who calls, as requests: `known` credentials were proved before, `new` ones have to be proved.
import { randomUUID } from 'node:crypto'
import { ALGORITHMS, certificate, ownTokens, prover } from './credentials.mjs'
import { ARGUMENTS, tools } from './policies.mjs'
import { bearer, callOf } from './requests.mjs'

const KNOWN = 20_000
const NEW = 400
const NEW_CERTIFICATES = 5_000

/** `{ name, known, requests() }`: the requests of one round, made before the clock starts. */
export async function makeWays({ identity, issuer, scale }) {
  const [knownCount, newCount, certificates] = [KNOWN, NEW, NEW_CERTIFICATES].map((count) => Math.ceil(count * scale))
  const own = await ownTokens(identity)
  const bound = certificate()
  const issue = async () =>
    (await identity.keys.issue({ tenant: 't0', name: 'bench', roles: ['user', 'r0'] })).key.reveal()
  const known = (name, head) => ({ name, known: true, requests: () => repeat(knownCount, head) })
  const fresh = (name, make, count = newCount) => ({ name, known: false, requests: () => many(count, make) })
  const tokens = ALGORITHMS.map((alg) => fresh(`JWT of an outside issuer, ${alg}, new`, () => jwt(issuer, alg)))
  return [
    known('API key, known', bearer(await issue())),
    fresh('API key, new', async () => bearer(await issue())),
    known('JWT of an outside issuer, known', await jwt(issuer, 'ES256')),
    ...tokens,
    known('token of the own server, known', bearer(own.known)),
    fresh('token of the own server, new', async () => bearer(await own.fresh())),
    known('opaque token, known', bearer(randomUUID())),
    fresh('opaque token, new: the issuer is asked', () => bearer(randomUUID())),
    known('client certificate, known', { headers: {}, certificate: certificate() }),
    fresh('client certificate, new', () => ({ headers: {}, certificate: certificate() }), certificates),
    known('JWT bound to a certificate, known', {
      ...(await jwt(issuer, 'ES256', { cnf: { 'x5t#S256': bound.thumbprint } })),
      certificate: bound,
    }),
    ...(await Promise.all(['EdDSA', 'ES256'].map((alg) => proving(alg, { identity, issuer, count: newCount })))),
  ]
}

const jwt = async (issuer, alg, claims) => bearer(await issuer.token(alg, claims))

/** The token is known, its proof is another one for each call; the gateway's nonce is asked for as a client does. */
async function proving(alg, { identity, issuer, count }) {
  const prove = await prover(alg, issuer)
  const nonce = async () => {
    try {
      await identity.check.check(request(await prove()))
    } catch ({ options }) {
      return options.headers['DPoP-Nonce']
    }
    throw new Error('a proof without a nonce was believed')
  }
  const requests = async () => {
    const current = await nonce()
    return many(count, () => prove(current))
  }
  return { name: `JWT bound to a key, known, with a new DPoP proof, ${alg}`, known: false, requests }
}

const request = (head) => callOf(head, tools[0], ARGUMENTS)
const repeat = (count, head) => Array.from({ length: count }, () => request(head))
const many = async (count, make) => Promise.all(Array.from({ length: count }, async () => request(await make())))
