/** Configuration to what certificates of others are held against. What parses them is loaded when the first one comes. */
import { readFileSync } from 'node:fs'
import { getCACertificates, rootCertificates } from 'node:tls'
import type { Logger } from '../audit/log.ts'
import type { Config, HttpConfig } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { PeerRefusal } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { guardedFetch } from '../core/guarded-fetch.ts'
import type { FetchBytes } from '../pki/revocation/lists.ts'
import type { RevocationMemory } from '../pki/revocation/revocation.ts'
import type { PeerCheck, Trust } from '../pki/validation/peer-check.ts'
import { CertificateRefused } from '../pki/validation/refused.ts'
import { type EvidenceCheck, type WatchServer, watchServer } from '../pki/validation/watch-server.ts'
import type { ClientProofOptions } from '../transport/client-proof.ts'

type UpstreamTls = HttpConfig['tls']
type ClientTls = NonNullable<NonNullable<Config['listen']['tls']>['clientCertificates']>
type Rules = Pick<ClientTls, 'revocation' | 'crls' | 'revocationNetworks'>

export interface ValidationParts {
  readonly layout: Pick<StateLayout, 'crls'>
  readonly clock: Clock
  readonly log: Logger
}

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
    return (socket) => {
      const verify = watch(socket)
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

  /** Asks only within what strangers may make us ask, and within these networks of ours. */
  fetchWithin(networks: readonly string[]): FetchBytes {
    const common = { privateNetworks: networks, signed: true, timeoutMs: FETCH_MS }
    const lists = guardedFetch({ ...common, maxBytes: MAX_LIST_BYTES })
    return async (url, body) => {
      const headers = body === undefined ? {} : { 'content-type': body.type, accept: 'application/ocsp-response' }
      const method = body === undefined ? 'GET' : 'POST'
      const answer = await lists(url, { method, headers, ...(body && { body: body.bytes }) })
      if (answer.status !== 200) throw new Error(`the host answered with status ${answer.status}`)
      return Buffer.from(await answer.arrayBuffer())
    }
  }

  /** At once where files have to be looked at before anything starts. */
  async #lazily(rules: Rules, build: () => Promise<PeerCheck>): Promise<EvidenceCheck> {
    let check: Promise<PeerCheck> | undefined
    if (rules.crls.length > 0) check = Promise.resolve(await build())
    return {
      verify: async (evidence) => {
        check ??= build()
        return (await check).verify(evidence)
      },
    }
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

  async #revocation({ revocation: mode, crls, revocationNetworks }: Rules, about: Readonly<Record<string, unknown>>) {
    if (mode === 'off') return {}
    const { clock, log } = this.#parts
    const { Revocation } = await import('../pki/revocation/revocation.ts')
    const { ListFiles } = await import('../pki/revocation/lists.ts')
    this.#memory ??= this.#remember()
    const revocation = new Revocation({
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
