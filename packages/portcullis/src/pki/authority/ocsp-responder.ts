/** Answers what is asked about certificates that were issued here (RFC 6960); the intermediate that issued them signs. */
import { issuerHashes } from '../revocation/ocsp-request.ts'
import { oidOf } from '../revocation/oid.ts'
import { type Certificate, readCertificate } from '../validation/certificate.ts'
import { assertStrict, type Element, malformed, readOne, readRow, TAG } from '../validation/der.ts'
import { element, enumerated, extension, longTime, octets, sequence, signedBy } from './der-writer.ts'
import type { IssuedCertificate } from './issued-ledger.ts'
import type { Issuer } from './issuer.ts'

export interface ResponderParts {
  readonly issuers: readonly Issuer[]
  /** Undefined for what was never issued. */
  readonly find: (issuer: string, serial: string) => IssuedCertificate | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

const MAX_REQUEST_BYTES = 8_192
const MAX_QUESTIONS = 16
/** RFC 9654 §2.1. */
const MAX_NONCE_OCTETS = 128
/** How long an answer may be used. A new one can be had at any time, so only who keeps the old one learns late. */
const VALID_MS = 6 * 3_600_000

const NONCE = '1.3.6.1.5.5.7.48.1.2'
const NONCE_OID = Buffer.from('06092b0601050507300102', 'hex')
const BASIC_OID = Buffer.from('06092b0601050507300101', 'hex')
const DIGESTS: Readonly<Record<string, string>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256' }

/** Words without a signature: they say nothing of any certificate (§4.2.1). */
const MALFORMED = sequence(enumerated(1))
const UNAUTHORIZED = sequence(enumerated(6))

interface Question {
  /** CertID, DER. */
  readonly whole: Buffer
  /** Of name and key of the issuer; undefined for one that is not known here. */
  readonly digest: string | undefined
  readonly name: Buffer
  readonly key: Buffer
  /** Hex, as the ledger has it. */
  readonly serial: string
}

/** DER. Never throws for what is asked: what cannot be read or is not ours gets the status that §2.3 has for it. */
export function answerQuestion(request: Buffer, parts: ResponderParts): Buffer {
  const asked = read(request)
  if (asked === undefined) return MALFORMED
  const issuers = asked.questions.map((question) => issuerOf(question, parts.issuers))
  const [issuer] = issuers
  // Nobody else signs for another authority, and one answer has one signature.
  if (issuer === undefined || issuers.some((one) => one?.id !== issuer.id)) return UNAUTHORIZED
  const { now, find } = parts
  const singles = asked.questions.map(({ whole, serial }) =>
    sequence(whole, statusOf(find(issuer.id, serial)), longTime(now), element(0xa0, longTime(now + VALID_MS))),
  )
  const data = [element(0xa2, octets(issuerHashes(certificateOf(issuer)).key)), longTime(now), sequence(...singles)]
  if (asked.nonce !== undefined) data.push(element(0xa1, sequence(extension(NONCE_OID, asked.nonce))))
  const basic = octets(signedBy(issuer, sequence(...data)))
  return sequence(enumerated(0), element(0xa0, sequence(BASIC_OID, basic)))
}

interface Asked {
  readonly questions: readonly Question[]
  /** The value of the extension, DER. */
  readonly nonce: Buffer | undefined
}

function read(request: Buffer): Asked | undefined {
  if (request.length > MAX_REQUEST_BYTES) return undefined
  try {
    const whole = readOne(request, TAG.sequence)
    assertStrict(whole)
    const [tbs] = readRow(whole.content)
    const fields = tbs === undefined ? [] : readRow(tbs.content)
    const list = fields.find(({ tag }) => tag === TAG.sequence)
    const questions = list === undefined ? [] : readRow(list.content).map(readQuestion)
    if (questions.length === 0 || questions.length > MAX_QUESTIONS) return undefined
    return { questions, nonce: nonceIn(fields.find(({ tag }) => tag === 0xa2)) }
  } catch {
    return undefined
  }
}

function readQuestion({ content }: Element): Question {
  const [id] = readRow(content)
  const [algorithm, name, key, serial] = id === undefined ? [] : readRow(id.content)
  if (id === undefined || algorithm === undefined || name?.tag !== TAG.octetString || key?.tag !== TAG.octetString)
    throw malformed('a question')
  if (serial?.tag !== TAG.integer) throw malformed('a question without a serial number')
  return {
    ...{ whole: id.whole, name: name.content, key: key.content, digest: DIGESTS[oidOf(algorithm)] },
    serial: serial.content.toString('hex').replace(/^(?:00)+/, ''),
  }
}

/** An extension that has to be understood, and is not, leaves the request unread (RFC 5280 §4.2). */
function nonceIn(extensions: Element | undefined): Buffer | undefined {
  if (extensions === undefined) return undefined
  let nonce: Buffer | undefined
  for (const { content } of readRow(readOne(extensions.content, TAG.sequence).content)) {
    const [oid, ...rest] = readRow(content)
    const value = rest.at(-1)
    if (oid === undefined || value?.tag !== TAG.octetString) throw malformed('an extension')
    const isNonce = oidOf({ content: oid.whole }) === NONCE
    if (!isNonce && rest.length > 1) throw malformed('an extension that is critical')
    if (!isNonce) continue
    const { length } = readOne(value.content, TAG.octetString).content
    if (length === 0 || length > MAX_NONCE_OCTETS) throw malformed('a nonce')
    nonce = value.content
  }
  return nonce
}

function issuerOf({ digest, name, key }: Question, issuers: readonly Issuer[]): Issuer | undefined {
  if (digest === undefined) return undefined
  return issuers.find((issuer) => {
    const hashes = issuerHashes(certificateOf(issuer), digest)
    return hashes.name.equals(name) && hashes.key.equals(key)
  })
}

/** Of a serial number that was never given `unknown` is told, which is good for nobody. */
function statusOf(known: IssuedCertificate | undefined): Buffer {
  if (known === undefined) return element(0x82)
  if (known.revoked === undefined) return element(0x80)
  const { at, reason } = known.revoked
  const because = reason === 0 ? [] : [element(0xa0, enumerated(reason))]
  return element(0xa1, longTime(at), ...because)
}

const certificates = new WeakMap<Issuer['leaf'], Certificate>()

function certificateOf({ leaf }: Issuer): Certificate {
  const known = certificates.get(leaf) ?? readCertificate(leaf.raw)
  certificates.set(leaf, known)
  return known
}
