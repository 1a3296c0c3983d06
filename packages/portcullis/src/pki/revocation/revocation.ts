/**
 * Whether any certificate of a path is revoked. Each link but the anchor is asked about: by files of the operator, by the
 * stapled response, by OCSP, by the list; the first that can be believed decides. What nobody can say is decided by `mode`.
 */
import { type Certificate, describe, OID } from '../validation/certificate.ts'
import type { Path } from '../validation/path.ts'
import type { Profile } from '../validation/profile.ts'
import { asRefusal, CertificateRefused } from '../validation/refused.ts'
import type { Link } from './check-list.ts'
import type { ListFiles } from './list-files.ts'
import { type FetchBytes, type FetchedLists, urlsOf } from './lists.ts'
import { readOcspResponse } from './ocsp-response.ts'
import { type Responders, respondersOf } from './responders.ts'
import type { Status } from './status.ts'

/**
 * `strict` also refuses what names no place to ask; `hard-fail` does so for public authorities alone, which have to name one
 * unless the certificate ends soon; `soft-fail` lets through what nobody could say.
 */
export type RevocationMode = 'strict' | 'hard-fail' | 'soft-fail'

/** What the whole gateway shares. */
export interface RevocationMemory {
  readonly lists: FetchedLists
  readonly responders: Responders
}

export interface RevocationOptions extends RevocationMemory {
  readonly mode: RevocationMode
  readonly files: ListFiles
  readonly fetch: FetchBytes
  /** Told of each link that passes though nobody could say whether it is revoked. */
  readonly onUnknown: (detail: Readonly<Record<string, unknown>>) => void
}

export interface RevocationQuestion {
  readonly path: Path
  readonly profile: Profile
  /** The OCSP response that came with the handshake. */
  readonly staple?: Buffer
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Certificates that end so soon need no revocation (CA/B Forum BR 4.9.7, 7.1.2.11.2). */
const SHORT_LIVED_MS = 10 * 86_400_000 + 1_000
const MAX_REVOKED = 10_000
const ON_HOLD = 6

export class Revocation {
  readonly #options: RevocationOptions
  /** What was revoked once stays so, whatever is replayed later. */
  readonly #revoked = new Map<string, Status & { is: 'revoked' }>()

  constructor(options: RevocationOptions) {
    this.#options = options
  }

  /** Throws CertificateRefused: `revoked`, `staple_missing`, `unnamed`, or why nobody could say. */
  async assertNotRevoked(question: RevocationQuestion): Promise<void> {
    const { path } = question
    const links = path.slice(0, -1).map((_, at) => linkAt(path, at))
    const results = await Promise.allSettled(links.map((link, at) => this.#assertLink(link, at === 0, question)))
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [asRefusal(result.reason)] : []))
    const worst = failures.find(({ reason }) => reason === 'revoked') ?? failures[0]
    if (worst !== undefined) throw worst
  }

  async #assertLink(link: Link, isLeaf: boolean, question: RevocationQuestion): Promise<void> {
    const { certificate } = link
    const problems: CertificateRefused[] = []
    const known = this.#revoked.get(certificate.digest)
    if (known !== undefined) throw revoked(certificate, known)
    const demands = demandsStaple(isLeaf, question)
    for (const ask of this.#sources(link, isLeaf, question)) {
      const status = await attempt(ask, problems)
      if (status === undefined) continue
      if (status.is === 'good') return
      this.#remember(certificate, status)
      throw revoked(certificate, status)
    }
    if (demands) throw told('staple_missing', certificate, problems)
    this.#decide(certificate, isLeaf, question.profile, problems)
  }

  /** In this order. A certificate that demands a staple is content with nothing else. */
  #sources(link: Link, isLeaf: boolean, question: RevocationQuestion): readonly (() => Promise<Status | undefined>)[] {
    const { files, responders, lists, fetch } = this.#options
    const { certificate } = link
    const { staple, now } = question
    const demands = demandsStaple(isLeaf, question)
    const stapled = async () => (await readOcspResponse(staple as Buffer, link, now)).status
    const listed = async () => {
      const status = await files.statusOf(link, now)
      return demands && status?.is === 'good' ? undefined : status
    }
    return [
      listed,
      ...(isLeaf && staple !== undefined ? [stapled] : []),
      ...(!demands && respondersOf(certificate).length > 0
        ? [async () => (await responders.ask(link, fetch, now)).status]
        : []),
      ...(!demands && urlsOf(certificate.distributionPoints).length > 0
        ? [() => lists.statusOf(link, fetch, now)]
        : []),
    ]
  }

  /** Nobody has said anything that counts. */
  #decide(certificate: Certificate, isLeaf: boolean, profile: Profile, problems: readonly CertificateRefused[]): void {
    const { mode, onUnknown } = this.#options
    const [problem] = problems
    // A place at which nobody here can ask is a place all the same.
    const namesNobody = certificate.ocspUrls.length === 0 && certificate.distributionPoints.length === 0
    if (problem === undefined && namesNobody) {
      if (isLeaf && certificate.extensions.has(OID.noRevocation)) return
      const isShort = isLeaf && certificate.notAfter - certificate.notBefore < SHORT_LIVED_MS
      if (mode !== 'strict' && (isShort || profile === 'private')) return
    }
    if (mode !== 'soft-fail') throw told(problem?.reason ?? 'unnamed', certificate, problems)
    onUnknown({ ...describe(certificate), reason: problem?.reason ?? 'unnamed' })
  }

  /** But for one on hold, which may come back (RFC 5280 §5.3.1). */
  #remember({ digest }: Certificate, status: Status & { is: 'revoked' }): void {
    if (status.reason === ON_HOLD) return
    this.#revoked.set(digest, status)
    const [oldest] = this.#revoked.keys()
    if (this.#revoked.size > MAX_REVOKED && oldest !== undefined) this.#revoked.delete(oldest)
  }
}

function linkAt(path: Path, at: number): Link {
  const [certificate, issuer] = [path[at] as Certificate, path[at + 1] as Certificate]
  return { certificate, issuer, renewed: path.slice(at + 2).filter((one) => one.subject.key === issuer.subject.key) }
}

/** What an authority demands of itself it demands of what it issues (RFC 7633 §4.2.2). */
const demandsStaple = (isLeaf: boolean, { path }: RevocationQuestion): boolean =>
  isLeaf && path.some(({ mustStaple }) => mustStaple)

async function attempt(
  ask: () => Promise<Status | undefined>,
  problems: CertificateRefused[],
): Promise<Status | undefined> {
  try {
    return await ask()
  } catch (thrown) {
    problems.push(asRefusal(thrown, 'crl_malformed'))
    return undefined
  }
}

function revoked(certificate: Certificate, { at, reason }: Status & { is: 'revoked' }): CertificateRefused {
  return new CertificateRefused('revoked', {
    ...describe(certificate),
    since: new Date(at).toISOString(),
    because: reason,
  })
}

function told(
  reason: CertificateRefused['reason'],
  certificate: Certificate,
  problems: readonly CertificateRefused[],
): CertificateRefused {
  const asked = problems.map((problem) => ({ reason: problem.reason, ...problem.detail }))
  return new CertificateRefused(reason, { ...describe(certificate), asked }, problems[0])
}
