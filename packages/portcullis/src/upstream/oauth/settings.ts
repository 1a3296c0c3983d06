/** What the OAuth client of one upstream is told. */
import type { Secret } from '../../core/secret.ts'

/** Who we are at an authorization server. */
export type ClientIdentity =
  /** Known to exactly one issuer; never shown to another. */
  | { readonly kind: 'registered'; readonly issuer: string; readonly id: string; readonly secret?: Secret }
  /** A document at a URL that says who we are (Client ID Metadata Document). */
  | { readonly kind: 'document'; readonly url: string }
  /** Registers itself (RFC 7591), once for each issuer. */
  | { readonly kind: 'dynamic' }

export interface OAuthSettings {
  readonly upstream: string
  /** The MCP endpoint. */
  readonly endpoint: URL
  /** `per-user`: each principal has a grant of its own. `shared`: each tenant has one. */
  readonly mode: 'per-user' | 'shared'
  readonly grant: 'authorization-code' | 'client-credentials'
  /** The only authorization server to deal with; whatever the upstream names when absent. */
  readonly issuer?: string
  readonly client: ClientIdentity
  /** Asked for in any case; when empty what the upstream says is asked for. */
  readonly scopes: readonly string[]
  /** Where authorization servers send people back to. */
  readonly redirectUri: string
  /** Plain http to loopback addresses is allowed. */
  readonly plaintext: boolean
}

/** Tokens and what they belong to, as they lie sealed in the vault. */
export interface Grant {
  readonly issuer: string
  /** Where the metadata were by which it was obtained; absent when the gateway had found them by itself. */
  readonly metadataUrl?: string
  readonly clientId: string
  readonly resource: string
  readonly accessToken: string
  readonly refreshToken?: string
  /** Milliseconds since the epoch; absent when the server did not say. */
  readonly expiresAt?: number
  readonly scopes: readonly string[]
}
