import { Fault } from '../core/fault.ts'
import { isError, isRecord, type Params, type Response } from '../mcp/message.ts'
import { META } from '../mcp/meta.ts'
import { LEGACY_VERSIONS, MODERN_VERSION } from '../mcp/versions.ts'
import type { LinkClient, LinkRequest, ServerFacts } from './link.ts'

/**
 * Which era an upstream speaks: `server/discover` first, whatever does not answer it as a modern upstream must gets
 * `initialize` (MCP 2026-07-28 versioning, "Probing"). A verdict is only worth remembering once a link stands on it.
 */
export type EraChoice = 'auto' | 'modern' | 'legacy'

/** Revisions that an upstream may answer `initialize` with. The oldest differs in nothing that passes a link. */
const UPSTREAM_LEGACY_VERSIONS: ReadonlySet<unknown> = new Set([...LEGACY_VERSIONS, '2024-11-05'])

/** Statuses that say nothing about the era: the gateway's own credential is wrong, or nobody is home. */
const NOT_ABOUT_ERA: ReadonlySet<unknown> = new Set([401, 403, 407, 408, 429, 502, 503, 504])

/** The probe. `info` is the gateway's own `clientInfo`. */
export const discoverRequest = (info: Params): LinkRequest => ({
  id: 'discover',
  method: 'server/discover',
  params: { _meta: gatewayEnvelope(info) },
})

/** The envelope of a modern request that the gateway makes for itself. */
export const gatewayEnvelope = (info: Params): Params => ({
  [META.version]: MODERN_VERSION,
  [META.clientInfo]: info,
  [META.clientCapabilities]: {},
})

/** What a modern upstream says of itself, or undefined when this is not the answer of one. */
export function modernFacts(response: Response): ServerFacts | undefined {
  if (isError(response)) return undefined
  const { supportedVersions, capabilities, instructions, _meta, serverInfo } = response.result
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN_VERSION)) return undefined
  const info = isRecord(_meta) && isRecord(_meta[META.serverInfo]) ? _meta[META.serverInfo] : serverInfo
  return facts(MODERN_VERSION, capabilities, info, instructions)
}

/** Modern, but of a revision that the gateway does not speak (-32022 with a list that has no legacy version in it). */
export function isTooNew(response: Response): boolean {
  if (!isError(response) || response.error.code !== -32022) return false
  const { data } = response.error
  const supported = isRecord(data) && Array.isArray(data['supported']) ? (data['supported'] as unknown[]) : []
  return supported.length > 0 && !supported.some((version) => UPSTREAM_LEGACY_VERSIONS.has(version))
}

/** Whether a failed probe leaves room for a legacy upstream. */
export function mayBeLegacy(thrown: unknown): boolean {
  if (!(thrown instanceof Fault)) return false
  if (thrown.code === 'upstream.malformed') return true
  const { status } = thrown.detail
  return thrown.code === 'upstream.unavailable' && typeof status === 'number' && !NOT_ABOUT_ERA.has(status)
}

export const initializeRequest = (client: LinkClient): LinkRequest => ({
  id: 'initialize',
  method: 'initialize',
  params: { protocolVersion: client.version, capabilities: client.capabilities, clientInfo: client.info },
})

/** What a legacy upstream says of itself. Throws `upstream.unsupported` when it speaks no revision of ours. */
export function legacyFacts(response: Response): ServerFacts {
  if (isError(response)) {
    const { code, message } = response.error
    throw new Fault('upstream.unsupported', { reason: 'initialize refused', code, message: message.slice(0, 200) })
  }
  const { protocolVersion, capabilities, serverInfo, instructions } = response.result
  if (typeof protocolVersion !== 'string' || !UPSTREAM_LEGACY_VERSIONS.has(protocolVersion)) {
    throw new Fault('upstream.unsupported', { reason: 'protocol version', protocolVersion })
  }
  return facts(protocolVersion, capabilities, serverInfo, instructions)
}

function facts(protocolVersion: string, capabilities: unknown, info: unknown, instructions: unknown): ServerFacts {
  return {
    protocolVersion,
    capabilities: isRecord(capabilities) ? capabilities : {},
    serverInfo: isRecord(info) ? info : {},
    ...(typeof instructions === 'string' && { instructions }),
  }
}

export const notModern = (): Fault => new Fault('upstream.unsupported', { reason: 'not a modern upstream' })
export const tooNew = (): Fault => new Fault('upstream.unsupported', { reason: 'no common protocol version' })
