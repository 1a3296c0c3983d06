/** What clients are told about each path: its RFC 9728 document, and the challenge that leads to it. */
import type { Config } from '../config/schema.ts'
import { ADMINISTRATION_SCOPES } from '../core/route.ts'
import { type Challenges, createChallenges } from '../identity/challenge.ts'
import { type ResourceDocument, resourceDocuments } from '../identity/resource-metadata.ts'
import type { ScopeDemands } from '../identity/scope-demands.ts'
import { ADMINISTRATION_PATH } from '../transport/route.ts'
import type { Senders } from './build-senders.ts'

export interface Published {
  readonly challenges: Challenges
  /** By request path; empty without an issuer. */
  readonly documents: ReadonlyMap<string, ResourceDocument>
}

/** `issuers` are the identifiers of all that are believed; without one there is nothing to discover. */
export function buildPublished(
  config: Config,
  publicUrl: string,
  issuers: readonly string[],
  demands: ScopeDemands,
  { boundOnly }: Pick<Senders, 'boundOnly'>,
): Published {
  const resources = describe(config, publicUrl, demands, boundOnly)
  const scopes = new Map(resources.map((one) => [one.resource, one.scopes]))
  // To look comes first; to change is asked for when somebody does.
  scopes.set(publicUrl + ADMINISTRATION_PATH, ADMINISTRATION_SCOPES.slice(0, 1))
  // Only tokens can be bound by a proof; where there are none, to offer it would lead nowhere.
  const proofAlgorithms = issuers.length > 0 ? config.identity.dpop.algorithms : []
  return {
    challenges: createChallenges({
      discovery: issuers.length > 0 ? 'published' : 'none',
      scopesOf: (resource) => scopes.get(resource) ?? [],
      ...{ proofAlgorithms, boundOnly },
    }),
    documents: resourceDocuments({
      ...{ resources, issuers, proofAlgorithms },
      clientCertificates: config.listen.tls?.clientCertificates !== undefined,
    }),
  }
}

/** On the aggregate path a client begins with what its upstreams need, as far as they are named. */
function describe(config: Config, publicUrl: string, demands: ScopeDemands, boundOnly: Senders['boundOnly']) {
  const described = (resource: string, upstreams: readonly string[]) => ({
    resource,
    scopes: demands.ofAll(upstreams),
    boundOnly: boundOnly(resource),
  })
  return [
    { ...described(`${publicUrl}/mcp`, Object.keys(config.upstreams)), kind: 'aggregate' as const },
    ...Object.entries(config.upstreams).map(([name, { title }]) => ({
      ...described(`${publicUrl}/mcp/${name}`, [name]),
      kind: 'upstream' as const,
      ...(title !== undefined && { name: title }),
    })),
    {
      resource: publicUrl + ADMINISTRATION_PATH,
      name: 'Administration',
      kind: 'administration' as const,
      scopes: ADMINISTRATION_SCOPES,
      boundOnly: boundOnly(publicUrl + ADMINISTRATION_PATH),
    },
  ]
}
