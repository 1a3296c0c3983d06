/** Decides where a credential may stand: in one Authorization header of the scheme Bearer or DPoP, and nowhere else. */
import { Fault } from '../core/fault.ts'
import type { RequestHead } from '../core/exchange.ts'
import { API_KEY_PREFIX } from './api-key.ts'

/** RFC 7519 sets no limit; a token above this is an attempt to make us work. */
export const MAX_CREDENTIAL_CHARS = 16_384

const BEARER = 'Bearer '
const DPOP = 'dpop '
const CREDENTIAL_NAMES = new Set(['access_token', 'api_key', 'apikey', 'token', 'authorization'])

/**
 * The credential of the request (RFC 6750 §2.1, RFC 9449 §7.1). Throws `identity.missing` without one of these schemes, and
 * `identity.malformed` with several credentials, an empty or a huge one.
 */
export function presentedCredential(headers: RequestHead['headers']): string {
  const header = headers['authorization']
  if (header === undefined) throw new Fault('identity.missing')
  if (typeof header !== 'string') throw new Fault('identity.malformed', { reason: 'several Authorization headers' })
  if (header.length > MAX_CREDENTIAL_CHARS) throw new Fault('identity.malformed', { reason: 'too long' })
  // The scheme is case-insensitive (RFC 9110 §11.1).
  if (header.startsWith(BEARER) || header.slice(0, BEARER.length).toLowerCase() === 'bearer ') {
    return required(header.slice(BEARER.length))
  }
  if (isProofScheme(headers)) return required(header.slice(DPOP.length))
  throw new Fault('identity.missing', { reason: 'neither the scheme Bearer nor DPoP' })
}

/** Whether the credential is presented as one that a proof of possession goes with (RFC 9449 §7.1). */
export function isProofScheme(headers: RequestHead['headers']): boolean {
  const header = headers['authorization']
  return typeof header === 'string' && header.slice(0, DPOP.length).toLowerCase() === DPOP
}

/** Throws `identity.token_in_query`: URLs end in logs, histories and Referer headers (OAuth 2.1 §5.1, RFC 9700 §4.3.2). */
export function refuseCredentialInQuery(query: string): void {
  if (query === '') return
  for (const [name, value] of new URLSearchParams(query)) {
    if (CREDENTIAL_NAMES.has(name.toLowerCase()) || value.startsWith(API_KEY_PREFIX)) {
      throw new Fault('identity.token_in_query')
    }
  }
}

function required(credential: string): string {
  if (credential === '') throw new Fault('identity.malformed', { reason: 'empty' })
  return credential
}
