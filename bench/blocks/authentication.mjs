/**
 * What one call costs to authenticate, for each way to do so, with the decision of the policy behind it: CPU of the whole
 * process (thread pool included), the median of some rounds.
 *
 *     node bench/blocks/authentication.mjs [rounds]
 *
 * Nothing here goes over a wire: keys of issuers and their answers are at hand, so that the figures are ours. `known` is a
 * credential that was proved before, `fresh` one that has to be proved. The caller's own work (signing a proof) is done
 * before the clock starts.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Secret } from '../../packages/portcullis/src/core/secret.ts'
import { ApiKeyLifecycle } from '../../packages/portcullis/src/identity/api-key-lifecycle.ts'
import { authenticate } from '../../packages/portcullis/src/identity/authenticate.ts'
import { certificateVerifier } from '../../packages/portcullis/src/identity/certificates.ts'
import { createChallenges } from '../../packages/portcullis/src/identity/challenge.ts'
import { Nonces } from '../../packages/portcullis/src/identity/dpop/nonces.ts'
import { proofVerifier } from '../../packages/portcullis/src/identity/dpop/verify-proof.ts'
import { createIntrospector } from '../../packages/portcullis/src/identity/introspection.ts'
import { createTokenVerifier } from '../../packages/portcullis/src/identity/jwt.ts'
import { looksLikeJwt } from '../../packages/portcullis/src/identity/jwt-parts.ts'
import { refuseTogether } from '../../packages/portcullis/src/identity/refuse-together.ts'
import { onceOnly } from '../../packages/portcullis/src/identity/replays.ts'
import { senderGuard } from '../../packages/portcullis/src/identity/require-sender.ts'
import { RevocationList } from '../../packages/portcullis/src/identity/revocation.ts'
import { loadPolicies } from '../../packages/portcullis/src/policy/load.ts'
import { openMemoryStores } from '../../packages/portcullis/src/stores/memory/open.ts'
import { openSqliteStores } from '../../packages/portcullis/src/stores/sqlite/open.ts'

const rounds = Number(process.argv[2] ?? 5)
const clock = { now: Date.now }
const ISSUER = 'https://issuer.example'
const RESOURCE = 'https://gate.example/mcp/files'
const claims = { tenant: { fixed: 'acme' }, everyone: ['user'] }
const seconds = () => Math.floor(Date.now() / 1000)
const noFetch = async () => undefined

const certificate = {
  thumbprint: createHash('sha256').update('certificate').digest('base64url'),
  subject: 'CN=agent',
  uris: ['spiffe://example.org/agents/a'],
  dnsNames: [],
  authority: 'x',
  expiresAt: Date.now() + 3_600_000,
}

async function issuerKeys(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' } }
}

const keys = { ES256: await issuerKeys('ES256'), RS256: await issuerKeys('RS256'), EdDSA: await issuerKeys('EdDSA') }

const token = (alg, more = {}) =>
  new SignJWT({ iss: ISSUER, sub: 'ann', aud: RESOURCE, scope: 'files:read', jti: randomUUID(), ...more })
    .setProtectedHeader({ alg, kid: alg, typ: 'at+jwt' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(keys[alg].privateKey)

/** A gateway's door, with what it needs at hand. */
async function door(stores) {
  const revocations = new RevocationList({
    store: stores.revocations,
    clock,
    pollMs: 500,
    staleAfterMs: 60_000,
    onProblem() {},
  })
  await revocations.start()
  const ages = { jwksMaxAgeSeconds: 600, jwksStaleSeconds: 600, jwksCooldownSeconds: 30 }
  const verifyJwt = createTokenVerifier({
    issuers: [
      { issuer: ISSUER, jwksUri: `${ISSUER}/jwks`, algorithms: Object.keys(keys), clockSkewSeconds: 30, claims },
    ],
    ...{ clock, plainHttp: 'refused', ...ages },
    fetchJson: async () => ({ keys: Object.values(keys).map(({ jwk }) => jwk) }),
  })
  const introspect = createIntrospector({
    settings: {
      ...{ issuer: ISSUER, url: `${ISSUER}/introspect`, clientId: 'a', secret: new Secret('b'), claims },
      ...{ clockSkewSeconds: 30, rememberSeconds: 10 },
    },
    ...{ clock, fetchJson: noFetch, plainHttp: 'refused' },
    postForm: async () => ({ active: true, sub: 'ann', aud: RESOURCE, exp: seconds() + 300, scope: 'files:read' }),
  })
  const nonces = new Nonces({ key: new Secret(randomBytes(32)), clock, rotateSeconds: 300 })
  const verifyProof = proofVerifier({
    ...{ algorithms: ['ES256', 'EdDSA'], clock, maxAgeSeconds: 300, skewSeconds: 5, nonces },
    useOnce: onceOnly(stores.replays, clock),
  })
  const check = authenticate({
    ...{ apiKeys: stores.apiKeys, revocations, clock },
    verifyToken: (text) => (looksLikeJwt(text) ? verifyJwt(text) : introspect(text)),
    verifyCertificate: certificateVerifier([
      { name: { uri: 'spiffe://example.org/agents/*' }, tenant: 'acme', roles: ['user'] },
    ]),
    requireSender: senderGuard({ verifyProof, nonces, mustBeBound: () => false }),
    refuseTogether: refuseTogether(0, clock),
    tenantHas: () => true,
    lastUse: { note() {} },
    challenges: createChallenges({
      discovery: 'published',
      scopesOf: () => [],
      proofAlgorithms: [],
      boundOnly: () => false,
    }),
    ...{ maxRemembered: 50_000, rememberSeconds: 60, refusalSeconds: 5, maxPending: 10_000 },
  })
  const lifecycle = new ApiKeyLifecycle({ store: stores.apiKeys, revocations, clock, random: randomBytes })
  return { check, revocations, nonces, lifecycle }
}

const readFile = {
  ...{ upstream: 'files', name: 'read_file', raw: {}, digest: 'read' },
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
}
const engine = await loadPolicies(
  [
    {
      file: 'bench.cedar',
      text: '@id("users") permit(principal in Role::"user", action == Action::"tools/call", resource) when { context.args has path };',
    },
  ],
  { roles: ['user'], upstreams: ['files'], tools: new Map([['files', [readFile]]]) },
)
const decide = (principal) =>
  engine.decide({
    principal,
    aim: { action: 'tools/call', type: 'Tool', upstream: 'files', name: 'read_file' },
    circumstances: { at: Date.now(), address: '192.0.2.7', encrypted: true, era: 'modern', method: 'tools/call' },
    args: { path: '/demo/a' },
  })

const exchange = (headers, more = {}) => ({
  ...{ incident: 'i', receivedAt: Date.now(), peer: { address: '192.0.2.7', encrypted: true, ...more } },
  head: { method: 'POST', path: '/mcp/files', query: '', headers },
  ...{ route: { kind: 'upstream', upstream: 'files' }, resource: RESOURCE },
})
const bearer = (credential) => exchange({ authorization: `Bearer ${credential}` })

async function round({ check }, requests) {
  const cpu = process.cpuUsage()
  for (const request of requests) {
    const found = check.check(request)
    const { effect } = decide((found instanceof Promise ? await found : found).principal)
    if (effect !== 'allow') throw new Error('not allowed')
  }
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / requests.length
}

const proofKeys = { ES256: await issuerKeys('ES256'), EdDSA: await issuerKeys('EdDSA') }

/** Each with its own proof, as a caller would send them. */
async function proven({ nonces }, count, alg) {
  const {
    privateKey,
    jwk: { kid: _, alg: __, use: ___, ...jwk },
  } = proofKeys[alg]
  const text = await token('ES256', { cnf: { jkt: await calculateJwkThumbprint(jwk) } })
  const ath = createHash('sha256').update(text).digest('base64url')
  const sign = () =>
    new SignJWT({ jti: randomUUID(), htm: 'POST', htu: RESOURCE, ath, nonce: nonces.current })
      .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey)
  const proofs = await Promise.all(Array.from({ length: count }, sign))
  return proofs.map((dpop) => exchange({ authorization: `DPoP ${text}`, dpop }))
}

const repeat = (count, request) => Array.from({ length: count }, () => request)
const many = async (count, make) => Promise.all(Array.from({ length: count }, make))
const issued = async ({ lifecycle }) =>
  (await lifecycle.issue({ tenant: 'acme', name: 'bench', roles: ['user'] })).key.reveal()

const WAYS = [
  ['API key, known', async (one) => repeat(200_000, bearer(await issued(one)))],
  ['API key, fresh', async (one) => many(1_000, async () => bearer(await issued(one)))],
  ['JWT ES256, known', async () => repeat(200_000, bearer(await token('ES256')))],
  ...Object.keys(keys).map((alg) => [`JWT ${alg}, fresh`, () => many(1_000, async () => bearer(await token(alg)))]),
  ['opaque token, known', () => repeat(200_000, bearer('opaque'))],
  ['opaque token, fresh (without the wire)', () => many(1_000, () => bearer(randomUUID()))],
  ['certificate, known', () => repeat(200_000, exchange({}, { certificate }))],
  [
    'certificate, fresh',
    () => many(10_000, () => exchange({}, { certificate: { ...certificate, thumbprint: randomUUID() } })),
  ],
  [
    'JWT bound to a certificate, known',
    async () => {
      const text = await token('ES256', { cnf: { 'x5t#S256': certificate.thumbprint } })
      return repeat(200_000, exchange({ authorization: `Bearer ${text}` }, { certificate }))
    },
  ],
  ['JWT bound to a key, known, proof ES256', (one) => proven(one, 1_000, 'ES256')],
  ['JWT bound to a key, known, proof EdDSA', (one) => proven(one, 1_000, 'EdDSA')],
]

const median = (figures) => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const drivers = {
  memory: openMemoryStores(),
  sqlite: await openSqliteStores({ path: join(folder, 'store.sqlite') }),
}
console.log(
  ['CPU µs per call, decision included'.padEnd(44), ...Object.keys(drivers).map((name) => name.padStart(10))].join(''),
)
const doors = Object.fromEntries(
  await Promise.all(Object.entries(drivers).map(async ([name, stores]) => [name, await door(stores)])),
)
for (const [name, requestsOf] of WAYS) {
  const cells = []
  for (const one of Object.values(doors)) {
    const figures = []
    for (let at = 0; at <= rounds; at++) {
      const requests = await requestsOf(one)
      if (name.includes('known')) await round(one, requests.splice(0, 1))
      const figure = await round(one, requests)
      // The first round compiles.
      if (at > 0) figures.push(figure)
    }
    cells.push(median(figures).toFixed(1).padStart(10))
  }
  console.log(name.padEnd(44) + cells.join(''))
}
for (const { revocations } of Object.values(doors)) revocations.close()
for (const stores of Object.values(drivers)) await stores.close()
rmSync(folder, { recursive: true })
