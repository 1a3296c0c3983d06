/** Which upstream a path leads to. The aggregate path leads to all that the principal may use. */
export type Route = { readonly kind: 'upstream'; readonly upstream: string } | { readonly kind: 'aggregate' }

/** Fact of `transport.route`. */
export interface Routed {
  readonly route: Route
  /** Canonical resource identifier of this path (RFC 8707): the audience that its tokens must name. */
  readonly resource: string
}
