/**
 * Where a path leads: to one upstream, to all that the principal may use (the aggregate), or to the gateway itself, for
 * those who administer it.
 */
export type Route =
  | { readonly kind: 'upstream'; readonly upstream: string }
  | { readonly kind: 'aggregate' }
  | { readonly kind: 'administration' }

/** Fact of `transport.route`. */
export interface Routed {
  readonly route: Route
  /** Canonical resource identifier of this path (RFC 8707): the audience that its tokens must name. */
  readonly resource: string
}

/** Scopes that tokens need for the administration: to look, and to change. The second one stands for the first, too. */
export const ADMINISTRATION_SCOPES = ['admin:read', 'admin:write'] as const
