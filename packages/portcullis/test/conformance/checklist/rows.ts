// The rows of the checklist that are proved elsewhere or belong to parts of the product that do not exist yet.

export const ROWS = 50

/** Parts that are not there yet: what their row demands, and what has to exist before it can be tried. */
export const LATER: Readonly<Record<number, { readonly demands: string; readonly needs: string }>> = {
  37: {
    demands: 'OAuth towards upstreams: PKCE, resource, iss, credentials by issuer, SSRF guard',
    needs: 'an OAuth client of the gateway',
  },
  38: {
    demands: 'exact redirects, PKCE S256, rotation of refresh tokens, iss, CIMD with SSRF guard, consent',
    needs: 'an embedded authorization server',
  },
  39: { demands: 'acceptance rules of ID-JAG', needs: 'an embedded authorization server' },
  40: {
    demands: 'consent for each client before a third party is asked, cookie and frame rules',
    needs: 'an embedded authorization server',
  },
  48: {
    demands: 'icons and links of upstreams: https and data only, where the gateway rewrites or fetches them',
    needs: 'something that rewrites or fetches them; the gateway passes them untouched',
  },
}
