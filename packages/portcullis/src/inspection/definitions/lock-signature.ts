/**
 * Who vouches for a lock: an Ed25519 signature (RFC 8032) over everything in it that is approved.
 *
 * Signed are the bytes of `portcullis-lock-v1`, a newline, and the statement in canonical JSON (RFC 8785). The digests in it
 * cover the fields. What waits, comments and the form of the file are not covered, because nothing of them is in force.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { canonicalJson } from '../../mcp/canonical.ts'
import { type Lock, LockError, type LockSignature } from './lock.ts'

const CONTEXT = 'portcullis-lock-v1\n'
const PREFIX = 'ed25519:'

/** The public key as locks and configurations write it. */
export function lockKeyText(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' })
  if (key.asymmetricKeyType !== 'ed25519' || x === undefined)
    throw new LockError('a lock is signed with an Ed25519 key')
  return PREFIX + x
}

/** Undoes `lockKeyText`; undefined for a text that is no key. */
export function lockKeyOf(text: string): KeyObject | undefined {
  const x = text.slice(PREFIX.length)
  if (!text.startsWith(PREFIX) || Buffer.from(x, 'base64url').toString('base64url') !== x) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** The lock with a signature of this key; an earlier one of the same key is replaced. `at` is ISO 8601. */
export function signedLock(lock: Lock, privateKey: KeyObject, by: string, at: string): Lock {
  const key = lockKeyText(createPublicKey(privateKey))
  const signature = sign(null, statement(lock, { key, by, at }), privateKey).toString('base64url')
  const others = lock.signatures.filter((one) => one.key !== key)
  return { ...lock, signatures: [...others, { key, by, at, signature }] }
}

/**
 * The signatures of trusted keys, each verified. Throws LockError when any signature does not fit, of whomever it is, and
 * when none is of a trusted key.
 */
export function verifyLock(lock: Lock, trusted: ReadonlySet<string>): readonly LockSignature[] {
  for (const one of lock.signatures) {
    if (!isGenuine(lock, one)) throw new LockError(`the signature of ${one.by || one.key} does not fit`)
  }
  const known = lock.signatures.filter(({ key }) => trusted.has(key))
  if (known.length > 0) return known
  const signers = lock.signatures.map(({ by, key }) => `${by} (${key})`)
  throw new LockError(
    signers.length === 0 ? 'it is not signed' : `nobody who is trusted has signed it, only ${signers.join(', ')}`,
  )
}

function isGenuine(lock: Lock, { signature, ...signer }: LockSignature): boolean {
  const key = lockKeyOf(signer.key)
  const bytes = Buffer.from(signature, 'base64url')
  return (
    key !== undefined && bytes.toString('base64url') === signature && verify(null, statement(lock, signer), key, bytes)
  )
}

function statement(lock: Lock, { key, by, at }: Omit<LockSignature, 'signature'>): Buffer {
  const upstreams = [...lock.upstreams].map(([name, { approved }]) => [
    name,
    [...approved]
      .map(
        ([
          item,
          {
            item: { digest },
            by: approver,
            at: when,
            roles,
            version,
          },
        ]) => [...[item, digest, approver, when], [...(roles ?? [])].toSorted(byName), version ?? null],
      )
      .toSorted(byName),
  ])
  return Buffer.from(CONTEXT + canonicalJson({ key, by, at, upstreams: upstreams.toSorted(byName) }))
}

const byName = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1)
