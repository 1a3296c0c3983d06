// What callers present: keys, tokens of the outside issuer and of our own server, proofs, certificates.
import { fork } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose'
import { ClientLifecycle } from '../../packages/portcullis/src/identity/server/client-lifecycle.ts'
import { authorityFile } from '../../packages/portcullis/src/pki/authority.ts'
import { serverCertificate } from '../../packages/portcullis/src/pki/leaf.ts'
import { loadTokenKeys } from '../../packages/portcullis/src/pki/token-keys.ts'
import { clock, PUBLIC_URL, RESOURCE } from './ground.mjs'

export const ALGORITHMS = ['EdDSA', 'ES256', 'RS256']
const YEAR_MS = 31_536_000_000

async function signer(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { alg, privateKey, jwk, published: { ...jwk, kid: alg, alg, use: 'sig' } }
}

/** Starts the outside issuer. `token(alg, claims)` signs a token of its; `stop` ends it. */
export async function startIssuer(folder) {
  const authority = join(folder, 'authority')
  const tls = await serverCertificate(authority, [], { clock: { now: () => Date.now() } })
  const signers = Object.fromEntries(await Promise.all(ALGORITHMS.map(async (alg) => [alg, await signer(alg)])))
  const child = fork(join(import.meta.dirname, 'issuer.mjs'), { stdio: 'inherit', execArgv: [] })
  const jwks = Object.values(signers).map(({ published }) => published)
  child.send({ tls: { key: tls.key, cert: tls.certificate }, jwks, resource: RESOURCE, subject: 'ann' })
  const [port] = await once(child, 'message')
  const issuer = `https://127.0.0.1:${port}`
  return {
    port,
    caFile: authorityFile(authority),
    stop: () => child.disconnect(),
    token(alg, claims = {}) {
      const usual = { iss: issuer, sub: 'ann', aud: RESOURCE, jti: randomUUID(), org: 't0', groups: ['r0'] }
      const signed = new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, kid: alg, typ: 'at+jwt' })
      return signed.setIssuedAt().setExpirationTime('1h').sign(signers[alg].privateKey)
    },
  }
}

/** A client certificate as the listener hands it on. */
export function certificate() {
  return {
    thumbprint: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    subject: 'CN=agent',
    uris: ['spiffe://example.org/agents/a'],
    dnsNames: [],
    authority: 'authority',
    expiresAt: Date.now() + YEAR_MS,
  }
}

/** Callers whose tokens are bound to a key: one token, a new proof for each call. */
export async function prover(alg, issuer) {
  const { privateKey, jwk } = await signer(alg)
  const token = await issuer.token('ES256', { cnf: { jkt: await calculateJwkThumbprint(jwk) } })
  const ath = createHash('sha256').update(token).digest('base64url')
  return async (nonce) => {
    const claims = { jti: randomUUID(), htm: 'POST', htu: RESOURCE, ath, ...(nonce && { nonce }) }
    const proof = new SignJWT(claims).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk }).setIssuedAt()
    return { headers: { authorization: `DPoP ${token}`, dpop: await proof.sign(privateKey) } }
  }
}

/**
 * Tokens of our own authorization server: it issues one for a client, and others differ from that one in their `jti` only,
 * signed with its key, so that a round does not wait for as many sign-ins.
 */
export async function ownTokens({ server, stores, layout }) {
  const text = await issuedBy(server, stores)
  const claims = decodeJwt(text)
  const [key] = loadTokenKeys(layout.tokenKeys, clock.now(), { rotateMs: YEAR_MS }).signing
  const signing = await importJWK(key, 'ES256')
  return {
    known: text,
    fresh: () =>
      new SignJWT({ ...claims, jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })
        .sign(signing),
  }
}

async function issuedBy(server, stores) {
  const lifecycle = new ClientLifecycle({ clients: stores.clients, revocations: {}, clock, accessTokenSeconds: 300 })
  const request = { tenant: 't0', name: 'Bench', redirects: [], roles: ['user', 'r0'], device: false }
  const { client, secret } = await lifecycle.add({ ...request, proof: { kind: 'secret' } })
  const body = Buffer.from(new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE }).toString())
  const basic = Buffer.from(`${client.id}:${secret.reveal()}`).toString('base64')
  const headers = {
    host: new URL(PUBLIC_URL).host,
    authorization: `Basic ${basic}`,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  }
  const answer = await server.serve({
    incident: 'incident',
    receivedAt: Date.now(),
    peer: { address: '192.0.2.7', encrypted: true },
    head: { method: 'POST', path: '/auth/token', query: '', headers },
    body: { read: () => body },
  })
  const told = answer.document ?? JSON.parse(answer.page)
  if (told.access_token === undefined) throw new Error(`the server issued no token: ${JSON.stringify(told)}`)
  return told.access_token
}
