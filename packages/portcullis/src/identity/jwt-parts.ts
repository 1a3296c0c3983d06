/** Reads a JWT before anything in it is believed: strict shape, one reading only (RFC 7515 §5.2, RFC 8725 §3). */
import { Fault } from '../core/fault.ts'
import { credentialDigest } from './api-key.ts'
import type { JsonObject } from './fetch-json.ts'
import { repeatsMember } from './unique-members.ts'

export interface JwtParts {
  readonly header: JsonObject
  readonly claims: JsonObject
  /** Header and claims as they are signed. */
  readonly signed: string
}

const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
/** A byte order mark is a character, and no JSON begins with one. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whether a token is to be taken for a JWT of some kind: such a one is never shown to an issuer that may not have made it. */
export function looksLikeJwt(token: string): boolean {
  return token.startsWith('eyJ') || SHAPE.test(token)
}

/** Throws `identity.malformed` for anything that is not a compact JWS around two JSON objects without repeated members. */
export function readJwt(token: string): JwtParts {
  if (!SHAPE.test(token)) throw new Fault('identity.malformed', { reason: 'neither a key nor a JWT' })
  if (!token.split('.').every(isCanonical)) throw new Fault('identity.malformed', { reason: 'not canonical base64url' })
  const signed = token.slice(0, token.lastIndexOf('.'))
  const dot = signed.indexOf('.')
  return { header: readObject(signed.slice(0, dot)), claims: readObject(signed.slice(dot + 1)), signed }
}

/**
 * The digest by which a token can be revoked. It covers what is signed and not the signature, of which one token can have
 * several (ECDSA is malleable, and base64url has spare bits).
 */
export function signedDigest(token: string): string {
  return credentialDigest(token.slice(0, token.lastIndexOf('.')))
}

/** Spare bits would let one token be written in several ways (RFC 4648 §3.5). */
const isCanonical = (segment: string): boolean => Buffer.from(segment, 'base64url').toString('base64url') === segment

function readObject(segment: string): JsonObject {
  const value = parseUnique(segment)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new Fault('identity.malformed', { reason: 'not a JSON object' })
}

function parseUnique(segment: string): unknown {
  let value: unknown
  let text: string
  try {
    text = UTF8.decode(Buffer.from(segment, 'base64url'))
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('identity.malformed', { reason: 'not JSON' }, { cause })
  }
  if (repeatsMember(text)) throw new Fault('identity.malformed', { reason: 'repeated member' })
  return value
}
