import type { Logger } from '../audit/log.ts'
import { hostInUrl } from '../config/host-in-url.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { RequestHead } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { MODERN_VERSION } from '../mcp/versions.ts'
import type { KeyPair } from '../pki/key-pair.ts'
import { startRenewal } from '../pki/renewal.ts'
import { readPublic } from '../pki/private-file.ts'
import { type ClientAuthorities, type ListenerChoices, listenerTls } from '../pki/tls-options.ts'
import { ConnectionGate, FLOOD, HTTP2_FLOOD } from '../traffic/flood.ts'
import { Misconduct } from '../traffic/misconduct.ts'
import type { ClientProofOptions } from '../transport/client-proof.ts'
import { Listener } from '../transport/listener.ts'
import type { EventJournal } from '../transport/reply.ts'
import type { Gate } from './gate.ts'
import { Validation } from './build-validation.ts'
import { type Own, type OwnParts, openOwn } from './open-own.ts'
import type { IssuanceRecord, ObtainCertificate } from './own-certificate.ts'
import { ownStaple } from './own-staple.ts'
import { OwnSteps } from './own-steps.ts'
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
  /** Certificates that were issued for ourselves go on record there. */
  readonly issuance: Pick<IssuanceRecord, 'recordIn'>
  /** Gives new connections another certificate of the local authority; one of the operator's own is read again. */
  renewCertificate(): Promise<void>
  /** From now on certificates of clients are asked about with every request, by their thumbprints. */
  refuseRevoked(isRevoked: (thumbprint: string) => boolean): void
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
  const parts = { config, layout, clock, log }
  const own = await openOwn(parts)
  try {
    return await openWith(own, { ...parts, gate })
  } catch (thrown) {
    await own.close()
    throw thrown
  }
}

async function openWith(own: Own, { config, layout, clock, log, gate }: OwnParts & { readonly gate: Gate }) {
  const { listen } = config
  const pair = own.shown?.pair
  const bundles = trustBundles(config, log)
  const { steps, clientsNow } = clientAuthorities(config, layout, clock, bundles)
  const clients = clientsNow()
  const choices = { minVersion: listen.tls?.minVersion, http2: pair !== undefined && listen.tls?.http2 !== 'off' }
  const validation = new Validation({ layout, clock, log, own: own.publication?.own, outbound: config.outbound })
  const staple = pair && (await ownStaple(config, pair.certificate, { validation, clock, log }))
  const { isRevoked } = own.revoked
  const { sockets, onAbuse } = doorOf(config, clock, log)
  const listener = new Listener({
    host: listen.host,
    port: listen.port,
    ...(pair && { tls: listenerTls(pair, { ...choices, clients }) }),
    ...(choices.http2 && {
      http2: { limits: HTTP2_FLOOD, gate: new ConnectionGate(HTTP2_FLOOD.maxStreamsPerAddress), onAbuse },
    }),
    ...(clients && { clients: { ...(await clientProof(config, validation, clientsNow)), isRevoked } }),
    ...(staple && { staple: () => staple.current }),
    limits: FLOOD,
    clock,
    keepAliveMs: KEEP_ALIVE_MS,
    gate: sockets,
    serve: gate.serve,
    journal: (head) => journalFor(head, gate),
  })
  const port = await listener.listen()
  const renewed = (current: KeyPair) => void staple?.use(current.certificate)
  const kept =
    own.shown && keepCurrent({ listener, choices, ...own.shown, steps, bundles, clientsNow, renewed, clock, log })
  const url = urlOf(config, port, pair === undefined ? 'http' : 'https')
  return {
    ...{ url, port, bundles, validation, issuance: own.issuance, openStreams: () => listener.openStreams },
    refuseRevoked: (is: (thumbprint: string) => boolean) => own.revoked.use(is),
    renewCertificate: async () => kept?.renew(),
    async close(graceMs: number) {
      kept?.stop()
      staple?.stop()
      await own.close()
      await listener.close(graceMs)
    },
  }
}

/** Who is let in at all, by address. */
function doorOf(config: Config, clock: Clock, log: OwnParts['log']) {
  const open = new ConnectionGate()
  const misconduct = new Misconduct({ burst: config.limits.abusiveConnections, now: () => clock.now() })
  const onAbuse = (address: string): void => {
    if (misconduct.tell(address))
      log.warn('connections of this address are refused for a while: it abused HTTP/2', { address })
  }
  const admit = (address: string): boolean => !misconduct.isBarred(address) && open.admit(address)
  return { sockets: { admit, release: (address: string) => open.release(address) }, onAbuse }
}

function urlOf({ listen: { host, publicUrl } }: Config, port: number, scheme: 'http' | 'https'): string {
  return publicUrl ?? `${scheme}://${hostInUrl(host)}:${port}`
}

interface Current {
  readonly listener: Pick<Listener, 'renew'>
  readonly choices: ListenerChoices
  readonly pair: KeyPair
  readonly obtain: ObtainCertificate
  readonly steps: OwnSteps
  readonly bundles: TrustBundles
  readonly clientsNow: () => ClientAuthorities | undefined
  /** Told of another certificate of ours. */
  readonly renewed: (pair: KeyPair) => void
  readonly clock: Clock
  readonly log: Logger
}

/** Gives new connections the certificate and the authorities that there are then, until it is stopped. */
function keepCurrent({ listener, choices, pair, obtain, steps, bundles, clientsNow, renewed, clock, log }: Current) {
  let current = pair
  const renew = () => listener.renew(listenerTls(current, { ...choices, clients: clientsNow() }))
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
  steps.follow(renew)
  return {
    async renew() {
      await obtain(clock.now(), true)
      await renewal.check()
    },
    stop() {
      renewal.stop()
      bundles.close()
      steps.close()
    },
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

/** Those that are listed are read once; those of bundles, and intermediates of ours, are as they are when it is asked. */
function clientAuthorities({ listen }: Config, layout: StateLayout, clock: Clock, bundles: TrustBundles) {
  const asked = listen.tls?.clientCertificates
  const listed = asked?.authorities.map(readPublic) ?? []
  const steps = new OwnSteps(layout, listed, clock)
  const clientsNow = (): ClientAuthorities | undefined =>
    asked && { authorities: [...listed, ...steps.current, ...bundles.authorities], mode: asked.mode }
  return { steps, clientsNow }
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
