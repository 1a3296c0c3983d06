/** Signatures with a public key. `none` and HMAC are not in the list: with a published key everybody could sign. */
export const TOKEN_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const

/** A name of JOSE (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864). */
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number]

export const isTokenAlgorithm = (name: string): name is TokenAlgorithm =>
  (TOKEN_ALGORITHMS as readonly string[]).includes(name)
