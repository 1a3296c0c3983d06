/** Where the revocation lists of a certificate are, and what they are called (RFC 5280 §4.2.1.13). */
import { type Element, malformed, readOne, readRow, TAG } from './der.ts'
import { type DistinguishedName, readRelativeName } from './distinguished-name.ts'
import { type GeneralName, readGeneralNames } from './general-name.ts'

/** A DistributionPointName. */
export interface PointName {
  /** Of `fullName`: where to ask. */
  readonly urls: readonly string[]
  /** Of `fullName`, URLs and directory names; equal texts are equal names. */
  readonly full: readonly string[]
  /** One part to be added to the name of whoever signs the list. */
  readonly relative?: string
}

export interface DistributionPoint extends PointName {
  /** The list covers these reasons only, as bits of `REASON_BITS`; absent: all. */
  readonly reasons?: number
  /** The list is signed by somebody else: an indirect one. */
  readonly indirect: boolean
}

/** Every reason there is (ReasonFlags); the bit of the highest value is that of `unused`, which stands for none. */
export const ALL_REASONS = 0x7f_80

const MAX_POINTS = 16
const NAMELESS: PointName = { urls: [], full: [] }

/** Throws CertificateRefused for what has another form. */
export function readDistributionPoints(value: Buffer): readonly DistributionPoint[] {
  const points = readRow(readOne(value, TAG.sequence).content)
  if (points.length === 0 || points.length > MAX_POINTS) throw malformed('no distribution point, or too many')
  return points.map(({ tag, content }) => {
    if (tag !== TAG.sequence) throw malformed('a distribution point of another form')
    const fields = readRow(content)
    const name = fields.find((field) => field.tag === 0xa0)
    const reasons = fields.find((field) => field.tag === 0x81)
    return {
      ...(name === undefined ? NAMELESS : readPointName(name)),
      ...(reasons && { reasons: readReasons(reasons) }),
      indirect: fields.some((field) => field.tag === 0xa2),
    }
  })
}

export function readPointName({ content }: Pick<Element, 'content'>): PointName {
  const [choice] = readRow(content)
  if (choice?.tag === 0xa1) return { ...NAMELESS, relative: readRelativeName(choice) }
  if (choice?.tag !== 0xa0) return NAMELESS
  const names = readGeneralNames(choice)
  return {
    urls: names.flatMap((name) => (name.kind === 'uri' ? [name.text] : [])),
    full: names.flatMap(textOf),
  }
}

/** Bits of ReasonFlags, the first one highest. */
export function readReasons({ content }: Pick<Element, 'content'>): number {
  const [, first = 0, second = 0] = content
  return ((first << 8) | second) & ALL_REASONS
}

/** What a point is called where `issuer` signs its list; equal texts are equal names. */
export const namesOf = ({ full, relative }: PointName, issuer: DistinguishedName): readonly string[] =>
  relative === undefined ? full : [...full, directory(JSON.stringify([...issuer.parts, relative]))]

const directory = (key: string): string => `directory ${key}`

function textOf(name: GeneralName): readonly string[] {
  if (name.kind === 'uri') return [`uri ${name.text}`]
  return name.kind === 'directory' ? [directory(name.name.key)] : []
}
