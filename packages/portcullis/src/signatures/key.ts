/** Decides which keys of the configuration can be used: strong ones, of the kind that their algorithm needs. */
import { createPrivateKey, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { isRecord } from '../mcp/message.ts'
import { type NamedKey, type SignatureAlgorithm, unfitness } from './algorithms.ts'
import { SignatureKeyError } from './problem.ts'

/** Where the text of a key comes from. */
export type KeyText =
  | { readonly kind: 'pem'; readonly text: string }
  | { readonly kind: 'jwks'; readonly text: string }
  | { readonly kind: 'secret'; readonly secret: Secret }

export interface KeyPlace {
  readonly id: string
  readonly algorithm: SignatureAlgorithm
  /** For errors: where the configuration names the key. */
  readonly place: string
}

/** Says whether a public key is strong beyond its length. */
export type IsSound = (jwk: JsonWebKey) => boolean

/** For what others sign. Throws SignatureKeyError. */
export function verifyingKey(place: KeyPlace, source: KeyText, isSound: IsSound): NamedKey {
  const key = readKey(place, () => publicPart(place, source))
  if (key.type === 'public' && !isSound(key.export({ format: 'jwk' }))) throw unusable(place, 'is weak')
  return named(place, key)
}

/** For what we sign: a private key (PEM), or the secret of `hmac-sha256`. Throws SignatureKeyError. */
export function signingKey(place: KeyPlace, secret: Secret): NamedKey {
  const isShared = place.algorithm === 'hmac-sha256'
  return named(
    place,
    readKey(place, () => (isShared ? secretKey(secret) : createPrivateKey(secret.reveal()))),
  )
}

function publicPart(place: KeyPlace, source: KeyText): KeyObject {
  if (source.kind === 'secret') return secretKey(source.secret)
  if (source.kind === 'jwks') return createPublicKey({ key: jwkOf(place, source.text), format: 'jwk' })
  // Node makes the public key of a private one; such a file is in the wrong place.
  if (source.text.includes('PRIVATE KEY')) throw unusable(place, 'is a private key')
  return createPublicKey(source.text)
}

/** The member of a set (RFC 7517 §5) with this id, which is public and not meant for something else. */
function jwkOf(place: KeyPlace, text: string): JsonWebKey {
  const set: unknown = JSON.parse(text)
  const keys = isRecord(set) && Array.isArray(set['keys']) ? (set['keys'] as unknown[]) : []
  const found = keys.filter((key) => isRecord(key) && key['kid'] === place.id) as JsonWebKey[]
  const [only] = found
  if (only === undefined || found.length > 1) throw unusable(place, `is not in the set once as ${place.id}`)
  if ('d' in only || 'k' in only) throw unusable(place, 'is a private key')
  if (only['use'] !== undefined && only['use'] !== 'sig') throw unusable(place, 'is not for signatures')
  return only
}

/** Of base64 or of any text: what counts is how much of it there is. */
const secretKey = (secret: Secret): KeyObject => createSecretKey(Buffer.from(secret.reveal(), 'utf8'))

function readKey(place: KeyPlace, read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch (thrown) {
    throw thrown instanceof SignatureKeyError ? thrown : unusable(place, 'cannot be read')
  }
}

function named(place: KeyPlace, key: KeyObject): NamedKey {
  const wrong = unfitness(place.algorithm, key)
  if (wrong !== undefined) throw unusable(place, wrong)
  return { id: place.id, algorithm: place.algorithm, key }
}

const unusable = ({ place, id }: KeyPlace, wrong: string): SignatureKeyError =>
  new SignatureKeyError(`${place}: the key ${id} ${wrong}`)
