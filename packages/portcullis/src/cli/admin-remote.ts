/** Sends administrators' requests to a running gateway, over its own listener. */
import { existsSync, readFileSync } from 'node:fs'
import { type RequestOptions, request as tlsRequest } from 'node:https'
import type { PeerCertificate, SecureContextOptions } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import { http } from '../core/node-http.ts'
import { stateLayout } from '../config/state-layout.ts'
import { ADMIN_BASE } from '../admin/match.ts'
import type { RunningNote } from '../gateway/running-note.ts'
import { authorityFile } from '../pki/authority.ts'
import { readPrivate } from '../pki/private-file.ts'
import type { AdminReply, AdminRequest, AdminSend } from './admin-call.ts'
import { CommandError, EXIT } from './exit.ts'
import type { Terminal } from './terminal.ts'

export interface RemoteOptions {
  readonly url?: string
  readonly keyFile?: string
  readonly ca?: string
}

/** Where the gateway is, and how it is known to be it. */
interface Door {
  readonly origin: URL
  /** Where to connect, when that is not what the origin says. */
  readonly connect: RequestOptions
}

const MAX_ANSWER_BYTES = 16_777_216
const PATIENCE_MS = 30_000

/** The key is that which is named, or that in the state folder of `config`. Throws CommandError when there is none. */
export function remoteAdmin(
  door: Door,
  options: RemoteOptions,
  config: Config | undefined,
  terminal: Terminal,
): AdminSend {
  const key = readKey(options, config, terminal)
  return (request) => ask(door, key, request)
}

/** The gateway of `--url`. Throws CommandError for what is no https URL: a key must not travel in the open. */
export function namedDoor(url: string, { ca }: RemoteOptions, config: Config | undefined): Door {
  const origin = URL.parse(url)
  const isLoopback = origin !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(origin.hostname)
  if (origin === null || !(origin.protocol === 'https:' || (origin.protocol === 'http:' && isLoopback)))
    throw new CommandError(EXIT.usage, '--url is the https URL of the gateway, such as https://127.0.0.1:8443')
  return { origin, connect: trusted(ca, config) }
}

/**
 * The gateway of this host, by its note: reached on loopback, whatever name others know it by. Whether it speaks TLS is told
 * by the configuration, never by the note: a proxy may stand before it, and a key must not travel in the open.
 */
export function localDoor({ url, port }: RunningNote, { ca }: RemoteOptions, config: Config): Door {
  const { host, plaintext } = config.listen
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const origin = new URL(url)
  origin.protocol = plaintext === undefined ? 'https:' : 'http:'
  return { origin, connect: { host: address, port, servername: 'localhost', ...trusted(ca, config) } }
}

/** The local authority, or the very certificate that the configuration names: its names are for others than us. */
function trusted(ca: string | undefined, config: Config | undefined): RequestOptions {
  if (ca !== undefined) return { ca: readFileSync(ca, 'utf8') }
  const own = config?.listen.tls?.certificate?.file
  if (own !== undefined) return pinned(readFileSync(own, 'utf8'))
  const authority = config && authorityFile(stateLayout(config).authority)
  return authority !== undefined && existsSync(authority) ? { ca: readFileSync(authority, 'utf8') } : {}
}

/** Without a partial chain only the root would do, which we need not have. */
function pinned(pem: string): RequestOptions & SecureContextOptions {
  const { fingerprint256 } = new X509Certificate(pem)
  return {
    ca: pem,
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      certificate.fingerprint256 === fingerprint256
        ? undefined
        : new Error('this is not the certificate of the gateway'),
  }
}

function readKey({ keyFile }: RemoteOptions, config: Config | undefined, { environment }: Terminal): string {
  const named = keyFile ?? environment['PORTCULLIS_KEY_FILE']
  const usual = config && stateLayout(config).adminKey
  const file = named ?? (usual !== undefined && existsSync(usual) ? usual : undefined)
  if (file === undefined)
    throw new CommandError(
      EXIT.usage,
      'An administrator has to ask this gateway: name the file of a key with --key-file or PORTCULLIS_KEY_FILE.',
    )
  return readPrivate(file).trim()
}

function ask({ origin, connect }: Door, key: string, request: AdminRequest): Promise<AdminReply> {
  const { method, path, query = {}, body, ifMatch } = request
  const search = new URLSearchParams(
    Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  const bytes = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    host: origin.host,
    authorization: `Bearer ${key}`,
    ...(bytes !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
    ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
  }
  const target: RequestOptions = {
    ...{ host: origin.hostname.replace(/^\[|\]$/g, ''), port: origin.port },
    ...connect,
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: a key goes to nobody who is not known.
    rejectUnauthorized: true,
    ...{ method, path: `${ADMIN_BASE}${path}?${String(search)}`, headers, agent: false, timeout: PATIENCE_MS },
  }
  return exchange(origin, target, bytes)
}

function exchange(origin: URL, target: RequestOptions, bytes: string | undefined): Promise<AdminReply> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown) => reject(unreachable(origin, cause))
    const sent = (origin.protocol === 'http:' ? http.request : tlsRequest)(target, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_ANSWER_BYTES) sent.destroy(new Error('the answer is too long'))
        chunks.push(chunk)
      })
      response.on('error', failed)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, document: parsed(Buffer.concat(chunks)) }))
    })
    sent.on('error', failed)
    sent.on('timeout', () => sent.destroy(new Error('it does not answer')))
    sent.end(bytes)
  })
}

function parsed(bytes: Buffer): AdminReply['document'] {
  try {
    return JSON.parse(bytes.toString('utf8')) as AdminReply['document']
  } catch {
    return {}
  }
}

function unreachable(origin: URL, cause: unknown): CommandError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CommandError(EXIT.unavailable, `The gateway at ${origin.origin} cannot be asked: ${reason}.`, cause)
}
