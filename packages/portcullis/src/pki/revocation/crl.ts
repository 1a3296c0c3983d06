/**
 * Reads a certificate revocation list (RFC 5280 §5). Lists can have hundreds of thousands of entries, so they stay bytes,
 * which are walked when somebody asks; a library that makes an object of each entry would need a hundred times the memory.
 */
import { assertStrict, type Element, malformed, readAt, readOne, readRow, readTime, TAG } from '../validation/der.ts'
import { type DistinguishedName, readName } from '../validation/distinguished-name.ts'
import {
  type DistributionPoint,
  type PointName,
  readDistributionPoints,
  readPointName,
  readReasons,
} from '../validation/distribution-points.ts'
import { asRefusal, CertificateRefused } from '../validation/refused.ts'
import { oidOf } from './oid.ts'
import type { Signed } from './signed.ts'

/** What a list is about (IssuingDistributionPoint, §5.2.5). */
export interface ListScope {
  /** Undefined: every distribution point of the authority. */
  readonly point?: PointName
  readonly only?: 'users' | 'authorities' | 'attributes'
  /** Bits of ReasonFlags; undefined: all. */
  readonly reasons?: number
  readonly indirect: boolean
}

export interface RevokedEntry {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** CRLReason (§5.3.1); 0 when none is given. */
  readonly reason: number
}

export interface RevocationList {
  readonly issuer: DistinguishedName
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly number: bigint
  /** For a delta: the number of the whole list that it changes. */
  readonly base?: bigint
  readonly scope: ListScope
  /** DER of the scope, to see whether a delta has the same. */
  readonly scopeDer: string
  readonly authorityKeyId?: string
  /** Where its delta is. */
  readonly freshest: readonly DistributionPoint[]
  readonly signed: Signed
  /** All of it. */
  readonly der: Buffer
  find(serial: Buffer): RevokedEntry | undefined
}

export const REMOVED = 8
/** BOOLEAN, DER. */
const TRUE = Buffer.of(TAG.boolean, 1, 0xff)

const EXT = {
  number: '2.5.29.20',
  reason: '2.5.29.21',
  delta: '2.5.29.27',
  scope: '2.5.29.28',
  authorityKey: '2.5.29.35',
  freshest: '2.5.29.46',
} as const
const MUST_BE_CRITICAL: ReadonlySet<string> = new Set([EXT.delta, EXT.scope])
const KNOWN: ReadonlySet<string> = new Set(Object.values(EXT))

/** `bytes` is DER or PEM. Throws CertificateRefused `crl_malformed` or `crl_scope`. */
export function readList(bytes: Buffer): RevocationList {
  try {
    return parse(derOf(bytes))
  } catch (thrown) {
    const refusal = asRefusal(thrown)
    throw refusal.reason === 'crl_scope' ? refusal : new CertificateRefused('crl_malformed', refusal.detail, thrown)
  }
}

function derOf(bytes: Buffer): Buffer {
  if (bytes[0] === TAG.sequence) return bytes
  const [, text] = /-----BEGIN X509 CRL-----([\s\S]*?)-----END X509 CRL-----/.exec(bytes.toString('latin1')) ?? []
  if (text === undefined) throw malformed('neither DER nor PEM')
  return Buffer.from(text, 'base64')
}

function parse(der: Buffer): RevocationList {
  const [tbs, algorithm, signature] = readRow(readOne(der, TAG.sequence).content)
  if (tbs === undefined || algorithm === undefined || signature?.tag !== TAG.bitString) throw malformed('a field lacks')
  const [version, repeated, issuer, thisUpdate, nextUpdate, ...rest] = readFields(tbs.content)
  if (version?.tag !== TAG.integer || !version.content.equals(Buffer.of(1))) throw malformed('another version than 2')
  if (repeated === undefined || issuer === undefined || thisUpdate === undefined) throw malformed('a field lacks')
  if (!repeated.whole.equals(algorithm.whole)) throw malformed('two different algorithms')
  // Without a date of the next one nobody could tell an old list from a current one.
  if (nextUpdate === undefined || ![TAG.utcTime, TAG.generalizedTime].includes(nextUpdate.tag as 0x17))
    throw malformed('no date of the next list')
  const entries = rest.find(({ tag }) => tag === TAG.sequence)?.content ?? Buffer.alloc(0)
  assertEntries(entries)
  const extensions = rest.find(({ tag }) => tag === 0xa0)
  if (extensions === undefined) throw malformed('no number')
  return {
    issuer: readName(issuer.whole),
    thisUpdate: readTime(thisUpdate),
    nextUpdate: readTime(nextUpdate),
    ...readExtensions(extensions),
    signed: {
      data: tbs.whole,
      signature: signature.content.subarray(1),
      oid: oidOf(algorithm),
      algorithm: algorithm.whole,
    },
    der,
    find: (serial) => findEntry(entries, serial),
  }
}

/** The entries are one field, whatever their number. */
const readFields = (content: Buffer): readonly Element[] => readRow(content)

function readExtensions({ content }: Element) {
  const found = new Map<string, Buffer>()
  for (const extension of readRow(readOne(content, TAG.sequence).content)) {
    assertStrict(extension)
    const { oid, critical, value } = readExtension(extension)
    if (found.has(oid)) throw malformed('an extension twice')
    // A list with an unknown critical extension is not to be used at all (§5.2).
    if (critical && !KNOWN.has(oid)) throw new CertificateRefused('crl_scope', { oid })
    if (KNOWN.has(oid) && critical !== MUST_BE_CRITICAL.has(oid)) throw malformed('an extension of wrong criticality')
    found.set(oid, value)
  }
  const number = found.get(EXT.number)
  if (number === undefined) throw malformed('no number')
  const [delta, scope, key, freshest] = [EXT.delta, EXT.scope, EXT.authorityKey, EXT.freshest].map((oid) =>
    found.get(oid),
  )
  const keyId = key && readRow(readOne(key, TAG.sequence).content).find(({ tag }) => tag === 0x80)
  return {
    number: readNumber(number),
    ...(delta && { base: readNumber(delta) }),
    scope: scope === undefined ? { indirect: false } : readScope(scope),
    scopeDer: scope?.toString('hex') ?? '',
    ...(keyId && { authorityKeyId: keyId.content.toString('hex') }),
    freshest: freshest === undefined ? [] : readDistributionPoints(freshest),
  }
}

function readExtension({ content }: Element) {
  const [oid, ...rest] = readRow(content)
  const value = rest.at(-1)
  if (oid?.tag !== TAG.oid || value?.tag !== TAG.octetString || rest.length > 2) throw malformed('an extension')
  const critical = rest.length === 2 && rest[0]?.tag === TAG.boolean && rest[0].content[0] === 0xff
  return { oid: oidOf({ content: oid.whole }), critical, value: value.content }
}

/** At most 20 octets (§5.2.3). */
function readNumber(value: Buffer): bigint {
  const { content } = readOne(value, TAG.integer)
  if (content.length > 20 || (content[0] as number) >= 0x80) throw malformed('a number that is none')
  return BigInt(`0x${content.toString('hex')}`)
}

function readScope(value: Buffer): ListScope {
  const fields = readRow(readOne(value, TAG.sequence).content)
  // A scope that says nothing is forbidden (§5.2.5).
  if (fields.length === 0) throw malformed('an empty scope')
  const field = (tag: number) => fields.find((one) => one.tag === tag)
  const is = (tag: number) => field(tag)?.content[0] === 0xff
  const only = is(0x81) ? 'users' : is(0x82) ? 'authorities' : is(0x85) ? 'attributes' : undefined
  if ([0x81, 0x82, 0x85].filter(is).length > 1) throw malformed('a scope that contradicts itself')
  const point = field(0xa0)
  const reasons = field(0x83)
  return {
    ...(point && { point: readPointName(point) }),
    ...(only && { only }),
    ...(reasons && { reasons: readReasons(reasons) }),
    indirect: is(0x84),
  }
}

/** Once, so that looking for a number need not walk: each entry is DER and begins with one. */
function assertEntries(entries: Buffer): void {
  const mayHaveCritical = entries.includes(TRUE)
  for (let at = 0; at < entries.length; ) {
    const entry = readAt(entries, at)
    if (entry.tag !== TAG.sequence || readAt(entry.content, 0).tag !== TAG.integer) throw malformed('an entry')
    if (mayHaveCritical) assertNoneCritical(entry)
    at += entry.whole.length
  }
}

/** None that we know is; one that is makes the whole list mean something else, which nobody here can say (§5.3). */
function assertNoneCritical({ content }: Element): void {
  const [, , extensions] = readRow(content)
  for (const extension of extensions === undefined ? [] : readRow(extensions.content)) {
    const { oid, critical } = readExtension(extension)
    if (critical) throw new CertificateRefused('crl_scope', { oid })
  }
}

/** Most numbers occur nowhere, which is seen at once; every connection asks. */
function findEntry(entries: Buffer, serial: Buffer): RevokedEntry | undefined {
  if (!entries.includes(Buffer.concat([Buffer.of(TAG.integer, serial.length), serial]))) return undefined
  for (let at = 0; at < entries.length; ) {
    const entry = readAt(entries, at)
    at += entry.whole.length
    const number = readAt(entry.content, 0)
    if (number.content.equals(serial)) return readEntry(entry)
  }
  return undefined
}

function readEntry({ content }: Element): RevokedEntry {
  const [, date, extensions] = readRow(content)
  if (date === undefined) throw malformed('an entry without a date')
  const known = extensions === undefined ? [] : readRow(extensions.content).map(readExtension)
  const reason = known.find(({ oid }) => oid === EXT.reason)
  return { at: readTime(date), reason: reason === undefined ? 0 : (readOne(reason.value).content[0] ?? 0) }
}
