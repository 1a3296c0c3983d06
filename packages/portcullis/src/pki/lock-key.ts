/** Decides with which key this installation signs its lock: its own Ed25519 key, in one private file. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { PkiError } from './pki-error.ts'
import { readPrivate, writeWhole } from './private-file.ts'

/** Reads the key (PEM, PKCS #8), or makes it (mode 0600) with its public half beside it (`.pub`). Throws PkiError. */
export function loadLockKey(file: string): KeyObject {
  const known = readLockKey(file)
  if (known !== undefined) return known
  makeKey(file)
  return readLockKey(file) as KeyObject
}

/** The key; undefined when there is none: whoever only checks must not make one. Throws PkiError. */
export function readLockKey(file: string): KeyObject | undefined {
  if (!existsSync(file)) return undefined
  const key = parse(readPrivate(file), file)
  if (key.asymmetricKeyType !== 'ed25519')
    throw new PkiError(`${file} is no Ed25519 key`, 'remove it; a new one is made')
  return key
}

function makeKey(file: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  writeWhole(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600)
  writeWhole(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644)
}

function parse(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (thrown) {
    throw new PkiError(`${file} holds no key that can be read`, 'restore it from a copy', thrown)
  }
}
