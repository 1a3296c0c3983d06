/**
 * Decides how one checkpoint key follows another: both sign the same statement, which belongs to no chain, so that the old
 * private key can be destroyed at once and a chain that nobody has open takes the record over later.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { canonicalJson } from '../mcp/canonical.ts'
import { checkpointKeyId } from './checkpoint.ts'
import type { Succession } from './key-body.ts'

const CONTEXT = 'portcullis-audit-key-v1\n'

/** `old` is the private key, or the id of one that is lost. */
export function succession(old: KeyObject | string, next: KeyObject, since: number): Succession {
  const publicKey = createPublicKey(next)
  const statement = {
    old: typeof old === 'string' ? old : checkpointKeyId(createPublicKey(old)),
    key: checkpointKeyId(publicKey),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'),
    since,
    ...(typeof old === 'string' && { lost: true as const }),
  }
  const bytes = statementBytes(statement)
  const by = (key: KeyObject) => sign(null, bytes, key).toString('base64url')
  return { ...statement, ...(typeof old !== 'string' && { signature: by(old) }), proof: by(next) }
}

/**
 * The new public key. A sentence when something is wrong; the signature of the old key is checked where that key is known,
 * and is `unchecked` otherwise.
 */
export function openSuccession(
  { old, key, publicKey, since, lost, signature, proof }: Succession,
  oldKey: KeyObject | undefined,
): { readonly next: KeyObject; readonly follows: boolean } | string {
  const next = readKey(publicKey)
  if (next === undefined || checkpointKeyId(next) !== key) return 'the new key is not the one that the record names'
  const bytes = statementBytes({ old, key, publicKey, since, ...(lost && { lost }) })
  if (!isSigned(bytes, proof, next)) return 'the new key has not signed the record of its own beginning'
  if (lost === true) return signature === undefined ? { next, follows: false } : 'a lost key cannot have signed'
  if (oldKey === undefined) return { next, follows: false }
  return isSigned(bytes, signature, oldKey) ? { next, follows: true } : 'the old key has not signed for the new one'
}

/** Whether the text is a signature, in its one form, over the bytes. */
export function isSigned(bytes: Buffer, signature: unknown, key: KeyObject): boolean {
  if (typeof signature !== 'string') return false
  const decoded = Buffer.from(signature, 'base64url')
  // One text for one signature: base64url has spare bits that a decoder ignores.
  return decoded.toString('base64url') === signature && verify(null, bytes, key, decoded)
}

function readKey(text: unknown): KeyObject | undefined {
  try {
    const der = Buffer.from(String(text), 'base64url')
    const key = createPublicKey({ key: der, type: 'spki', format: 'der' })
    return key.asymmetricKeyType === 'ed25519' && der.toString('base64url') === text ? key : undefined
  } catch {
    return undefined
  }
}

const statementBytes = (statement: Omit<Succession, 'signature' | 'proof'>): Buffer =>
  Buffer.from(CONTEXT + canonicalJson(statement))
