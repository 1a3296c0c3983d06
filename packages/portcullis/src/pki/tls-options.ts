/** What every TLS listener of the gateway speaks. */
import { constants } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import type { KeyPair } from './key-pair.ts'
import { TICKET_KEY_MS } from './ticket-keys.ts'

/** Hybrid post-quantum (draft-ietf-tls-ecdhe-mlkem), for whoever knows it: what is recorded today may be read one day. */
const HYBRID = 'X25519MLKEM768'
const CLASSICAL = ['X25519', 'P-256', 'P-384']

/** Of TLS 1.2: a client could ask for one after the other, each of which costs us more than it. */
const NO_SECOND_HANDSHAKE = constants.SSL_OP_NO_RENEGOTIATION
/**
 * A session of TLS 1.3 carries the certificate that it began with, which is judged anew each time it is resumed. One of TLS 1.2 can be
 * that of another client where its secret is not bound to the handshake (RFC 7627 §1), so there each connection shows its own.
 */
const PROVED_EACH_TIME = constants.SSL_OP_NO_TICKET

/** Of TLS 1.2, key agreement with forward secrecy and authenticated encryption alone (RFC 9325 §4.2). */
const SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

let groups: string | undefined

/** Whom a listener asks for a certificate of their own. */
export interface ClientAuthorities {
  /** PEM. No other authority counts, not even those of the system. */
  readonly authorities: readonly string[]
  /** With `required` TLS itself refuses who has none; with `optional` a bad one is as good as none. */
  readonly mode: 'optional' | 'required'
}

export interface ListenerChoices {
  readonly clients?: ClientAuthorities | undefined
  /** Default: TLS 1.3. */
  readonly minVersion?: 'TLSv1.3' | 'TLSv1.2' | undefined
  /** Offers HTTP/2 before HTTP/1.1. */
  readonly http2?: boolean
}

/**
 * Protocols as a function: of a list, Node keeps a copy for each connection, a few bytes in a pool of 64 KB that then stays for
 * as long as the connection does.
 */
const chooseHttp1 = ({ protocols }: Offered): string | undefined => protocols.find((name) => name === 'http/1.1')
const chooseEither = (offered: Offered): string | undefined =>
  offered.protocols.find((name) => name === 'h2') ?? chooseHttp1(offered)

interface Offered {
  readonly protocols: readonly string[]
}

/** TLS 1.3 unless told otherwise, protocols by ALPN, resumption by tickets. Pass the result to setSecureContext to renew. */
export function listenerTls(
  pair: KeyPair,
  { clients, minVersion = 'TLSv1.3', http2 }: ListenerChoices = {},
): TlsOptions {
  return {
    ...(clients && clientOptions(clients)),
    ...(minVersion === 'TLSv1.2' && { ciphers: SUITES }),
    secureOptions:
      clients !== undefined && minVersion === 'TLSv1.2' ? NO_SECOND_HANDSHAKE | PROVED_EACH_TIME : NO_SECOND_HANDSHAKE,
    cert: pair.certificate,
    key: pair.key,
    minVersion,
    maxVersion: 'TLSv1.3',
    ecdhCurve: supportedGroups(),
    ALPNCallback: http2 === true ? chooseEither : chooseHttp1,
    handshakeTimeout: 10_000,
    sessionTimeout: TICKET_KEY_MS / 1_000,
  }
}

function clientOptions({ authorities, mode }: ClientAuthorities): TlsOptions {
  return { ca: [...authorities], requestCert: true, rejectUnauthorized: mode === 'required' }
}

/** The groups of ours that this OpenSSL knows: ML-KEM came with 3.5, and so did the slash, which puts what is before it first. */
export function supportedGroups(): string {
  groups ??= [...(known(`${HYBRID}/X25519`) ? [`${HYBRID}/`] : []), CLASSICAL.filter(known).join(':')].join('')
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
