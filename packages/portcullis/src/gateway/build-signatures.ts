/** Configuration to signed messages: the keys, who has to sign, whose answers are signed, and what upstreams are told and believed. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Environment } from '../config/environment.ts'
import type { Config, SecretSource, UpstreamConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Principal } from '../core/principal.ts'
import type { Route } from '../core/route.ts'
import { onceOnly } from '../identity/replays.ts'
import { isSoundKey } from '../identity/sound-keys.ts'
import type { NamedKey, SignatureAlgorithm } from '../signatures/algorithms.ts'
import type { SignatureRules } from '../signatures/demands.ts'
import { type KeyPlace, type KeyText, signingKey, verifyingKey } from '../signatures/key.ts'
import { type ClientKey, type KeyOwner, KeyTable } from '../signatures/key-table.ts'
import type { OwnRules } from '../signatures/own-request.ts'
import { type StageParts, verifySignatures } from '../signatures/signature-stage.ts'
import type { HttpSender } from '../upstream/access/sender.ts'
import { signedProcess } from './signed-process.ts'
import type { SignatureParts, Signatures } from './signed-messages.ts'
import { SignedSender } from './signed-sender.ts'

type SignaturesConfig = NonNullable<Config['identity']['signatures']>

const NONCE_BYTES = 18
const freshNonce = (): string => randomBytes(NONCE_BYTES).toString('base64url')

/** What counts for upstreams where `identity.signatures` is left out. */
const DEFAULTS = { tag: 'mcp', maxAgeSeconds: 60, skewSeconds: 5 } as const satisfies SignatureRules

/** Throws SignatureKeyError for a key that cannot be used, and SecretError. */
export function buildSignatures(parts: SignatureParts): Signatures {
  const { signatures } = parts.config.identity
  const own = ownRules(parts, rulesOf(signatures))
  return {
    ...(signatures && { verify: verifySignatures(stageParts(parts, signatures)) }),
    senderOf(upstream, url) {
      const rules = own.get(upstream)
      return rules && ((sender: HttpSender) => new SignedSender(sender, url, rules))
    },
    processOf(upstream, process) {
      const rules = own.get(upstream)
      return rules === undefined ? process : signedProcess(process, { ...rules, audience: upstream })
    },
  }
}

function rulesOf(signatures: SignaturesConfig | undefined): SignatureRules {
  if (signatures === undefined) return DEFAULTS
  const { tag, maxAgeSeconds, clockSkewSeconds } = signatures
  return { tag, maxAgeSeconds, skewSeconds: clockSkewSeconds }
}

function stageParts(parts: SignatureParts, signatures: SignaturesConfig): StageParts {
  const { config, clock, environment, publicUrl, replays } = parts
  const rules = rulesOf(signatures)
  const { required, answers } = signatures
  const key = answers && ownKey(answers, 'identity.signatures.answers', environment)
  return {
    ...rules,
    keys: new KeyTable(signatures.keys.map((one, index) => clientKey(one, index, environment))),
    clock,
    useOnce: onceOnly(replays, clock),
    scheme: publicUrl.startsWith('https:') ? 'https' : 'http',
    freshNonce,
    mustSign: demand(config, required.roles, required.routes, ({ callers }) => callers === 'required'),
    ...(key && {
      answers: {
        key,
        tag: rules.tag,
        clock,
        always: demand(config, answers.roles, [], (one) => one.answers === 'always'),
      },
    }),
  }
}

/** The aggregate path leads to every upstream, so what one of them demands is demanded there. */
function demand(
  { upstreams }: Config,
  roles: readonly string[],
  routes: readonly Route['kind'][],
  isDemanded: (signatures: NonNullable<UpstreamConfig['signatures']>) => boolean,
): (principal: Principal, route: Route) => boolean {
  const named = Object.entries(upstreams).filter(([, { signatures }]) => signatures && isDemanded(signatures))
  const demanding = new Set(named.map(([name]) => name))
  const kinds = new Set<Route['kind']>([...routes, ...(demanding.size > 0 ? (['aggregate'] as const) : [])])
  const known = new Set(roles)
  return ({ roles: held }, route) =>
    kinds.has(route.kind) ||
    (route.kind === 'upstream' && demanding.has(route.upstream)) ||
    (known.size > 0 && held.some((role) => known.has(role)))
}

function clientKey(one: SignaturesConfig['keys'][number], index: number, environment: Environment): ClientKey {
  const key = theirKey(one, `identity.signatures.keys[${index}]`, environment)
  return { ...key, tenant: one.tenant, owner: ownerOf(one) }
}

function ownerOf({ principal, client, credential }: SignaturesConfig['keys'][number]): KeyOwner {
  if (principal !== undefined) return { kind: 'principal', id: principal }
  if (client !== undefined) return { kind: 'client', id: client }
  return { kind: 'credential', id: credential as string }
}

/** Rules for the upstreams to which requests are signed, by name. */
function ownRules(parts: SignatureParts, rules: SignatureRules): ReadonlyMap<string, OwnRules> {
  const { config, clock, environment } = parts
  const signing = Object.entries(config.upstreams).flatMap(([name, { signatures }]): [string, OwnRules][] => {
    const { requests, expect } = signatures ?? {}
    if (requests === undefined) return []
    const at = `upstreams.${name}.signatures`
    const key = ownKey(requests, `${at}.requests`, environment)
    const expected = expect && theirKey(expect, `${at}.expect`, environment)
    return [[name, { ...rules, key, expected, clock, freshNonce }]]
  })
  return new Map(signing)
}

interface Named {
  readonly id: string
  readonly algorithm: SignatureAlgorithm
}

interface PublicPlaces extends Named {
  readonly publicKey?: string
  readonly jwks?: string
  readonly secret?: SecretSource
}

function ownKey(
  { id, algorithm, key }: Named & { readonly key: SecretSource },
  place: string,
  environment: Environment,
) {
  return signingKey({ id, algorithm, place }, readSecret(key, environment))
}

function theirKey(one: PublicPlaces, at: string, environment: Environment): NamedKey {
  const { id, algorithm } = one
  const place: KeyPlace = { id, algorithm, place: at }
  return verifyingKey(place, textOf(one, environment), (jwk) => isSoundKey(jwk))
}

function textOf({ publicKey, jwks, secret }: PublicPlaces, environment: Environment): KeyText {
  if (secret !== undefined) return { kind: 'secret', secret: readSecret(secret, environment) }
  if (jwks !== undefined) return { kind: 'jwks', text: readFileSync(jwks, 'utf8') }
  return { kind: 'pem', text: readFileSync(publicKey as string, 'utf8') }
}
