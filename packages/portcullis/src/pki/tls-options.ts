/** What every TLS listener of the gateway speaks. */
import { createSecureContext } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import type { KeyPair } from './key-pair.ts'

/** Hybrid post-quantum first (draft-ietf-tls-ecdhe-mlkem), then the classical groups. */
const GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384']

let groups: string | undefined

/** TLS 1.3 only, HTTP/1.1 by ALPN, resumption by tickets. Pass `cert` and `key` to setSecureContext to renew. */
export function listenerTls(pair: KeyPair): TlsOptions {
  return {
    cert: pair.certificate,
    key: pair.key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: supportedGroups(),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
  }
}

/** The groups of our list that this OpenSSL knows: ML-KEM came with OpenSSL 3.5. */
export function supportedGroups(): string {
  groups ??= GROUPS.filter(known).join(':')
  return groups
}

function known(group: string): boolean {
  try {
    createSecureContext({ ecdhCurve: group })
    return true
  } catch {
    return false
  }
}
