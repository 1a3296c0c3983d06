/** Cedar's decimal: at most four fractional digits, kept as a whole number of ten-thousandths. */
import { EvaluationError, type ExtensionValue } from './value.ts'

const FORM = /^(-?)(\d+)\.(\d{1,4})$/
const LIMIT = 2n ** 63n

export class Decimal implements ExtensionValue {
  readonly kind = 'decimal'
  /** Ten-thousandths. */
  readonly key: bigint

  constructor(key: bigint) {
    if (key < -LIMIT || key >= LIMIT) throw new EvaluationError('decimal out of range')
    this.key = key
  }

  /** Parses `12.34`. Throws EvaluationError for anything else. */
  static parse(text: string): Decimal {
    const parts = FORM.exec(text)
    if (parts === null) throw new EvaluationError(`not a decimal: ${JSON.stringify(text)}`)
    const [, sign, whole, fraction] = parts as unknown as [string, string, string, string]
    const units = BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0'))
    return new Decimal(sign === '-' ? -units : units)
  }

  /** A JSON number that four fractional digits can hold. Throws EvaluationError for one that they cannot: no rounding. */
  static from(number: number): Decimal {
    const text = String(number)
    return Decimal.parse(text.includes('.') ? text : `${text}.0`)
  }
}
