import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { RequestHead } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { MODERN_VERSION } from '../mcp/versions.ts'
import { serverCertificate } from '../pki/leaf.ts'
import type { KeyPair } from '../pki/key-pair.ts'
import { readOwnCertificate } from '../pki/own-certificate.ts'
import { startRenewal } from '../pki/renewal.ts'
import { readPublic } from '../pki/private-file.ts'
import { type ClientAuthorities, listenerTls } from '../pki/tls-options.ts'
import { ConnectionGate, FLOOD } from '../traffic/flood.ts'
import type { ClientProofOptions } from '../transport/client-proof.ts'
import { Listener } from '../transport/listener.ts'
import type { EventJournal } from '../transport/reply.ts'
import type { Gate } from './gate.ts'
import { Validation } from './build-validation.ts'
import { ownStaple } from './own-staple.ts'
import { TrustBundles } from './trust-bundles.ts'

export interface OpenListener {
  readonly url: string
  /** Of SPIFFE trust domains; empty when none is configured. */
  readonly bundles: TrustBundles
  readonly validation: Validation
  /** Where it listens on this host. */
  readonly port: number
  /** Event streams that are open. */
  openStreams(): number
  close(graceMs: number): Promise<void>
}

/** Comments on silent streams, often enough for the idle times of common load balancers. */
const KEEP_ALIVE_MS = 15_000

/** Binds first, so that a taken port is told before anything else is started. */
export async function openListener(
  config: Config,
  layout: StateLayout,
  clock: Clock,
  log: Logger,
  gate: Gate,
): Promise<OpenListener> {
  const { listen } = config
  const obtain = certificateSource(config, layout)
  const pair = obtain && (await obtain(clock.now()))
  const bundles = trustBundles(config, log)
  const clientsNow = clientAuthorities(config, bundles)
  const clients = clientsNow()
  const validation = new Validation({ layout, clock, log })
  const staple = pair && (await ownStaple(config, pair.certificate, { validation, clock, log }))
  const listener = new Listener({
    host: listen.host,
    port: listen.port,
    ...(pair && { tls: listenerTls(pair, clients) }),
    ...(clients && { clients: await clientProof(config, validation, clientsNow) }),
    ...(staple && { staple: () => staple.current }),
    limits: FLOOD,
    clock,
    keepAliveMs: KEEP_ALIVE_MS,
    gate: new ConnectionGate(),
    serve: gate.serve,
    journal: (head) => journalFor(head, gate),
  })
  const port = await listener.listen()
  const renewed = (current: KeyPair) => void staple?.use(current.certificate)
  const parts = { listener, pair, obtain, bundles, clientsNow, renewed, clock, log }
  const stop = pair && obtain !== undefined && keepCurrent({ ...parts, pair, obtain })
  return {
    url: urlOf(config, port, pair === undefined ? 'http' : 'https'),
    port,
    bundles,
    validation,
    openStreams: () => listener.openStreams,
    async close(graceMs) {
      if (stop) stop()
      staple?.stop()
      await listener.close(graceMs)
    },
  }
}

function urlOf({ listen: { host, publicUrl } }: Config, port: number, scheme: 'http' | 'https'): string {
  return publicUrl ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface Current {
  readonly listener: Pick<Listener, 'renew'>
  readonly pair: KeyPair
  readonly obtain: (now: number) => Promise<KeyPair>
  readonly bundles: TrustBundles
  readonly clientsNow: () => ClientAuthorities | undefined
  /** Told of another certificate of ours. */
  readonly renewed: (pair: KeyPair) => void
  readonly clock: Clock
  readonly log: Logger
}

/** Gives new connections the certificate and the authorities that there are then. Returns what ends that. */
function keepCurrent({ listener, pair, obtain, bundles, clientsNow, renewed, clock, log }: Current): () => void {
  let current = pair
  const renew = () => listener.renew(listenerTls(current, clientsNow()))
  const renewal = startRenewal({
    current,
    obtain,
    clock,
    onChange: (next) => {
      current = next
      renewed(next)
      renew()
    },
    onFailure: (error) => log.error('the certificate could not be renewed', { error }),
  })
  bundles.follow(renew)
  return () => {
    renewal.stop()
    bundles.close()
  }
}

/** What parses certificates of clients takes long to load, so it is loaded where clients are asked for some. */
async function clientProof(
  { listen }: Config,
  validation: Validation,
  clientsNow: () => ClientAuthorities | undefined,
): Promise<ClientProofOptions> {
  const { readClientCertificate } = await import('../pki/client-certificate.ts')
  const rules = listen.tls?.clientCertificates
  if (rules === undefined) throw new Fault('internal', { reason: 'client certificates without rules' })
  const proof = await validation.clients(rules, () => clientsNow()?.authorities ?? [])
  return { readCertificate: readClientCertificate, ...proof }
}

function certificateSource(config: Config, layout: StateLayout): ((now: number) => Promise<KeyPair>) | undefined {
  return config.listen.plaintext === undefined ? ownCertificate(config, layout) : undefined
}

/** The certificate that `listen.tls` names, or one of the local authority. */
export function ownCertificate({ listen }: Config, layout: StateLayout): (now: number) => Promise<KeyPair> {
  const { certificate, key, names = [] } = listen.tls ?? {}
  if (certificate !== undefined && key !== undefined) {
    return (now) => Promise.resolve(readOwnCertificate(certificate.file, key.file, now))
  }
  return (now) => serverCertificate(layout.authority, names, now)
}

/** Those that are listed are read once; those of bundles are as they are when it is asked. */
function clientAuthorities({ listen }: Config, bundles: TrustBundles): () => ClientAuthorities | undefined {
  const asked = listen.tls?.clientCertificates
  const listed = asked?.authorities.map(readPublic) ?? []
  return () => asked && { authorities: [...listed, ...bundles.authorities], mode: asked.mode }
}

/** Connections that are open stay; whose authority has left its bundle is nobody on them any more. */
function trustBundles({ listen }: Config, log: Logger): TrustBundles {
  const { trustBundles: files = {}, bundleSeconds = 5 } = listen.tls?.clientCertificates ?? {}
  return new TrustBundles({
    files,
    everySeconds: bundleSeconds,
    onChange: (trustDomain, authorities) => log.info('a trust bundle has changed', { trustDomain, authorities }),
    onFailure: (trustDomain, error) => log.error('a trust bundle cannot be used', { trustDomain, error }),
  })
}

/**
 * A stream that is resumed goes on under the ids of the one that was lost. Only clients of 2025-11-25 know an event
 * without data, which gives a stream its first id (SEP-1699).
 */
function journalFor({ method, headers }: RequestHead, gate: Gate): EventJournal | undefined {
  const session = headers['mcp-session-id']
  const version = headers['mcp-protocol-version']
  if (typeof session !== 'string' || version === MODERN_VERSION) return undefined
  const journal = gate.journalOf(session)
  if (method === 'GET') return journal?.resume(String(headers['last-event-id'] ?? ''))
  const stream = journal?.begin()
  if (stream === undefined) return undefined
  return {
    ...(version === '2025-11-25' && { primeId: stream.idOf(0) }),
    record: (message, length) => stream.record(message, length),
    end: () => stream.end(),
  }
}
