/** Decides whether an access token is one that we issued, by our own keys: nothing is fetched (RFC 9068 §4). */
import type { JWK, JWTPayload, LocalJWKSet } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { bindingOf, boundBy } from '../binding.ts'
import { readJwt, signedDigest } from '../jwt-parts.ts'
import type { TokenCredential } from '../revocation.ts'
import type { Verified } from '../verified.ts'
import { accountPrincipal, clientFamily, clientPrincipal } from './families.ts'

export interface OwnTokenParts {
  readonly issuer: string
  /** Public keys; asked for each token, because they change while the gateway runs. */
  readonly keys: () => readonly JWK[]
  readonly clock: Clock
  /** Whether somebody who has signed in so, and at this provider, would still be let in. */
  readonly admits: (amr: readonly string[], idp: string | undefined) => boolean
}

/** Both are told by one clock, but a token may be issued by a node whose clock is a little ahead. */
const SKEW_SECONDS = 5

/** Rejects with a Fault of the room `identity`. */
export function ownTokenVerifier(parts: OwnTokenParts): (token: string) => Promise<Verified> {
  const keySet = rememberedKeys(parts.keys)
  return async (token) => {
    const { header } = readJwt(token)
    if (header['alg'] !== 'ES256' || header['typ'] !== 'at+jwt' || header['crit'] !== undefined) throw invalid('header')
    const claims = await verify(token, await keySet(), parts)
    requireSignIn(claims, parts.admits)
    return verifiedToken(token, claims)
  }
}

/** The set imports each key once, so it is made once for each list of keys. */
function rememberedKeys(keys: OwnTokenParts['keys']): () => Promise<LocalJWKSet> {
  let known: readonly JWK[] | undefined
  let set: LocalJWKSet | undefined
  return async () => {
    const { createLocalJWKSet } = await import('jose')
    const current = keys()
    if (set === undefined || current !== known) set = createLocalJWKSet({ keys: [...current] })
    known = current
    return set
  }
}

async function verify(token: string, keySet: LocalJWKSet, { issuer, clock }: OwnTokenParts): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose')
  try {
    const { payload } = await jwtVerify(token, keySet, {
      issuer,
      algorithms: ['ES256'],
      typ: 'at+jwt',
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp', 'iat', 'aud', 'sub', 'jti', 'client_id', 'tenant', 'roles'],
    })
    return payload
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'verification failed'
    const code = reason === 'ERR_JWT_EXPIRED' ? 'identity.expired' : 'identity.invalid_token'
    throw new Fault(code, { reason, issuer }, { cause: error })
  }
}

/** A person has consented to it, so it ends with the way in which the person signed in. All others stem from no sign-in here. */
function requireSignIn({ grant, amr, idp }: JWTPayload, admits: OwnTokenParts['admits']): void {
  if (grant === undefined) return
  const methods = Array.isArray(amr) ? amr.filter(isText) : []
  if (!admits(methods, isText(idp) ? idp : undefined)) throw invalid('this way to sign in is closed')
}

/** We made the claims, but a key that was used for something else must not make a principal. */
function verifiedToken(token: string, claims: JWTPayload): Verified {
  const { sub, jti, aud, exp, iat, client_id: client, tenant, roles, scope, grant, cnf, amr, acr } = claims
  if (!isText(sub) || !isText(jti) || !isText(aud) || !isText(client) || !isText(tenant)) throw invalid('claims')
  if (!Array.isArray(roles) || !roles.every(isText)) throw invalid('roles')
  const binding = bindingOf(cnf)
  const expiresAt = ((exp ?? 0) + SKEW_SECONDS) * 1000
  const credential: TokenCredential = {
    kind: 'jwt',
    id: jti,
    client,
    digest: signedDigest(token),
    expiresAt,
    families: [clientFamily(client), ...(isText(grant) ? [`grant:${grant}`] : [])],
    ...(binding && { bound: boundBy(binding) }),
    ...(Array.isArray(amr) && { amr: amr.filter(isText) }),
    ...(isText(acr) && { acr }),
  }
  const scopes = isText(scope) ? scope.split(' ').filter((one) => one !== '') : []
  // A client that acts in its own name is its own subject (RFC 9068 §5); account ids are never client ids.
  const id = sub === client ? clientPrincipal(client) : accountPrincipal(sub)
  return {
    facts: { principal: { id, tenant, roles, scopes, credential } },
    audiences: [aud],
    expiresAt,
    ...(iat !== undefined && { issuedAt: iat * 1000 }),
    ...(binding && { binding }),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const invalid = (reason: string): Fault => new Fault('identity.invalid_token', { reason })
