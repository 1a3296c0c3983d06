/** Configuration to what certificates of others are held against. What parses them is loaded when the first one comes. */
import { readFileSync } from 'node:fs'
import { getCACertificates, rootCertificates } from 'node:tls'
import type { Logger } from '../audit/log.ts'
import type { Config, HttpConfig } from '../config/schema.ts'
import { type StateLayout, stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { PeerRefusal } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { guardedFetch } from '../core/guarded-fetch.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { FetchBytes } from '../pki/revocation/lists.ts'
import type { Revocation, RevocationMemory } from '../pki/revocation/revocation.ts'
import type { PeerCheck, Trust } from '../pki/validation/peer-check.ts'
import { CertificateRefused } from '../pki/validation/refused.ts'
import { type EvidenceCheck, verifyPeer, type WatchServer, watchServer } from '../pki/validation/watch-server.ts'
import type { ClientProofOptions } from '../transport/client-proof.ts'
import { askingOurselves, type Publication } from './publish-revocations.ts'

type UpstreamTls = HttpConfig['tls']
type ClientTls = NonNullable<NonNullable<Config['listen']['tls']>['clientCertificates']>
type Asking = Promise<{ readonly revocation?: Revocation }>
type Rules = Pick<ClientTls, 'revocation' | 'crls' | 'revocationNetworks'>

export interface ValidationParts {
  readonly layout: Pick<StateLayout, 'crls'>
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
  /** How servers are judged that the gateway asks for itself. */
  readonly outbound: Config['outbound']
  /** What we publish ourselves needs no network; undefined for every other address. */
  readonly own?: Publication['own'] | undefined
}

type Told = Readonly<Record<string, unknown>>

/** Two of them, one after the other, fit into the time that a connection may take. */
const FETCH_MS = 3_000
const MAX_LIST_BYTES = 16 * 1_048_576

/** One for the whole gateway, so that each list is fetched once. */
export class Validation {
  readonly #parts: ValidationParts
  #memory: Promise<RevocationMemory> | undefined
  #platform: readonly Trust[] | undefined

  constructor(parts: ValidationParts) {
    this.#parts = parts
  }

  /** Rejects with PkiError for a list in a file that cannot be used. */
  async server(name: string, url: string, tls: UpstreamTls): Promise<WatchServer> {
    const { log } = this.#parts
    const host = new URL(url).hostname.replaceAll(/[[\]]/g, '')
    const check = await this.#lazily(tls, () => this.#serverCheck(name, tls))
    const watch = watchServer(check, host)
    return (socket, offered) => {
      const verify = watch(socket, offered)
      return () =>
        verify().catch((thrown: unknown) => {
          const { reason, detail } = refusalOf(thrown)
          log.warn('the certificate of an upstream is refused', { upstream: name, reason, ...detail })
          throw new Fault('upstream.certificate_refused', { reason, ...detail }, { cause: thrown })
        })
    }
  }

  /** `authorities` are PEM, as they are when it is asked. Rejects with PkiError for a list in a file that cannot be used. */
  async clients(
    rules: ClientTls,
    authorities: () => readonly string[],
  ): Promise<Pick<ClientProofOptions, 'verify' | 'onRefused'>> {
    const { log } = this.#parts
    const check = await this.#lazily(rules, () => this.#clientCheck(rules, authorities))
    return {
      verify: async (chain) => {
        try {
          await check.verify({ chain })
          return undefined
        } catch (thrown) {
          return refusalOf(thrown)
        }
      },
      onRefused: (address, { reason, detail }) =>
        log.warn('the certificate of a client is refused', { address, reason, ...detail }),
    }
  }

  /**
   * For servers that the gateway asks for itself. Each connection is a whole handshake, so nothing is kept of the last one.
   * Rejects with PkiError for a list in a file that cannot be used.
   */
  async outbound(): Promise<Prover> {
    const { log, outbound } = this.#parts
    let asking: Asking | undefined
    // One for all of them, so that what is revoked for one is so for the others.
    const revocation = () => (asking ??= this.#revocation(outbound, { outbound: true }))
    if (outbound.crls.length > 0) await revocation()
    return (about, ca) => {
      const check = lazily(() => this.#outboundCheck(ca, revocation))
      // Whoever is configured is asked soon, and within a deadline into which loading all of this may not fit.
      setImmediate(() => check.ready().catch(() => undefined)).unref()
      return (socket, host) => {
        const verify = verifyPeer(socket, check, host)
        return () =>
          verify().catch((thrown: unknown) => {
            const { reason, detail } = refusalOf(thrown)
            log.warn('the certificate of a server is refused', { about, host, reason, ...detail })
            throw thrown
          })
      }
    }
  }

  /** Asks only within what strangers may make us ask, and within these networks of ours. */
  fetchWithin(networks: readonly string[]): FetchBytes {
    const common = { privateNetworks: networks, signed: true, timeoutMs: FETCH_MS }
    const lists = guardedFetch({ ...common, maxBytes: MAX_LIST_BYTES })
    const asked: FetchBytes = async (url, body) => {
      const headers = body === undefined ? {} : { 'content-type': body.type, accept: 'application/ocsp-response' }
      const method = body === undefined ? 'GET' : 'POST'
      const answer = await lists(url, { method, headers, ...(body && { body: body.bytes }) })
      if (answer.status !== 200) throw new Error(`the host answered with status ${answer.status}`)
      return Buffer.from(await answer.arrayBuffer())
    }
    const { own } = this.#parts
    return own === undefined ? asked : askingOurselves(own, asked)
  }

  /** At once where files have to be looked at before anything starts. */
  async #lazily(rules: Rules, build: () => Promise<PeerCheck>): Promise<EvidenceCheck> {
    return lazily(build, rules.crls.length > 0 ? Promise.resolve(await build()) : undefined)
  }

  async #outboundCheck(ca: readonly string[] | undefined, revocation: () => Asking): Promise<PeerCheck> {
    const { PeerCheck: Check } = await import('../pki/validation/peer-check.ts')
    const { anchorsAndSteps } = await import('../pki/validation/anchors.ts')
    const platform = await this.#platformTrust('auto')
    const trust = ca === undefined ? platform : [{ ...anchorsAndSteps(ca), profile: 'private' } as const, ...platform]
    const { clock } = this.#parts
    return new Check({ purpose: 'server', trust: () => trust, pins: new Set(), ...(await revocation()), clock })
  }

  async #serverCheck(name: string, tls: UpstreamTls): Promise<PeerCheck> {
    const { PeerCheck: Check } = await import('../pki/validation/peer-check.ts')
    const trust = tls.ca === undefined ? await this.#platformTrust(tls.profile) : [await ownTrust(tls.ca, tls.profile)]
    const revocation = await this.#revocation(tls, { upstream: name })
    const pins = new Set(tls.pins.map((pin) => pin.slice('sha256/'.length)))
    return new Check({ purpose: 'server', trust: () => trust, pins, ...revocation, clock: this.#parts.clock })
  }

  async #clientCheck(rules: ClientTls, authorities: () => readonly string[]): Promise<PeerCheck> {
    const { PeerCheck: Check } = await import('../pki/validation/peer-check.ts')
    const { anchorsAndSteps } = await import('../pki/validation/anchors.ts')
    const revocation = await this.#revocation(rules, { clients: true })
    let current: { readonly text: string; readonly trust: readonly Trust[] } | undefined
    const trust = () => {
      const pem = authorities()
      const text = pem.join('\n')
      if (current?.text !== text) current = { text, trust: [{ ...anchorsAndSteps(pem), profile: 'private' }] }
      return current.trust
    }
    return new Check({ purpose: 'client', trust, pins: new Set(), ...revocation, clock: this.#parts.clock })
  }

  async #revocation({ revocation: mode, crls, revocationNetworks }: Rules, about: Told): Asking {
    if (mode === 'off') return {}
    const { clock, log } = this.#parts
    const { Revocation: Asked } = await import('../pki/revocation/revocation.ts')
    const { ListFiles } = await import('../pki/revocation/list-files.ts')
    this.#memory ??= this.#remember()
    const revocation = new Asked({
      ...(await this.#memory),
      mode,
      files: new ListFiles(crls, clock.now()),
      fetch: this.fetchWithin(revocationNetworks),
      onUnknown: (detail) => log.warn('nobody could say whether a certificate is revoked', { ...about, ...detail }),
    })
    return { revocation }
  }

  async #remember(): Promise<RevocationMemory> {
    const { FetchedLists } = await import('../pki/revocation/lists.ts')
    const { Responders } = await import('../pki/revocation/responders.ts')
    const { diskLists } = await import('../pki/revocation/disk-lists.ts')
    return { lists: new FetchedLists(diskLists(this.#parts.layout.crls)), responders: new Responders() }
  }

  /** What comes with Node is a list of public authorities; what somebody has added to it is that somebody's own. */
  async #platformTrust(profile: UpstreamTls['profile']): Promise<readonly Trust[]> {
    if (this.#platform === undefined || profile !== 'auto') {
      const { Anchors } = await import('../pki/validation/anchors.ts')
      const bundled = new Set(rootCertificates)
      const trusted = getCACertificates('default')
      const found: readonly Trust[] = [
        {
          anchors: new Anchors(
            trusted.filter((one) => bundled.has(one)),
            true,
          ),
          profile: 'webpki',
        },
        { anchors: new Anchors(trusted.filter((one) => !bundled.has(one))), profile: 'private' },
      ]
      if (profile !== 'auto') return found.map(({ anchors }) => ({ anchors, profile }))
      this.#platform = found
    }
    return this.#platform
  }
}

/** For commands, which ask without a gateway that runs. Rejects as `Validation.outbound` does. */
export const outboundProver = (config: Config, clock: Clock, log: ValidationParts['log']): Promise<Prover> =>
  new Validation({ layout: stateLayout(config), clock, log, outbound: config.outbound }).outbound()

/** What fails to be made is tried again with the next connection. */
function lazily(build: () => Promise<PeerCheck>, made?: Promise<PeerCheck>): LazyCheck {
  let check = made
  const ready = (): Promise<PeerCheck> => {
    check ??= build().catch((thrown: unknown) => {
      check = undefined
      throw thrown
    })
    return check
  }
  return { ready, verify: async (evidence) => (await ready()).verify(evidence) }
}

interface LazyCheck extends EvidenceCheck {
  ready(): Promise<unknown>
}

async function ownTrust(file: string, profile: UpstreamTls['profile']): Promise<Trust> {
  const { anchorsAndSteps } = await import('../pki/validation/anchors.ts')
  return {
    ...anchorsAndSteps([readFileSync(file, 'utf8')]),
    profile: profile === 'auto' ? 'private' : profile,
  }
}

/** What is not a refusal is a mistake of ours, and refuses too. */
function refusalOf(thrown: unknown): PeerRefusal {
  if (thrown instanceof CertificateRefused) return { reason: thrown.reason, detail: thrown.detail, isFinal: true }
  const detail = { error: thrown instanceof Error ? thrown.message : 'unknown' }
  return { reason: 'internal', detail, isFinal: true }
}
