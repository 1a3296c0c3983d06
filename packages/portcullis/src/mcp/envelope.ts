import type { RequestHead } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { type Era, isRecord, type Params } from './message.ts'
import { META } from './meta.ts'
import { eraOf, isLegacyVersion, MODERN_VERSION, SUPPORTED_VERSIONS } from './versions.ts'

type Headers = RequestHead['headers']

/**
 * Decides the era of a client's request or notification, from the body first: an envelope says modern, `initialize`
 * without one says legacy. Only a message that says neither is judged by its header
 * (MCP 2026-07-28 versioning, "Backward Compatibility").
 */
export function eraOfRequest(method: string, params: Params, headers: Headers): Era {
  const meta = params['_meta']
  if (isRecord(meta) && META.version in meta) return 'modern'
  if (method === 'initialize') return 'legacy'
  const version = headers['mcp-protocol-version']
  if (version === undefined) return method === 'server/discover' ? 'modern' : 'legacy'
  return typeof version === 'string' && isLegacyVersion(version) ? 'legacy' : 'modern'
}

/**
 * Checks what every modern request has to carry and returns its protocol version. Notifications have no envelope rules.
 * Faults: `message.invalid_params`, `message.unsupported_version`, `message.header_mismatch`.
 */
export function checkEnvelope(params: Params, headers: Headers, isRequest: boolean): string {
  if (!isRequest) return MODERN_VERSION
  const meta = params['_meta']
  if (!isRecord(meta)) throw missing('_meta')
  const version = meta[META.version]
  if (typeof version !== 'string') throw missing(META.version)
  const header = headers['mcp-protocol-version']
  if (header !== version) {
    throw new Fault(
      'message.header_mismatch',
      { header, version },
      { says: 'MCP-Protocol-Version does not match the message.' },
    )
  }
  if (eraOf(version) !== 'modern') {
    throw new Fault(
      'message.unsupported_version',
      { version },
      { data: { supported: SUPPORTED_VERSIONS, requested: version } },
    )
  }
  if (!isRecord(meta[META.clientCapabilities])) throw missing(META.clientCapabilities)
  return version
}

/** Capabilities that a modern request declares for itself; nothing else may be assumed (MCP "Statelessness"). */
export function declaredCapabilities(params: Params): Params {
  const meta = params['_meta']
  const capabilities = isRecord(meta) ? meta[META.clientCapabilities] : undefined
  return isRecord(capabilities) ? capabilities : {}
}

const missing = (member: string): Fault =>
  new Fault('message.invalid_params', { member }, { says: `params._meta must carry ${member}.` })
