/** Decides how a value is sealed at rest: AES-256-GCM, bound to the very cell that it lies in. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Secret } from '../core/secret.ts'

/** The cell that a sealed value belongs to. What was sealed for one cell does not open in another. */
export interface Cell {
  readonly tenant: string
  readonly table: string
  readonly column: string
  /** Id of the row. */
  readonly row: string
}

/** A sealed value that does not open: changed, moved, or of a key that is gone. It never says which. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken'

  constructor(cause?: unknown) {
    super('a sealed value does not open', cause === undefined ? {} : { cause })
  }
}

/** Of AES-256. */
export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const FORM = /^s1\.([1-9]\d{0,8})\.([A-Za-z0-9_-]+)$/

/** As text: `s1.<key version>.<base64url of nonce, ciphertext, tag>`. `key` has 32 bytes. */
export function sealText(text: string, cell: Cell, version: number, key: Secret<Buffer>): string {
  return `s1.${version}.${sealBytes(Buffer.from(text, 'utf8'), cellBinding(cell, version), key).toString('base64url')}`
}

/** Throws SealBroken. */
export function openText(sealed: string, cell: Cell, keyOf: (version: number) => Secret<Buffer> | undefined): string {
  const { version, bytes } = parts(sealed)
  const key = keyOf(version)
  if (key === undefined) throw new SealBroken()
  return openBytes(bytes, cellBinding(cell, version), key).toString('utf8')
}

/** Version of the key with which a value was sealed. Throws SealBroken for what is no sealed value. */
export const versionOf = (sealed: string): number => parts(sealed).version

/** Nonce, ciphertext and tag. The nonce is random: one key seals far fewer than 2^32 values (NIST SP 800-38D §8.3). */
export function sealBytes(bytes: Buffer, binding: Buffer, key: Secret<Buffer>): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.reveal(), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(binding)
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

/** Throws SealBroken. */
export function openBytes(sealed: Buffer, binding: Buffer, key: Secret<Buffer>): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new SealBroken()
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', key.reveal(), nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(binding)
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
  } catch (cause) {
    throw new SealBroken(cause)
  }
}

export const randomKey = (): Secret<Buffer> => new Secret(randomBytes(KEY_BYTES))

/** JSON keeps the parts apart whatever they hold: `["a","b|c"]` is not `["a|b","c"]`. */
export const bindingOf = (...about: readonly (string | number)[]): Buffer => Buffer.from(JSON.stringify(about), 'utf8')

const cellBinding = ({ tenant, table, column, row }: Cell, version: number): Buffer =>
  bindingOf('cell', tenant, table, column, row, version)

function parts(sealed: string): { readonly version: number; readonly bytes: Buffer } {
  const [, version, text = ''] = FORM.exec(sealed) ?? []
  const bytes = Buffer.from(text, 'base64url')
  // The decoder is lenient; a sealed value has one spelling.
  if (version === undefined || bytes.toString('base64url') !== text) throw new SealBroken()
  return { version: Number(version), bytes }
}
