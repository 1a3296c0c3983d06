/** What every TLS listener of the gateway speaks. */
import { constants } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import type { KeyPair } from './key-pair.ts'

/** Hybrid post-quantum first (draft-ietf-tls-ecdhe-mlkem), then the classical groups. */
const GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384']

let groups: string | undefined

/** Whom a listener asks for a certificate of their own. */
export interface ClientAuthorities {
  /** PEM. No other authority counts, not even those of the system. */
  readonly authorities: readonly string[]
  /** With `required` TLS itself refuses who has none; with `optional` a bad one is as good as none. */
  readonly mode: 'optional' | 'required'
}

/** TLS 1.3 only, HTTP/1.1 by ALPN, resumption by tickets. Pass the result to setSecureContext to renew. */
export function listenerTls(pair: KeyPair, clients?: ClientAuthorities): TlsOptions {
  return {
    ...(clients && clientOptions(clients)),
    cert: pair.certificate,
    key: pair.key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: supportedGroups(),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
  }
}

/** Without tickets each connection proves its certificate anew; a resumed one would stand on an old verdict. */
function clientOptions({ authorities, mode }: ClientAuthorities): TlsOptions {
  return {
    ca: [...authorities],
    requestCert: true,
    rejectUnauthorized: mode === 'required',
    secureOptions: constants.SSL_OP_NO_TICKET,
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
