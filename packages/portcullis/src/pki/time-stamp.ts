/**
 * Decides whether a time stamp (RFC 3161) is believed: it has to be over what was asked, signed by a certificate that is for
 * nothing else, and that certificate has to lead to an anchor that the configuration names.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isSignedWith } from './revocation/signed.ts'
import { oidOf } from './revocation/oid.ts'
import type { Anchors } from './validation/anchors.ts'
import { type Certificate, OID, readCertificate } from './validation/certificate.ts'
import { assertStrict, type Element, readOne, readRow, TAG } from './validation/der.ts'
import { findPath } from './validation/path.ts'

/** The message says what is wrong. */
export class TimeStampRefused extends Error {
  override readonly name = 'TimeStampRefused'
}

export interface TimeStampQuestion {
  /** SHA-256 of what was stamped. */
  readonly imprint: Buffer
  /** Of the request; absent for a token that was kept. */
  readonly nonce?: Buffer
  readonly anchors: Anchors
}

const SHA_256 = '2.16.840.1.101.3.4.2.1'
const DIGESTS: Readonly<Record<string, string>> = {
  [SHA_256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
/** RSA without a digest of its own takes that of the signer. */
const RSA = '1.2.840.113549.1.1.1'
const RSA_WITH: Readonly<Record<string, string>> = {
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
}
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
const MAX_BYTES = 64 * 1024
const CONTEXT_0 = 0xa0

/** A request (DER) that asks for the certificate too. `nonce` has at least 8 octets. */
export function timeStampRequest(imprint: Buffer, nonce: Buffer): Buffer {
  const algorithm = wrap(TAG.sequence, Buffer.from('0609608648016503040201', 'hex'), Buffer.from('0500', 'hex'))
  const message = wrap(TAG.sequence, algorithm, wrap(TAG.octetString, imprint))
  const version = Buffer.from('020101', 'hex')
  return wrap(TAG.sequence, version, message, wrap(TAG.integer, nonce), Buffer.from('0101ff', 'hex'))
}

/** A nonce as it is written: positive, in its shortest form. */
export const asNonce = (random: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0x40 | ((random[0] as number) & 0x3f)), random.subarray(1)])

/** The token of a response (DER). Throws TimeStampRefused when there is none. */
export function tokenOf(response: Buffer): Buffer {
  return attempt(() => {
    const [status, token] = readRow(readOne(limited(response), TAG.sequence).content)
    const code = readRow(status?.content ?? Buffer.alloc(0))[0]?.content
    // granted, grantedWithMods
    const isGranted = code?.length === 1 && (code[0] as number) <= 1
    if (!isGranted) throw new TimeStampRefused(`the authority gave none (status ${code?.toString('hex') ?? 'unknown'})`)
    if (token === undefined) throw new TimeStampRefused('the response holds none')
    return token.whole
  })
}

/** The time that the token tells, in milliseconds since the epoch. Rejects with TimeStampRefused. */
export async function verifyTimeStamp(token: Buffer, question: TimeStampQuestion): Promise<number> {
  const { content, signer, certificates } = attempt(() => readToken(token))
  const { genTime } = attempt(() => readInfo(content, question))
  const leaf = attempt(() => signedBy(signer, content, certificates))
  const { digest, algorithm, signature, attributes } = signer
  const oid = algorithm.oid === RSA ? RSA_WITH[digest] : algorithm.oid
  // Signed is the SET itself, not the implicit tag under which it is sent (RFC 5652 §5.4).
  const data = Buffer.concat([Buffer.of(TAG.set), attributes.whole.subarray(1)])
  const isGood = await isSignedWith({ data, signature, oid: oid ?? '', algorithm: algorithm.der }, leaf.key)
  if (!isGood) throw new TimeStampRefused('its signature is not valid')
  attempt(() => {
    const chain = [leaf.der, ...certificates.filter((der) => !der.equals(leaf.der))]
    findPath({ chain, anchors: question.anchors, now: genTime, purpose: 'time-stamp', profile: 'private' })
  })
  return genTime
}

interface Signer {
  /** How it names its certificate (RFC 5652 §5.3). */
  readonly id: Element
  readonly digest: string
  readonly attributes: Element
  readonly algorithm: { readonly oid: string; readonly der: Buffer }
  readonly signature: Buffer
}

function readToken(token: Buffer) {
  const outer = readOne(limited(token), TAG.sequence)
  assertStrict(outer)
  const [type, wrapped] = readRow(outer.content)
  if (type === undefined || oidOf({ content: type.whole }) !== SIGNED_DATA || wrapped?.tag !== CONTEXT_0)
    refuse('it is no signed data')
  const [, , encapsulated, ...rest] = readRow(readOne(wrapped.content, TAG.sequence).content)
  const [contentType, inner] = readRow(encapsulated?.content ?? Buffer.alloc(0))
  if (contentType === undefined || oidOf({ content: contentType.whole }) !== TST_INFO || inner?.tag !== CONTEXT_0)
    refuse('it is about something else')
  const certificates = readRow(rest.find(({ tag }) => tag === CONTEXT_0)?.content ?? Buffer.alloc(0))
  const signers = readRow(rest.find(({ tag }) => tag === TAG.set)?.content ?? Buffer.alloc(0))
  const [only, other] = signers
  if (only === undefined || other !== undefined) refuse('it has not exactly one signer')
  return {
    content: readOne(inner.content, TAG.octetString).content,
    signer: readSigner(only),
    certificates: certificates.filter(({ tag }) => tag === TAG.sequence).map(({ whole }) => whole),
  }
}

function readSigner({ content }: Element): Signer {
  const [, id, digest, attributes, algorithm, signature] = readRow(content)
  if (!id || attributes?.tag !== CONTEXT_0 || !digest || !algorithm || signature?.tag !== TAG.octetString)
    refuse('its signer cannot be read')
  const name = DIGESTS[oidOf(digest)]
  if (name === undefined) refuse('its digest is not allowed')
  return {
    id,
    digest: name,
    attributes,
    algorithm: { oid: oidOf(algorithm), der: algorithm.whole },
    signature: signature.content,
  }
}

function readInfo(content: Buffer, { imprint, nonce }: TimeStampQuestion): { readonly genTime: number } {
  const info = readOne(content, TAG.sequence)
  assertStrict(info)
  const [version, , message, , time, ...rest] = readRow(info.content)
  if (version?.content.toString('hex') !== '01') refuse('its version is not 1')
  const [algorithm, hashed] = readRow(message?.content ?? Buffer.alloc(0))
  const isOurs = algorithm && oidOf(algorithm) === SHA_256 && hashed?.content.equals(imprint) === true
  if (!isOurs) refuse('it is about something else')
  const sent = rest.find(({ tag }) => tag === TAG.integer)?.content
  if (nonce !== undefined && sent?.equals(nonce) !== true) refuse('it answers another request')
  const [, text, fraction = ''] = /^(\d{14})(\.\d{1,9})?Z$/.exec(time?.content.toString('latin1') ?? '') ?? []
  if (text === undefined) refuse('its time cannot be read')
  const seconds = Date.parse(text.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(seconds)) refuse('its time cannot be read')
  return { genTime: seconds + Math.floor(Number(`0${fraction}`) * 1_000) }
}

/** The certificate that the signed attributes name, so that no other one with the same key or name can take its place. */
function signedBy({ id, digest, attributes }: Signer, content: Buffer, certificates: readonly Buffer[]): Certificate {
  const values = new Map<string, Element>()
  for (const { content: attribute } of readRow(attributes.content)) {
    const [type, set] = readRow(attribute)
    const [value, second] = readRow(set?.content ?? Buffer.alloc(0))
    const oid = type === undefined ? '' : oidOf({ content: type.whole })
    if (value === undefined || second !== undefined || values.has(oid)) refuse('its attributes cannot be read')
    values.set(oid, value)
  }
  const type = values.get(CONTENT_TYPE)
  if (type === undefined || oidOf({ content: type.whole }) !== TST_INFO)
    refuse('its attributes are about something else')
  const told = values.get(MESSAGE_DIGEST)?.content
  if (told?.equals(createHash(digest).update(content).digest()) !== true) refuse('its content was changed')
  const named = namedCertificate(values)
  const der = certificates.find((one) => isNamed(one, named))
  if (der === undefined) refuse('it lacks the certificate that it names')
  const certificate = readCertificate(der)
  if (!isNamedBy(id, certificate)) refuse('it names two certificates')
  const isCritical = certificate.extensions.get(OID.extendedKeyUsage)?.critical === true
  if (!isCritical || certificate.extendedKeyUsage?.join() !== TIME_STAMPING)
    refuse('its certificate is not for time stamps alone')
  return certificate
}

function isNamedBy({ tag, content }: Element, { issuer, serial, keyId }: Certificate): boolean {
  if (tag !== TAG.sequence) return keyId === content.toString('hex')
  const [name, number] = readRow(content)
  return name?.whole.equals(issuer.der) === true && number?.content.equals(serial) === true
}

/** ESSCertID (RFC 2634) or ESSCertIDv2 (RFC 5816): the first one is that of the signer. */
function namedCertificate(values: ReadonlyMap<string, Element>): { readonly digest: string; readonly hash: Buffer } {
  const v2 = values.get(SIGNING_CERTIFICATE_V2)
  const list = readRow((v2 ?? values.get(SIGNING_CERTIFICATE))?.content ?? Buffer.alloc(0))[0]
  const parts = readRow(readRow(list?.content ?? Buffer.alloc(0))[0]?.content ?? Buffer.alloc(0))
  const hash = parts.find(({ tag }) => tag === TAG.octetString)?.content
  if (hash === undefined) refuse('it names no certificate')
  const [algorithm] = parts
  if (v2 === undefined) return { digest: 'sha1', hash }
  const digest = algorithm?.tag === TAG.sequence ? DIGESTS[oidOf(algorithm)] : 'sha256'
  return { digest: digest ?? refuse('its digest is not allowed'), hash }
}

function isNamed(der: Buffer, { digest, hash }: { readonly digest: string; readonly hash: Buffer }): boolean {
  const own = createHash(digest).update(der).digest()
  return own.length === hash.length && timingSafeEqual(own, hash)
}

function refuse(what: string): never {
  throw new TimeStampRefused(`the time stamp is refused: ${what}`)
}

function limited(der: Buffer): Buffer {
  return der.length > MAX_BYTES ? refuse(`it has more than ${MAX_BYTES} bytes`) : der
}

function attempt<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof TimeStampRefused) throw thrown
    throw new TimeStampRefused(`the time stamp is refused: ${(thrown as Error).message}`, { cause: thrown })
  }
}

/** DER of an element that holds these. */
function wrap(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length < 0x80 ? Buffer.of(content.length) : Buffer.of(0x81, content.length)
  return Buffer.concat([Buffer.of(tag), length, content])
}
