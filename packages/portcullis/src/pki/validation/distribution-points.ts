/** Where the revocation lists of a certificate are (RFC 5280 §4.2.1.13). */
import { type Element, malformed, readOne, readRow, TAG } from './der.ts'
import { type GeneralName, readGeneralNames } from './general-name.ts'

export interface DistributionPoint {
  /** Of `fullName`. */
  readonly urls: readonly string[]
  /** The list covers some reasons only. */
  readonly partial: boolean
  /** The list is signed by somebody else: an indirect one. */
  readonly indirect: boolean
}

const MAX_POINTS = 16

/** Throws CertificateRefused for what has another form. */
export function readDistributionPoints(value: Buffer): readonly DistributionPoint[] {
  const points = readRow(readOne(value, TAG.sequence).content)
  if (points.length === 0 || points.length > MAX_POINTS) throw malformed('no distribution point, or too many')
  return points.map(({ tag, content }) => {
    if (tag !== TAG.sequence) throw malformed('a distribution point of another form')
    const fields = readRow(content)
    const name = fields.find((field) => field.tag === 0xa0)
    return {
      urls: name === undefined ? [] : readPointName(name),
      partial: fields.some((field) => field.tag === 0x81),
      indirect: fields.some((field) => field.tag === 0xa2),
    }
  })
}

/** URLs of a DistributionPointName; none when it is relative to an issuer. */
export function readPointName({ content }: Pick<Element, 'content'>): readonly string[] {
  const [choice] = readRow(content)
  if (choice?.tag !== 0xa0) return []
  return readGeneralNames(choice).flatMap((name: GeneralName) => (name.kind === 'uri' ? [name.text] : []))
}
