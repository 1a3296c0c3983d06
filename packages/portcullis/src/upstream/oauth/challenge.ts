/** Reads what an upstream says in `WWW-Authenticate` when it refuses a token (RFC 6750 §3, RFC 9728 §5.1). Hostile input. */
import type { HttpResponse } from '../http-response.ts'

export interface Challenge {
  readonly error?: string
  readonly scopes: readonly string[]
  readonly metadataUrl?: string
}

const MAX_LENGTH = 8_192
const MAX_SCOPES = 100
const PARAMETER = /([A-Za-z0-9_-]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g
/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/** The first challenge of the scheme Bearer or DPoP; an empty one when there is none. */
export function challengeOf({ headers }: Pick<HttpResponse, 'headers'>): Challenge {
  const value = headers['www-authenticate']
  const text = (Array.isArray(value) ? value.join(', ') : (value ?? '')).slice(0, MAX_LENGTH)
  const start = /(?:^|,\s*)(?:bearer|dpop)(?:\s+|$)/i.exec(text)
  if (start === null) return { scopes: [] }
  const found = new Map<string, string>()
  for (const [, name = '', quoted, plain] of text.slice(start.index + start[0].length).matchAll(PARAMETER)) {
    const key = name.toLowerCase()
    if (!found.has(key)) found.set(key, quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1'))
  }
  const error = found.get('error')
  const metadataUrl = found.get('resource_metadata')
  return {
    ...(error !== undefined && { error }),
    scopes: scopesOf(found.get('scope')),
    ...(metadataUrl !== undefined && { metadataUrl }),
  }
}

/** The scopes of a list that is separated by spaces, each once; what is no scope is left out. */
export function scopesOf(text: unknown): readonly string[] {
  if (typeof text !== 'string') return []
  return [...new Set(text.split(' ').filter((scope) => SCOPE.test(scope)))].slice(0, MAX_SCOPES)
}
