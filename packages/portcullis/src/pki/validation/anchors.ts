/** Whom a path may end with. Hundreds of them cost nothing until one is needed. */
import { createHash } from 'node:crypto'
import { type Certificate, readCertificate } from './certificate.ts'
import { readOne, readRow } from './der.ts'
import { readName } from './distinguished-name.ts'
import { asRefusal, CertificateRefused } from './refused.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g

export class Anchors {
  readonly #bySubject = new Map<string, Buffer[]>()
  readonly #read = new Map<string, Certificate | CertificateRefused>()
  readonly #digests = new Set<string>()

  /** Whether they are of a list that somebody keeps for everybody, such as that of Mozilla. */
  readonly published: boolean

  /** PEM texts with any number of certificates each, or DER. One that cannot be read trusts nobody. */
  constructor(certificates: readonly (string | Buffer)[], published = false) {
    this.published = published
    const all = certificates.flatMap((one) => (typeof one === 'string' ? certificatesIn(one) : [one]))
    for (const der of all) this.#add(der)
  }

  get size(): number {
    return this.#digests.size
  }

  /** Whether the certificate itself is one, octet by octet. */
  has({ digest }: Certificate): boolean {
    return this.#digests.has(digest)
  }

  /** Those of the name that issued the certificate, and what was wrong with the last of them that cannot be read. */
  issuersOf({ issuer }: Certificate): {
    readonly issuers: readonly Certificate[]
    readonly unread?: CertificateRefused
  } {
    const issuers: Certificate[] = []
    let unread: CertificateRefused | undefined
    for (const der of this.#bySubject.get(issuer.key) ?? []) {
      const read = this.#certificateOf(der)
      if (read instanceof CertificateRefused) unread = read
      else issuers.push(read)
    }
    return { issuers, ...(unread && { unread }) }
  }

  #add(der: Buffer): void {
    const digest = digestOf(der)
    if (this.#digests.has(digest)) return
    const subject = nameAt(der, 'subject')
    if (subject === undefined) return
    this.#digests.add(digest)
    const same = this.#bySubject.get(subject)
    if (same === undefined) this.#bySubject.set(subject, [der])
    else same.push(der)
  }

  #certificateOf(der: Buffer): Certificate | CertificateRefused {
    const digest = digestOf(der)
    const known = this.#read.get(digest)
    if (known !== undefined) return known
    const read = attempt(() => readCertificate(der))
    this.#read.set(digest, read)
    return read
  }
}

/** DER of every certificate of a PEM text. */
export function certificatesIn(pem: string): readonly Buffer[] {
  return [...pem.matchAll(BLOCK)].map(([, text = '']) => Buffer.from(text, 'base64'))
}

/**
 * Splits what somebody lists as authorities: one whose issuer is listed too is only a step on the way to it, so that it can
 * be revoked like any other; all others are anchors.
 */
export function anchorsAndSteps(pem: readonly string[]): {
  readonly anchors: Anchors
  readonly known: readonly Buffer[]
} {
  const all = pem.flatMap(certificatesIn)
  const subjects = new Set(all.map((der) => nameAt(der, 'subject')))
  const isStep = (der: Buffer): boolean => {
    const issuer = nameAt(der, 'issuer')
    return issuer !== undefined && issuer !== nameAt(der, 'subject') && subjects.has(issuer)
  }
  return { anchors: new Anchors(all.filter((der) => !isStep(der))), known: all.filter(isStep) }
}

const digestOf = (der: Buffer): string => createHash('sha256').update(der).digest('hex')

/** Without the cost of reading all of it. */
function nameAt(der: Buffer, which: 'issuer' | 'subject'): string | undefined {
  const key = attempt(() => {
    const [tbs] = readRow(readOne(der).content)
    const fields = readRow(tbs?.content ?? Buffer.alloc(0))
    const at = (fields[0]?.tag === 0xa0 ? 1 : 0) + (which === 'issuer' ? 2 : 4)
    const name = fields[at]
    return name && readName(name.whole).key
  })
  return typeof key === 'string' ? key : undefined
}

function attempt<Value>(read: () => Value): Value | CertificateRefused {
  try {
    return read()
  } catch (thrown) {
    return asRefusal(thrown)
  }
}
