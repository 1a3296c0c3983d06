/** What of signed messages no program is given, and what none may change; and the same with absolute paths. */
import type { Config, SecretSource, UpstreamConfig } from './schema.ts'

type Signatures = NonNullable<Config['identity']['signatures']>
type UpstreamSignatures = NonNullable<UpstreamConfig['signatures']>
type At = (path: string) => string

type Sources = Pick<Config, 'identity' | 'upstreams'>

const ofUpstreams = ({ upstreams }: Sources): readonly UpstreamSignatures[] =>
  Object.values(upstreams).flatMap(({ signatures }) => (signatures === undefined ? [] : [signatures]))

/** Private keys and shared secrets. */
export function signatureFiles(config: Sources): readonly string[] {
  const { keys = [], answers } = config.identity.signatures ?? {}
  const sources: readonly (SecretSource | undefined)[] = [
    ...keys.map(({ secret }) => secret),
    answers?.key,
    ...ofUpstreams(config).flatMap(({ requests, expect }) => [requests?.key, expect?.secret]),
  ]
  return sources.flatMap((source) => (source?.file === undefined ? [] : [source.file]))
}

/** Public keys: whoever could replace one could sign for another. */
export function signatureAuthorities(config: Sources): readonly string[] {
  const keys = [...(config.identity.signatures?.keys ?? []), ...ofUpstreams(config).map(({ expect }) => expect)]
  return keys.flatMap((key) => [key?.publicKey, key?.jwks]).filter((file) => file !== undefined)
}

export function anchorSignatures(signatures: Signatures, at: At): Signatures {
  const { keys, answers } = signatures
  return {
    ...signatures,
    keys: keys.map((key) => anchorPublic(key, at)),
    ...(answers && { answers: anchorOwn(answers, at) }),
  }
}

export function anchorUpstreamSignatures(signatures: UpstreamSignatures, at: At): UpstreamSignatures {
  const { requests, expect } = signatures
  return {
    ...signatures,
    ...(requests && { requests: anchorOwn(requests, at) }),
    ...(expect && { expect: anchorPublic(expect, at) }),
  }
}

function anchorOwn<T extends { readonly key: SecretSource }>(own: T, at: At): T {
  return { ...own, key: anchorSource(own.key, at) }
}

interface PublicPlaces {
  readonly publicKey?: string
  readonly jwks?: string
  readonly secret?: SecretSource
}

function anchorPublic<T extends PublicPlaces>(key: T, at: At): T {
  const { publicKey, jwks, secret } = key
  return {
    ...key,
    ...(publicKey !== undefined && { publicKey: at(publicKey) }),
    ...(jwks !== undefined && { jwks: at(jwks) }),
    ...(secret && { secret: anchorSource(secret, at) }),
  }
}

const anchorSource = (source: SecretSource, at: At): SecretSource =>
  source.file === undefined ? source : { file: at(source.file) }
