/** Configuration to what everybody may ask about certificates of the local authority, and the answers that need no network. */
import { existsSync } from 'node:fs'
import type { Logger } from '../audit/log.ts'
import { hostInUrl } from '../config/host-in-url.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Announce } from '../pki/authority/hierarchy.ts'
import { LocalAuthority } from '../pki/authority/local-authority.ts'
import { authorityPlaces } from '../pki/authority/places.ts'
import { PUBLISHED_PATH } from '../pki/authority/pointers.ts'
import type { Publisher } from '../pki/authority/publisher.ts'
import { PkiError } from '../pki/pki-error.ts'
import { readPublic } from '../pki/private-file.ts'
import type { FetchBytes } from '../pki/revocation/lists.ts'
import { ConnectionGate } from '../traffic/flood.ts'
import { MemoryRateStore } from '../traffic/memory-rate-store.ts'
import { networkKey } from '../traffic/network.ts'
import { type ByteAnswer, type ByteQuestion, ByteServer } from '../transport/byte-server.ts'

export interface PublicationParts {
  readonly config: Pick<Config, 'listen'>
  readonly layout: Pick<StateLayout, 'authority'>
  readonly clock: Clock
  readonly log: Logger
  /** Told of each intermediate before it is made. */
  readonly announce?: Announce
}

export interface Publication {
  readonly url: string
  /** Where it listens on this host. */
  readonly port: number
  /** What we ask of ourselves is answered here; undefined for every other address. */
  readonly own: (url: string, body?: { readonly bytes: Buffer }) => Buffer | undefined
  close(): Promise<void>
}

const LIMITS = { maxBodyBytes: 8_192, maxConnections: 200 } as const
const PER_ADDRESS = 20
/** Each answer of the responder costs a signature. A proxy before many clients is one address, so it is far above what one asks. */
const REQUESTS_PER_ADDRESS = { permits: 20, perSeconds: 1, burst: 400 } as const
const MAX_ADDRESSES = 20_000
const MAX_PROBLEMS = 100
/** A revocation has to be seen at once, so nobody on the way may keep an answer. */
const HEADERS = { 'cache-control': 'no-cache' } as const

/** The origin that certificates name; undefined when nothing is published. */
export function revocationUrl({ listen: { revocation } }: Pick<Config, 'listen'>): string | undefined {
  if (revocation === undefined) return undefined
  const { host, port, url } = revocation
  return url ?? `http://${hostInUrl(host)}:${port}`
}

/** The local authority as the configuration wants it. Rejects with PkiError. */
export const openLocalAuthority = (parts: Omit<PublicationParts, 'log'>): Promise<LocalAuthority> => {
  const { config, layout, clock, announce } = parts
  return LocalAuthority.open({ folder: layout.authority, clock, url: revocationUrl(config), announce })
}

/** What administrators reach of the local authority. */
export interface AuthorityDesk {
  /** Where its files are; no concern of anybody who asks from afar. */
  readonly folder: string
  /** Origin at which revocations are published. */
  readonly url: string | undefined
  /** Makes it where there is none. Rejects with PkiError. */
  open(): Promise<LocalAuthority>
  /** Undefined where there is none. Rejects with PkiError. */
  known(): Promise<LocalAuthority | undefined>
  /** What clients trust, PEM, that of an earlier set-up too; undefined where there is nothing of the kind. */
  bundle(): string | undefined
}

export function authorityDesk(parts: Omit<PublicationParts, 'log'>): AuthorityDesk {
  const { config, layout } = parts
  const { issuer, bundle } = authorityPlaces(layout.authority)
  const open = () => openLocalAuthority(parts)
  return {
    ...{ folder: layout.authority, url: revocationUrl(config), open },
    known: async () => (existsSync(issuer) ? open() : undefined),
    bundle: () => (existsSync(bundle) ? readPublic(bundle) : undefined),
  }
}

/** Undefined when nothing is to be published; then nothing is loaded. Rejects with PkiError, or with the system's error. */
export async function publishRevocations(parts: PublicationParts): Promise<Publication | undefined> {
  const { config, layout, clock, log } = parts
  const { revocation } = config.listen
  const url = revocationUrl(config)
  if (revocation === undefined || url === undefined) return undefined
  if (!URL.canParse(url)) {
    const wrong = `nobody else can ask at ${url}, the address that certificates would name`
    throw new PkiError(wrong, 'name one under which clients reach it in listen.revocation.url')
  }
  await openLocalAuthority(parts)
  const { Publisher: Published } = await import('../pki/authority/publisher.ts')
  const publisher = new Published(layout.authority, clock)
  const server = new ByteServer({
    ...{ host: revocation.host, port: revocation.port, ...LIMITS },
    gate: new ConnectionGate(PER_ADDRESS),
    waitSeconds: waitingOf(clock),
    answer: (question) => answerOf(publisher, question),
    onFailure: oncePerProblem((error) => log.error('what is revoked could not be told', { error })),
  })
  const port = await server.listen()
  log.info('revocations are published', { url: url + PUBLISHED_PATH, port })
  return {
    ...{ url, port, close: () => server.close() },
    own(asked, body) {
      if (!asked.startsWith(`${url}${PUBLISHED_PATH}/`)) return undefined
      const method = body === undefined ? 'GET' : 'POST'
      const type = body === undefined ? '' : 'application/ocsp-request'
      const question = { method, path: asked.slice(url.length), type, body: body?.bytes ?? Buffer.alloc(0) }
      return answerOf(publisher, question).bytes
    },
  }
}

/** By the network that an address belongs to, as all limits by address are. */
function waitingOf(clock: Clock): (address: string) => number | undefined {
  const store = new MemoryRateStore(clock, { maxKeys: MAX_ADDRESSES })
  return (address) => {
    const verdict = store.take([{ key: networkKey(address), cost: 1, rule: REQUESTS_PER_ADDRESS }])
    return verdict.allowed ? undefined : verdict.retryAfterSeconds
  }
}

/** Everybody can ask, so what is wrong here is told once and not with each question. */
function oncePerProblem(tell: (thrown: unknown) => void): (thrown: unknown) => void {
  const told = new Set<string>()
  return (thrown) => {
    const what = thrown instanceof Error ? thrown.message : ''
    if (told.has(what) || told.size >= MAX_PROBLEMS) return
    told.add(what)
    tell(thrown)
  }
}

/** Asks ourselves without the network, and others by it. */
export function askingOurselves(own: Publication['own'], others: FetchBytes): FetchBytes {
  return async (url, body) => own(url, body) ?? others(url, body)
}

const FILE = /^\/(root|[0-9a-f]{16})\.(crl|crt)$/
/** Longer ones are asked by POST (RFC 5019 §5); base64 in a path, percent-encoded by some. */
const MAX_PATH_CHARS = 1_024

function answerOf(publisher: Publisher, { method, path, type, body }: ByteQuestion): ByteAnswer {
  const below = path.startsWith(`${PUBLISHED_PATH}/`) ? path.slice(PUBLISHED_PATH.length) : ''
  const isRead = method === 'GET' || method === 'HEAD'
  if (below === '/ocsp' || below.startsWith('/ocsp/')) {
    if (method === 'POST' && below === '/ocsp')
      return type === 'application/ocsp-request' ? ocsp(publisher, body) : { status: 415 }
    if (!isRead || below === '/ocsp') return { status: 405, headers: { allow: 'GET, POST' } }
    return path.length > MAX_PATH_CHARS ? { status: 414 } : ocsp(publisher, decoded(below.slice('/ocsp/'.length)))
  }
  const [, name = '', kind] = FILE.exec(below) ?? []
  if (kind === undefined) return { status: 404 }
  if (!isRead) return { status: 405, headers: { allow: 'GET' } }
  const bytes = kind === 'crl' ? publisher.list(name) : publisher.certificate(name)
  if (bytes === undefined) return { status: 404 }
  return {
    status: 200,
    type: kind === 'crl' ? 'application/pkix-crl' : 'application/pkix-cert',
    bytes,
    headers: HEADERS,
  }
}

function ocsp(publisher: Publisher, request: Buffer): ByteAnswer {
  return { status: 200, type: 'application/ocsp-response', bytes: publisher.ocsp(request), headers: HEADERS }
}

/** Nothing for what is no base64: the responder then says that it cannot read it. */
function decoded(text: string): Buffer {
  try {
    const plain = decodeURIComponent(text)
    return /^[A-Za-z0-9+/]+={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : Buffer.alloc(0)
  } catch {
    return Buffer.alloc(0)
  }
}
