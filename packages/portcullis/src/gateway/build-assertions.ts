/** Configuration to the identity providers whose assertions become tokens of the authorization server. */
import type { AssertionConfig, Config } from '../config/schema.ts'
import { ADMINISTRATION_SCOPES } from '../core/route.ts'
import type { Clock } from '../core/clock.ts'
import type { Prover } from '../core/tls-agent.ts'
import { issuerKeys } from '../identity/issuer-keys.ts'
import { type AssertionIssuer, assertionReader } from '../identity/server/assertion/read-assertion.ts'
import type { ServerSettings } from '../identity/server/settings.ts'
import type { Stores } from '../stores/stores.ts'
import { claimMapping, claimPath, KEY_RULES, web } from './build-tokens.ts'

export interface AssertionsInput {
  readonly config: Config
  readonly stores: Pick<Stores, 'accountLinks'>
  readonly clock: Clock
  readonly prover: Prover
  /** Our own issuer identifier. */
  readonly audience: string
  /** All that the server knows. */
  readonly scopes: readonly string[]
}

/** Undefined when no identity provider is believed. */
export function buildAssertions(input: AssertionsInput): ServerSettings['assertions'] {
  const { config, stores, clock, audience, scopes, prover } = input
  const { server, dpop } = config.identity
  const chosen = server?.assertions
  if (chosen === undefined) return undefined
  const ordinary = scopes.filter((scope) => !ADMINISTRATION_SCOPES.some((own) => own === scope))
  const issuers = chosen.issuers.map((issuer) => ({
    rules: rulesOf(issuer, ordinary),
    keys: issuerKeys(issuer, { ...KEY_RULES, clock, fetchJson: web(issuer, prover).fetchJson }),
  }))
  return {
    read: assertionReader({ issuers, audience, clock }),
    links: stores.accountLinks,
    publicClients: chosen.publicClients !== undefined,
    proofAlgorithms: dpop.algorithms,
  }
}

function rulesOf(issuer: AssertionConfig['issuers'][number], ordinary: readonly string[]): AssertionIssuer {
  const { account, algorithms, clockSkewSeconds, maxSeconds, scopes = ordinary } = issuer
  return {
    issuer: issuer.issuer,
    ...{ algorithms, clockSkewSeconds, maxSeconds, scopes },
    claims: claimMapping(issuer),
    account: typeof account === 'string' ? account : { claim: claimPath(account.claim) },
  }
}
