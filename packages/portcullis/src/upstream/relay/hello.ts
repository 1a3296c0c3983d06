import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { bridgedCapabilities } from '../../mcp/bridge.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { isLegacyVersion, negotiateLegacy, SUPPORTED_VERSIONS } from '../../mcp/versions.ts'
import type { ServerFacts } from '../link.ts'
import { AGGREGATE_INFO } from './lists.ts'
import { type Admitted, type RelayParts, result, upstreamsOf } from './parts.ts'
import { clientOf, type Session } from './session.ts'
import { sessionLink } from './session-link.ts'
import type { Upstream } from '../upstream.ts'

/** Answers `server/discover` with what the upstream said of itself, less what the gateway does not let through. */
export async function discover(parts: RelayParts, exchange: Admitted): Promise<Answer> {
  const facts = await factsOf(parts, exchange, async (upstream) => (await upstream.connect()).server)
  return result(exchange, {
    resultType: 'complete',
    supportedVersions: SUPPORTED_VERSIONS,
    capabilities: facts.capabilities,
    ...(facts.instructions !== undefined && { instructions: facts.instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [META.serverInfo]: facts.serverInfo },
  })
}

/** Opens a session for a legacy client and answers `initialize`. A session that cannot be linked is not opened. */
export async function initialize(parts: RelayParts, exchange: Admitted): Promise<Answer> {
  const { call, principal, route } = exchange
  const version = negotiateLegacy(call.params['protocolVersion'])
  const session = parts.sessions.open(principal, route, clientOf(call.params, version))
  try {
    const facts = await factsOf(parts, exchange, (upstream) => greet(parts, session, upstream))
    const protocolVersion = isLegacyVersion(facts.protocolVersion) ? facts.protocolVersion : version
    const { capabilities, serverInfo, instructions } = facts
    const told = { protocolVersion, capabilities, serverInfo, ...(instructions !== undefined && { instructions }) }
    return { ...result(exchange, told), headers: { 'mcp-session-id': session.id } }
  } catch (thrown) {
    parts.sessions.end(session)
    throw thrown
  }
}

/** A legacy upstream sees the client's own capabilities at once; on the aggregate path links open at first use. */
async function greet(parts: RelayParts, session: Session, upstream: Upstream): Promise<ServerFacts> {
  if (session.route.kind === 'aggregate') return (await upstream.connect()).server
  return upstream.vetted((await sessionLink(parts, session, upstream)).server)
}

async function factsOf(
  parts: RelayParts,
  exchange: Admitted,
  ask: (upstream: Upstream) => Promise<ServerFacts>,
): Promise<ServerFacts> {
  const upstreams = upstreamsOf(parts, exchange)
  if (exchange.route.kind === 'aggregate') return merged(parts, exchange, upstreams, ask)
  const upstream = upstreams[0] as Upstream
  const facts = await ask(upstream).catch(unlessUnconnected(upstream))
  return { ...facts, capabilities: bridgedCapabilities(facts.capabilities, upstream.era === exchange.call.era) }
}

/**
 * A client that could not even begin would never hear that it has to connect the upstream; whatever it asks for next tells
 * it. Nothing is known of the upstream then, so everything that it might have is offered.
 */
function unlessUnconnected({ name }: Upstream): (thrown: unknown) => ServerFacts {
  return (thrown) => {
    if (!(thrown instanceof Fault) || thrown.code !== 'upstream.not_connected') throw thrown
    const capabilities = { tools: { listChanged: true }, prompts: {}, resources: {} }
    return { protocolVersion: '', capabilities, serverInfo: { name, version: '0' } }
  }
}

async function merged(
  parts: RelayParts,
  exchange: Admitted,
  upstreams: readonly Upstream[],
  ask: (upstream: Upstream) => Promise<ServerFacts>,
): Promise<ServerFacts> {
  const capabilities: Record<string, Params> = {}
  const instructions: string[] = []
  const answers = await Promise.allSettled(upstreams.map(ask))
  for (const [at, told] of answers.entries()) {
    const upstream = upstreams[at] as Upstream
    if (told.status === 'rejected') {
      parts.warn('an upstream is missing from the aggregate', { upstream: upstream.name })
      continue
    }
    const own = bridgedCapabilities(told.value.capabilities, upstream.era === exchange.call.era)
    for (const [name, value] of Object.entries(own))
      capabilities[name] = { ...capabilities[name], ...(isRecord(value) && value) }
    if (told.value.instructions !== undefined) instructions.push(`## ${upstream.name}\n${told.value.instructions}`)
  }
  return {
    protocolVersion: '',
    capabilities,
    serverInfo: AGGREGATE_INFO,
    ...(instructions.length > 0 && { instructions: instructions.join('\n\n') }),
  }
}
