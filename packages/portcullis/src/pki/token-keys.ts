/** Decides with which keys the authorization server signs: its own, in one private file, replaced while it runs. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { PkiError } from './pki-error.ts'
import { readPrivate, writeWhole } from './private-file.ts'

/** Private JSON Web Key (RFC 7517) for ES256. */
export interface TokenKey {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly d: string
  readonly kid: string
  readonly alg: 'ES256'
  readonly use: 'sig'
}

export interface TokenKeys {
  /** The one that signs first; tokens of the others are still good. */
  readonly signing: readonly TokenKey[]
  /** Milliseconds since the epoch at which the first one began. */
  readonly since: number
  /** Signs cookies and forms. */
  readonly cookies: string
  /** 32 bytes, base64url. */
  readonly nonces: string
}

export interface RotationRule {
  /** Milliseconds for which one key signs. */
  readonly rotateMs: number
}

/** One before the last is kept: what it has signed has ended long before it leaves, at the next rotation. */
const KEPT = 2

/** Reads the file, or makes it (mode 0600); replaces the signing key when its time is over. Throws PkiError. */
export function loadTokenKeys(file: string, now: number, rule: RotationRule): TokenKeys {
  const known = existsSync(file) ? parseTokenKeys(readPrivate(file), file) : undefined
  const keys = renewTokenKeys(known, now, rule)
  if (keys !== known) writeWhole(file, `${JSON.stringify(keys)}\n`, 0o600)
  return keys
}

/** The very same while their time lasts; otherwise with a new key before the one that signed until now. */
export function renewTokenKeys(known: TokenKeys | undefined, now: number, { rotateMs }: RotationRule): TokenKeys {
  if (known !== undefined && now - known.since < rotateMs) return known
  return {
    signing: [newKey(), ...(known?.signing ?? [])].slice(0, KEPT),
    since: now,
    cookies: known?.cookies ?? randomBytes(32).toString('base64url'),
    nonces: known?.nonces ?? randomBytes(32).toString('base64url'),
  }
}

/** Throws PkiError for what is not whole; `place` says where it stood. */
export function parseTokenKeys(text: string, place: string): TokenKeys {
  try {
    const keys = JSON.parse(text) as TokenKeys
    const isWhole = keys.signing.length > 0 && keys.signing.every(isKey) && typeof keys.since === 'number'
    if (isWhole && [keys.cookies, keys.nonces].every((secret) => Buffer.from(secret, 'base64url').length === 32))
      return keys
  } catch {
    // Told below, without what stands in the file.
  }
  throw new PkiError(
    `${place} is damaged`,
    'restore it, or remove it: then all who are signed in have to sign in again',
  )
}

const isKey = ({ kty, crv, d, kid, alg }: TokenKey): boolean =>
  kty === 'EC' && crv === 'P-256' && alg === 'ES256' && typeof d === 'string' && typeof kid === 'string'

/** Its name is its thumbprint (RFC 7638). */
function newKey(): TokenKey {
  const { x, y, d } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  if (x === undefined || y === undefined || d === undefined) throw new TypeError('the key has no parts')
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url')
  return { kty: 'EC', crv: 'P-256', x, y, d, kid, alg: 'ES256', use: 'sig' }
}
