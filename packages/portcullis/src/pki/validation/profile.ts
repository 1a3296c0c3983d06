/** Which rules a path is held against. */

/**
 * `webpki`: RFC 5280 and what the CA/Browser Forum asks of public authorities, key identifiers included.
 * `private`: RFC 5280 alone, for authorities of one's own, which often leave out what only helps others.
 */
export type Profile = 'webpki' | 'private'

/** What a leaf is presented for. */
export type Purpose = 'server' | 'client' | 'time-stamp'
