/** When two distinguished names are the same: RFC 5280 §7.1, without regard to case, spaces and the kind of string. */
import { type Element, malformed, readOne, readRow, TAG } from './der.ts'

export interface DistinguishedName {
  readonly der: Buffer
  /** One text for each relative name, in order; equal texts are equal names. */
  readonly parts: readonly string[]
  /** Equal for equal names. */
  readonly key: string
  readonly commonNames: readonly string[]
  readonly emailAddresses: readonly string[]
}

const COMMON_NAME = '550403'
const EMAIL_ADDRESS = '2a864886f70d010901'
const MAX_ATTRIBUTES = 200

interface Found {
  readonly commonNames: string[]
  readonly emailAddresses: string[]
}

/** Throws CertificateRefused for what is no Name. */
export function readName(der: Buffer): DistinguishedName {
  const found = { commonNames: [] as string[], emailAddresses: [] as string[] }
  const parts = readRow(readOne(der, TAG.sequence).content).map((relative) => {
    if (relative.tag !== TAG.set) throw malformed('a relative name that is no set')
    return readPart(relative, found)
  })
  return { der, parts, key: JSON.stringify(parts), ...found }
}

/** One part as in `parts`, whatever its tag. Throws CertificateRefused for what is no relative name. */
export const readRelativeName = (relative: Pick<Element, 'content'>): string =>
  readPart(relative, { commonNames: [], emailAddresses: [] })

function readPart({ content }: Pick<Element, 'content'>, found: Found): string {
  if (content.length === 0) throw malformed('a relative name that is no set')
  const attributes = readRow(content)
  if (attributes.length > MAX_ATTRIBUTES) throw malformed('too many attributes in a name')
  return attributes
    .map((attribute) => readAttribute(attribute, found))
    .toSorted()
    .join('+')
}

/** Whether `name` begins with all parts of `base`. */
export const isWithin = (name: DistinguishedName, base: DistinguishedName): boolean =>
  base.parts.length <= name.parts.length && base.parts.every((part, at) => part === name.parts[at])

function readAttribute(attribute: Element, found: Found): string {
  if (attribute.tag !== TAG.sequence) throw malformed('an attribute that is no sequence')
  const [type, value, more] = readRow(attribute.content)
  if (type?.tag !== TAG.oid || value === undefined || more !== undefined) throw malformed('an attribute of a name')
  const oid = type.content.toString('hex')
  const text = readText(value)
  if (oid === COMMON_NAME) found.commonNames.push(text ?? '')
  if (oid === EMAIL_ADDRESS) found.emailAddresses.push(text ?? '')
  return `${oid}=${text === undefined ? `#${value.whole.toString('hex')}` : fold(text)}`
}

const fold = (text: string): string => text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()

/** Undefined for what is no string. */
function readText({ tag, content }: Element): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return utf8(content)
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x14: // TeletexString, which everybody writes as Latin-1
    case 0x16: // IA5String
      return content.toString('latin1')
    case 0x1e: // BMPString
      if (content.length % 2 !== 0) throw malformed('a string of half characters')
      return Buffer.from(content).swap16().toString('utf16le')
    default:
      return undefined
  }
}

function utf8(content: Buffer): string {
  const text = content.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(content)) throw malformed('a string that is not UTF-8')
  return text
}
