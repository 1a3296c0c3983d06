/** Decides whether an opaque token is good, by asking its issuer (RFC 7662). An issuer that does not answer lets nobody in. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { Secret } from '../core/secret.ts'
import { credentialDigest } from './api-key.ts'
import { type FetchJson, type FetchLimits, type JsonObject, type PostForm, requireSafeUrl } from './fetch-json.ts'
import { discoverEndpoint } from './issuer-metadata.ts'
import { looksLikeJwt } from './jwt-parts.ts'
import type { VerifyToken } from './jwt.ts'
import { type ClaimRules, verifiedClaims } from './verified-claims.ts'
import type { Verified } from './verified.ts'

export interface IntrospectionSettings extends ClaimRules {
  /** Where to ask; discovered from the issuer's metadata without it. */
  readonly url?: string
  /** Our own name and secret at the issuer (`client_secret_basic`, RFC 6749 §2.3.1). */
  readonly clientId: string
  readonly secret: Secret
  /** 0 to 60. */
  readonly clockSkewSeconds: number
  /** For how long an answer is believed: a token that its issuer revokes is good for that much longer here. */
  readonly rememberSeconds: number
}

export interface IntrospectionParts {
  readonly settings: IntrospectionSettings
  readonly clock: Clock
  readonly fetchJson: FetchJson
  readonly postForm: PostForm
  readonly plainHttp: FetchLimits['plainHttp']
}

/** `b64token` (RFC 6750 §2.1): nothing else is a bearer token, and nothing else is sent anywhere. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
const DISCOVERED_MS = 600_000

/**
 * A verifier of opaque tokens. It rejects with `identity.malformed` for what looks like a JWT, which is never sent on:
 * another issuer may have made it. Throws a TypeError for a URL that is not safe.
 */
export function createIntrospector(parts: IntrospectionParts): VerifyToken {
  const { settings, clock, plainHttp, postForm } = parts
  if (settings.url !== undefined) requireSafeUrl(settings.url, plainHttp)
  const endpoint = endpointOf(parts)
  const authorization = basic(settings)
  return async (token) => {
    if (looksLikeJwt(token) || !TOKEN.test(token)) throw new Fault('identity.malformed', { reason: 'not opaque' })
    const form = new URLSearchParams({ token, token_type_hint: 'access_token' })
    const answer = await asked(settings.issuer, async () => postForm(await endpoint(), form, authorization))
    return verifiedAnswer(token, answer, settings, clock.now())
  }
}

/** Whatever is not an answer says nothing about the token. */
async function asked(issuer: string, ask: () => Promise<JsonObject | undefined>): Promise<JsonObject> {
  let answer: JsonObject | undefined
  try {
    answer = await ask()
  } catch (cause) {
    throw new Fault('identity.unavailable', { issuer, reason: 'introspection' }, { cause })
  }
  if (answer === undefined) throw new Fault('identity.unavailable', { issuer, reason: 'introspection was refused' })
  return answer
}

function endpointOf({ settings, clock, fetchJson, plainHttp }: IntrospectionParts): () => Promise<string> {
  let found: { readonly url: string; readonly until: number } | undefined
  return async () => {
    if (settings.url !== undefined) return settings.url
    if (found !== undefined && clock.now() < found.until) return found.url
    const url = await discoverEndpoint(settings.issuer, 'introspection_endpoint', fetchJson, plainHttp)
    found = { url, until: clock.now() + DISCOVERED_MS }
    return url
  }
}

function verifiedAnswer(token: string, answer: JsonObject, settings: IntrospectionSettings, now: number): Verified {
  const { issuer, clockSkewSeconds: skew, rememberSeconds } = settings
  const { active, iss, exp, nbf, iat, token_type: type } = answer
  if (active !== true) throw invalid('not active', issuer)
  if (iss !== undefined && iss !== issuer) throw invalid('another issuer', issuer)
  // Without an end a stream that it opened could stay for ever: nobody tells us when the issuer takes it back.
  if (typeof exp !== 'number' || !Number.isSafeInteger(Math.floor(exp * 1000))) throw invalid('exp', issuer)
  if (!isPast(nbf, now, skew) || !isPast(iat, now, skew)) throw invalid('not valid yet', issuer)
  const expiresAt = Math.floor((exp + skew) * 1000)
  if (now >= expiresAt) throw new Fault('identity.expired', { issuer })
  const verified = verifiedClaims(answer, settings, { kind: 'opaque', digest: credentialDigest(token), expiresAt })
  // An issuer that calls it bound but does not say to what has told us half of it.
  const isProofType = typeof type === 'string' && type.toLowerCase() === 'dpop'
  if (isProofType && verified.binding?.jkt === undefined) throw invalid('no binding', issuer)
  return { ...verified, expiresAt, rememberSeconds }
}

function isPast(at: unknown, now: number, skewSeconds: number): boolean {
  return at === undefined || (typeof at === 'number' && at * 1000 <= now + skewSeconds * 1000)
}

function basic({ clientId, secret }: IntrospectionSettings): Secret {
  const encoded = [clientId, secret.reveal()].map((part) => new URLSearchParams([['', part]]).toString().slice(1))
  return new Secret(`Basic ${Buffer.from(encoded.join(':')).toString('base64')}`)
}

const invalid = (reason: string, issuer: string): Fault => new Fault('identity.invalid_token', { reason, issuer })
