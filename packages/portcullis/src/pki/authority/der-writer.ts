/**
 * Writes DER (X.690 §8, §10): the few forms of lists and OCSP answers. The library that reads and writes any ASN.1 makes an object of
 * each part; with it a list of ten thousand entries held up everybody for seconds, and whoever asks needs no credential.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { TAG } from '../validation/der.ts'
import type { Issuer } from './issuer.ts'

/** One element with this identifier octet, whose content is these parts. */
export function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([header(tag, length), ...parts])
}

export const sequence = (...parts: readonly Buffer[]): Buffer => element(TAG.sequence, ...parts)
export const octets = (content: Buffer): Buffer => element(TAG.octetString, content)
export const enumerated = (value: number): Buffer => element(TAG.enumerated, Buffer.of(value))

/** A positive number, from its octets; leading zeros do no harm. */
export function integer(bytes: Buffer): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const short = bytes.subarray(start)
  return element(TAG.integer, (short[0] ?? 0) < 0x80 ? short : Buffer.concat([Buffer.of(0), short]))
}

/** As certificates and lists have it: two digits of the year until 2049 (RFC 5280 §4.1.2.5). `at` in milliseconds. */
export function time(at: number): Buffer {
  const digits = digitsOf(at)
  const isShort = digits < '2050'
  return element(isShort ? TAG.utcTime : TAG.generalizedTime, Buffer.from(isShort ? digits.slice(2) : digits))
}

/** As OCSP has it (RFC 6960 §4.2.2). `at` in milliseconds. */
export const longTime = (at: number): Buffer => element(TAG.generalizedTime, Buffer.from(digitsOf(at)))

/** Not critical; `oid` and `value` are DER. */
export const extension = (oid: Buffer, value: Buffer): Buffer => sequence(oid, octets(value))

/** AlgorithmIdentifier of ECDSA with SHA-256, which has no parameters (RFC 5758 §3.2). */
export const ECDSA_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'))

/** What was to be signed, the algorithm, and the signature of the issuer. */
export function signedBy(issuer: Pick<Issuer, 'leaf' | 'key'>, data: Buffer): Buffer {
  const signature = sign('sha256', data, keyOf(issuer))
  return sequence(data, ECDSA_SHA256, element(TAG.bitString, Buffer.of(0), signature))
}

const keys = new WeakMap<Issuer['leaf'], KeyObject>()

function keyOf({ leaf, key }: Pick<Issuer, 'leaf' | 'key'>): KeyObject {
  const known = keys.get(leaf) ?? createPrivateKey(key)
  keys.set(leaf, known)
  return known
}

const digitsOf = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`

function header(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.of(tag, 0x80 + bytes.length, ...bytes)
}
