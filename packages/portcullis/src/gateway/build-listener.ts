import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { RequestHead } from '../core/exchange.ts'
import { MODERN_VERSION } from '../mcp/versions.ts'
import { serverCertificate } from '../pki/leaf.ts'
import type { KeyPair } from '../pki/key-pair.ts'
import { readOwnCertificate } from '../pki/own-certificate.ts'
import { startRenewal } from '../pki/renewal.ts'
import { readPublic } from '../pki/private-file.ts'
import { type ClientAuthorities, listenerTls } from '../pki/tls-options.ts'
import { ConnectionGate, FLOOD } from '../traffic/flood.ts'
import { Listener } from '../transport/listener.ts'
import type { EventJournal } from '../transport/reply.ts'
import type { Gate } from './gate.ts'

export interface OpenListener {
  readonly url: string
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
  const clients = clientAuthorities(config)
  const listener = new Listener({
    host: listen.host,
    port: listen.port,
    ...(pair && { tls: listenerTls(pair, clients) }),
    ...(clients && { readCertificate: (await import('../pki/client-certificate.ts')).readClientCertificate }),
    limits: FLOOD,
    clock,
    keepAliveMs: KEEP_ALIVE_MS,
    gate: new ConnectionGate(),
    serve: gate.serve,
    journal: (head) => journalFor(head, gate),
  })
  const port = await listener.listen()
  const renewal =
    obtain &&
    pair &&
    startRenewal({
      current: pair,
      obtain,
      clock,
      onChange: (renewed) => listener.renew(listenerTls(renewed, clients)),
      onFailure: (error) => log.error('the certificate could not be renewed', { error }),
    })
  const url =
    listen.publicUrl ??
    `${pair ? 'https' : 'http'}://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`
  return {
    url,
    async close(graceMs) {
      renewal?.stop()
      await listener.close(graceMs)
    },
  }
}

function certificateSource({ listen }: Config, layout: StateLayout): ((now: number) => Promise<KeyPair>) | undefined {
  if (listen.plaintext !== undefined) return undefined
  const { certificate, key, names = [] } = listen.tls ?? {}
  if (certificate !== undefined && key !== undefined) {
    return (now) => Promise.resolve(readOwnCertificate(certificate.file, key.file, now))
  }
  return (now) => serverCertificate(layout.authority, names, now)
}

function clientAuthorities({ listen }: Config): ClientAuthorities | undefined {
  const asked = listen.tls?.clientCertificates
  return asked && { authorities: asked.authorities.map(readPublic), mode: asked.mode }
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
