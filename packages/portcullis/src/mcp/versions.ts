import type { Era } from './message.ts'

/** The protocol revisions that the gateway speaks, newest first. */
export const MODERN_VERSION = '2026-07-28'
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const
export const SUPPORTED_VERSIONS: readonly string[] = [MODERN_VERSION, ...LEGACY_VERSIONS]

/** What a legacy request without a version header speaks (MCP 2025-11-25 transports, "Protocol Version Header"). */
export const ASSUMED_VERSION = '2025-03-26'

export const eraOf = (version: string): Era => (version === MODERN_VERSION ? 'modern' : 'legacy')

export const isLegacyVersion = (version: string): boolean => (LEGACY_VERSIONS as readonly string[]).includes(version)

/** A client that asks for what we do not speak gets our newest legacy revision (2025-11-25 lifecycle, "Version Negotiation"). */
export const negotiateLegacy = (asked: unknown): string =>
  typeof asked === 'string' && isLegacyVersion(asked) ? asked : LEGACY_VERSIONS[0]
