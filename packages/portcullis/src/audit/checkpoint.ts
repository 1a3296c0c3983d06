import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { canonicalJson } from '../mcp/canonical.ts'
import type { Succession } from './key-body.ts'
import type { CheckpointBody, Position } from './record.ts'

/**
 * A signature over where a chain stands: whoever rewrites the records before it would need the key.
 *
 * Signed are the bytes of `portcullis-audit-checkpoint-v1`, a newline, and the statement in canonical JSON (RFC 8785).
 * The first line keeps the key from signing anything that could be taken for something else.
 */
export interface CheckpointStatement {
  readonly tenant: string
  /** The record that the signature covers, and all before it: the one right before the checkpoint. */
  readonly sequence: number
  readonly hash: string
  /** `at` of the checkpoint's own record. */
  readonly at: number
  /** Id of the signing key. */
  readonly key: string
}

/** What a witness keeps. */
export interface SignedStatement extends CheckpointStatement {
  readonly signature: string
}

export interface CheckpointSigner {
  readonly keyId: string
  readonly publicKey: KeyObject
  /** How this key came to follow the ones before it, the oldest first. */
  readonly successions: readonly Succession[]
  /** The body of the checkpoint record that follows `position`. */
  checkpoint(tenant: string, position: Position, at: number): CheckpointBody
  /** Ed25519, base64url without padding, over a text that says in its first line what it is. */
  sign(bytes: Buffer): string
}

const CONTEXT = 'portcullis-audit-checkpoint-v1\n'

export function checkpointSigner(privateKey: KeyObject, successions: readonly Succession[] = []): CheckpointSigner {
  const publicKey = createPublicKey(privateKey)
  const keyId = checkpointKeyId(publicKey)
  const by = (bytes: Buffer) => sign(null, bytes, privateKey).toString('base64url')
  return {
    keyId,
    publicKey,
    successions,
    checkpoint(tenant, { sequence, hash }, at) {
      const signed = statementBytes({ tenant, sequence, hash, at, key: keyId })
      return { kind: 'checkpoint', key: keyId, signature: by(signed) }
    },
    sign: by,
  }
}

export function verifyCheckpoint(statement: CheckpointStatement, signature: string, publicKey: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64url')
  // One text for one signature: base64url has spare bits that a decoder ignores.
  return bytes.toString('base64url') === signature && verify(null, statementBytes(statement), publicKey, bytes)
}

/** The first 32 hex digits of the SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
export function checkpointKeyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32)
}

/**
 * Reads the signing key (PEM, PKCS #8), or creates it with its public half beside it (`<path>.pub`) when there is none.
 * Throws when the key can be read by others, or is not an Ed25519 key.
 */
export function loadCheckpointKey(path: string): KeyObject {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) createCheckpointKey(path)
  else if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new Error(`${path}: others can read the audit signing key; run chmod 600 on it`)
  }
  const key = createPrivateKey(readFileSync(path))
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${path}: the audit signing key must be an Ed25519 key`)
  return key
}

/** Reads a public key (PEM, SubjectPublicKeyInfo) with its id. */
export function readCheckpointPublicKey(path: string): readonly [keyId: string, publicKey: KeyObject] {
  const key = createPublicKey(readFileSync(path))
  return [checkpointKeyId(key), key]
}

/** Creates a signing key (PEM, PKCS #8, mode 0600) where there is no file, with its public half beside it. */
export function createCheckpointKey(path: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  writeFileSync(`${path}.pub`, publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 })
}

const statementBytes = (statement: CheckpointStatement): Buffer => Buffer.from(CONTEXT + canonicalJson(statement))
