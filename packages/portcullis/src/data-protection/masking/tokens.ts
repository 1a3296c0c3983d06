/**
 * Decides what a token is: a value that only the gateway can read, made so that one caller gets the same token for the same value and
 * nobody else can use it. Nothing is kept: the token is the value, sealed.
 *
 * Deterministic authenticated encryption by a synthetic nonce (Rogaway and Shrimpton 2006, the construction of RFC 5297) with
 * HMAC-SHA-256 as the pseudo-random function and AES-256-CTR. What is equal looks equal, to the one caller alone; nothing else shows,
 * and of the length only the block.
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../core/secret.ts'
import { VALUE_KINDS, type ValueKind } from '../../core/recognise/kinds.ts'

/** Keys of one tenant for tokens alone, derived from its data keys. */
export interface TokenKeys {
  /** Of the key that makes tokens now. */
  readonly version: number
  /** 32 bytes for one purpose; undefined when the key is gone. */
  derived(purpose: string, version: number): Secret<Buffer> | undefined
}

/** Whose tokens they are. */
export interface TokenOwner {
  readonly tenant: string
  readonly principal: string
}

const SIV_BYTES = 16
const BLOCK_BYTES = 16
/** Of a value in UTF-8. */
const MAX_BYTES = 1_024
const KINDS: ReadonlySet<string> = new Set(VALUE_KINDS)

/** Whatever looks like a token, in a text, or in an address that somebody has written as RFC 3986 wants it. */
export const TOKEN =
  /(?:«|%[cC]2%[aA][bB])([a-z][a-z-]{1,19})(?::|%3[aA])([1-9]\d{0,8})\.([A-Za-z0-9_-]{40,1500})(?:»|%[cC]2%[bB][bB])/g
const TOKEN_SIGN = /«|%C2%AB/i

export const hasTokenSign = (text: string): boolean => TOKEN_SIGN.test(text)

/** A token `«kind:version.text»`; undefined for a value of more than 1,024 bytes. */
export function makeToken(value: string, kind: ValueKind, owner: TokenOwner, keys: TokenKeys): string | undefined {
  const bytes = Buffer.from(value, 'utf8')
  // What no UTF-8 can carry would come back as something else.
  if (bytes.length > MAX_BYTES || bytes.toString('utf8') !== value) return undefined
  const own = keysOf(keys, keys.version)
  if (own === undefined) return undefined
  const text = padded(bytes)
  const siv = syntheticNonce(own.mac, owner, kind, keys.version, text)
  const cipher = createCipheriv('aes-256-ctr', own.encryption.reveal(), siv)
  const sealed = Buffer.concat([siv, cipher.update(text), cipher.final()])
  return `«${kind}:${keys.version}.${sealed.toString('base64url')}»`
}

/** The value; undefined for a token of somebody else, a changed one, or one whose key is gone. */
export function openToken(
  kind: string,
  version: number,
  text: string,
  owner: TokenOwner,
  keys: TokenKeys,
): string | undefined {
  const sealed = Buffer.from(text, 'base64url')
  if (!KINDS.has(kind) || sealed.toString('base64url') !== text) return undefined
  const own = keysOf(keys, version)
  if (own === undefined || sealed.length < SIV_BYTES + BLOCK_BYTES || sealed.length % BLOCK_BYTES !== 0)
    return undefined
  const siv = sealed.subarray(0, SIV_BYTES)
  const decipher = createDecipheriv('aes-256-ctr', own.encryption.reveal(), siv)
  const opened = Buffer.concat([decipher.update(sealed.subarray(SIV_BYTES)), decipher.final()])
  if (!timingSafeEqual(siv, syntheticNonce(own.mac, owner, kind, version, opened))) return undefined
  return opened.subarray(0, opened.lastIndexOf(END)).toString('utf8')
}

interface OwnKeys {
  readonly mac: Secret<Buffer>
  readonly encryption: Secret<Buffer>
}

function keysOf(keys: TokenKeys, version: number): OwnKeys | undefined {
  const mac = keys.derived('masking token, nonce', version)
  const encryption = keys.derived('masking token, text', version)
  return mac && encryption && { mac, encryption }
}

/** JSON keeps the parts apart whatever they hold. The length of what is bound in stands before the text. */
function syntheticNonce(key: Secret<Buffer>, owner: TokenOwner, kind: string, version: number, text: Buffer): Buffer {
  const about = Buffer.from(JSON.stringify([owner.tenant, owner.principal, kind, version]), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(about.length)
  return createHmac('sha256', key.reveal()).update(length).update(about).update(text).digest().subarray(0, SIV_BYTES)
}

const END = 0x80

/** Up to whole blocks (ISO/IEC 7816-4), so that the length of a name is not told. */
function padded(bytes: Buffer): Buffer {
  const whole = Buffer.alloc((Math.floor(bytes.length / BLOCK_BYTES) + 1) * BLOCK_BYTES)
  bytes.copy(whole)
  whole[bytes.length] = END
  return whole
}
