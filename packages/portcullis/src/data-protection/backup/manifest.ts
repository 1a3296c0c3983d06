/**
 * Decides what everybody may know of a backup: when it was made, by whom, what it continues, and digests of its sealed parts.
 * Names of files and tenants are in the sealed contents only.
 *
 * `manifest.json` is canonical JSON (RFC 8785). `manifest.sig` is an Ed25519 signature, base64url, over the text
 * `portcullis-backup-v1`, a newline, and the bytes of the manifest: the first line keeps it from being taken for a checkpoint.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { canonicalJson } from '../../mcp/canonical.ts'
import { isRecord } from '../../mcp/message.ts'
import { BackupError } from './backup-error.ts'

export interface PartFact {
  /** Name of its file. */
  readonly name: string
  /** Of the sealed file. */
  readonly bytes: number
  /** SHA-256 of the sealed file, lower-case hex. */
  readonly sha256: string
}

export interface Manifest {
  readonly format: 'portcullis-backup-1'
  readonly id: string
  /** Milliseconds since the epoch: nothing that was acknowledged before is missing. */
  readonly madeAt: number
  /** Name and version of what made it. */
  readonly program: string
  /** The backup that this one continues, and the SHA-256 of its manifest. Absent: it stands by itself. */
  readonly base?: { readonly id: string; readonly manifest: string }
  readonly parts: readonly PartFact[]
  /** Whether the private keys of the gateway are in it. */
  readonly privateKeys: boolean
  /** To whom it is sealed: by kind, since a recipient's name is not everybody's business. */
  readonly sealedFor: readonly string[]
  /** Id of the key that signs, and the public key: SubjectPublicKeyInfo, DER, base64url. It proves nothing by itself. */
  readonly key: string
  readonly publicKey: string
}

/** The key that signs checkpoints of the audit chains. */
export interface BackupSigner {
  readonly keyId: string
  readonly publicKey: KeyObject
  /** Ed25519, base64url without padding. */
  sign(bytes: Buffer): string
}

export const MANIFEST_FILE = 'manifest.json'
export const SIGNATURE_FILE = 'manifest.sig'
const CONTEXT = 'portcullis-backup-v1\n'
const PART_NAME = /^[a-z]{1,16}\.age$/
const DIGEST = /^[0-9a-f]{64}$/
export const BACKUP_ID = /^[0-9a-f]{16}$/
/** Of the first 32 digits of a SHA-256. */
const KEY_ID = /^[0-9a-f]{32}$/

export const manifestBytes = (manifest: Manifest): Buffer => Buffer.from(canonicalJson(manifest))

export const manifestDigest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const signManifest = (bytes: Buffer, signer: BackupSigner): string =>
  signer.sign(Buffer.concat([Buffer.from(CONTEXT), bytes]))

/** The manifest, when its bytes are its one form. Throws BackupError. */
export function parseManifest(bytes: Buffer, place: string): Manifest {
  const changed = () => new BackupError('changed', `${place}: the manifest is not one that Portcullis has written.`)
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw bytes.at(-1) === 0x7d
      ? changed()
      : new BackupError('cut-short', `${place}: the manifest is cut short after ${bytes.length} bytes.`)
  }
  if (isRecord(value) && typeof value['format'] === 'string' && value['format'] !== 'portcullis-backup-1')
    throw new BackupError(
      'unsound',
      `${place}: this is a backup in another format (${value['format'].slice(0, 64)}); a newer release may know it.`,
    )
  if (!isManifest(value) || !manifestBytes(value).equals(bytes)) throw changed()
  return value
}

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value)) return false
  const { id, madeAt, program, base, parts, privateKeys, sealedFor, key, publicKey } = value
  return (
    matches(id, BACKUP_ID) &&
    Number.isSafeInteger(madeAt) &&
    [program, publicKey].every((text) => typeof text === 'string') &&
    matches(key, KEY_ID) &&
    typeof privateKeys === 'boolean' &&
    Array.isArray(sealedFor) &&
    (base === undefined || (isRecord(base) && matches(base['id'], BACKUP_ID) && matches(base['manifest'], DIGEST))) &&
    Array.isArray(parts) &&
    parts.every(isPart)
  )
}

const isPart = (part: unknown): boolean =>
  isRecord(part) &&
  matches(part['name'], PART_NAME) &&
  Number.isSafeInteger(part['bytes']) &&
  matches(part['sha256'], DIGEST)

const matches = (value: unknown, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value)

/** Throws BackupError unless a known key has signed the bytes. */
export function mustBeSigned(
  bytes: Buffer,
  { key }: Manifest,
  signature: string,
  keys: ReadonlyMap<string, KeyObject>,
  place: string,
): void {
  const known = keys.get(key)
  if (known === undefined) {
    const mend = 'name its public key with --key if you have it from elsewhere than the backup'
    throw new BackupError('untrusted', `${place}: it is signed with the key ${key}, which is not known here; ${mend}.`)
  }
  const decoded = Buffer.from(signature, 'base64url')
  const isOneText = decoded.toString('base64url') === signature
  if (!isOneText || !verify(null, Buffer.concat([Buffer.from(CONTEXT), bytes]), known, decoded))
    throw new BackupError(
      'untrusted',
      `${place}: the signature of the manifest is not valid; it was changed, or another key has signed it.`,
    )
}

/** The key that a manifest names, for whoever knows its id from elsewhere. Undefined when it is none. */
export function keyIn({ publicKey }: Pick<Manifest, 'publicKey'>): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(publicKey, 'base64url'), type: 'spki', format: 'der' })
  } catch {
    return undefined
  }
}
