/** Decides whether the other end of a TLS connection is believed, after the platform has said yes: path, names, pins, revocation. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type { Anchors } from './anchors.ts'
import { findPath, type Path } from './path.ts'
import type { Profile, Purpose } from './profile.ts'
import { asRefusal, CertificateRefused } from './refused.ts'

/** Authorities and the rules that their certificates are held against. */
export interface Trust {
  readonly anchors: Anchors
  readonly profile: Profile
  /** DER of intermediates that may be part of a path, whether they are sent or not. */
  readonly known?: readonly Buffer[]
}

export interface PeerCheckOptions {
  readonly purpose: Purpose
  /** Asked each time, because bundles change while the gateway runs. The first that has a path decides. */
  readonly trust: () => readonly Trust[]
  /** SHA-256 of a SubjectPublicKeyInfo in base64; one key of the path has to be among them (RFC 7469 §2.4). None: all are good. */
  readonly pins: ReadonlySet<string>
  /** Undefined only where the configuration spells that nothing is asked. */
  readonly revocation?: Revocation
  readonly clock: Clock
}

/** What a handshake has shown. */
export interface Evidence {
  /** DER, the leaf first. */
  readonly chain: readonly Buffer[]
  /** DER of the stapled OCSP response. */
  readonly staple?: Buffer
  /** Of the server that was asked for; absent for clients. */
  readonly host?: string
}

const MAX_PATHS = 256
/** Signatures do not change; this only bounds how long a path outlives a change of our own rules. */
const KEEP_MS = 300_000

interface Found {
  readonly path: Path
  readonly trust: Trust
  readonly until: number
}

export class PeerCheck {
  readonly #options: PeerCheckOptions
  readonly #found = new Map<string, Found>()

  constructor(options: PeerCheckOptions) {
    this.#options = options
  }

  /** Resolves with the path. Rejects with CertificateRefused. */
  async verify(evidence: Evidence): Promise<Path> {
    const { revocation, clock } = this.#options
    const now = clock.now()
    const { path, trust } = this.#find(evidence, now)
    this.#assertPinned(path)
    const staple = evidence.staple && { staple: evidence.staple }
    await revocation?.assertNotRevoked({ path, profile: trust.profile, now, ...staple })
    return path
  }

  #find(evidence: Evidence, now: number): Found {
    const name = nameOf(evidence)
    const trusts = this.#options.trust()
    const known = this.#found.get(name)
    if (known !== undefined && now < known.until && trusts.includes(known.trust)) return known
    const found = this.#search(evidence, trusts, now)
    this.#found.delete(name)
    this.#found.set(name, found)
    const [oldest] = this.#found.keys()
    if (this.#found.size > MAX_PATHS && oldest !== undefined) this.#found.delete(oldest)
    return found
  }

  /** A refusal with a reason of its own says more than that an authority is unknown. */
  #search({ chain, host }: Evidence, trusts: readonly Trust[], now: number): Found {
    const { purpose } = this.#options
    const refusals: CertificateRefused[] = []
    for (const trust of trusts) {
      try {
        const path = findPath({ ...trust, chain, now, purpose, ...(host !== undefined && { host }) })
        return { path, trust, until: Math.min(now + KEEP_MS, ...path.map(({ notAfter }) => notAfter)) }
      } catch (thrown) {
        refusals.push(asRefusal(thrown))
      }
    }
    throw refusals.find(({ reason }) => reason !== 'untrusted') ?? refusals[0] ?? new CertificateRefused('untrusted')
  }

  #assertPinned(path: Path): void {
    const { pins } = this.#options
    if (pins.size === 0) return
    const found = path.map(({ keyInfo }) => createHash('sha256').update(keyInfo).digest('base64'))
    if (!found.some((pin) => pins.has(pin))) throw new CertificateRefused('pin', { found })
  }
}

function nameOf({ chain, host = '' }: Evidence): string {
  const hash = createHash('sha256')
  for (const der of chain) hash.update(`${der.length} `).update(der)
  return `${hash.digest('hex')} ${host}`
}
