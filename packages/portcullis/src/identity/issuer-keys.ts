/** Decides where the public keys of an outside issuer come from, and for how long they are used. */
import type { Clock } from '../core/clock.ts'
import type { FetchJson, FetchLimits } from './fetch-json.ts'
import { discoverEndpoint } from './issuer-metadata.ts'
import { Jwks } from './jwks.ts'

export interface KeyRules {
  readonly clock: Clock
  readonly fetchJson: FetchJson
  readonly plainHttp: FetchLimits['plainHttp']
  readonly jwksMaxAgeSeconds: number
  /** How much longer a key set is used while its issuer does not answer. */
  readonly jwksStaleSeconds: number
  readonly jwksCooldownSeconds: number
}

export interface KeyOwner {
  readonly issuer: string
  /** Where the keys are; discovered from the issuer's metadata without it. */
  readonly jwksUri?: string
}

/** Nothing is fetched before the first key is asked for. */
export function issuerKeys({ issuer, jwksUri }: KeyOwner, rules: KeyRules): Jwks {
  const { clock, fetchJson, plainHttp, jwksMaxAgeSeconds, jwksStaleSeconds, jwksCooldownSeconds } = rules
  const load = async () => {
    const set = await fetchJson(jwksUri ?? (await discoverEndpoint(issuer, 'jwks_uri', fetchJson, plainHttp)))
    if (set === undefined) throw new Error('there are no keys at the jwks_uri')
    return set
  }
  return new Jwks({
    issuer,
    load,
    clock,
    maxAgeMs: jwksMaxAgeSeconds * 1000,
    staleMs: jwksStaleSeconds * 1000,
    cooldownMs: jwksCooldownSeconds * 1000,
  })
}
