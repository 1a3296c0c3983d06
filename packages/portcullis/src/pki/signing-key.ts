/** The keys that certificates are made for and signed with: ECDSA over P-256, PEM outside. Loads no library. */
import { randomBytes, webcrypto } from 'node:crypto'

export const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const
export const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const

export function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])
}

/** Positive, 126 random bits, 16 octets, hex (RFC 5280 §4.1.2.2): no two are ever the same, whoever issues meanwhile. */
export function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

/** PEM, PKCS #8. */
export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`
}

export function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  return webcrypto.subtle.importKey('pkcs8', der, EC, false, ['sign'])
}
