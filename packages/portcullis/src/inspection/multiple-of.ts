/**
 * Decides what a multiple is: exactly, of the numbers as they are written. The engine divides, so that 0.3 is no multiple of
 * 0.1, and from 2^53 on every number is one of every other.
 */
import { _, type KeywordDefinition } from 'ajv'

export const multipleOf: KeywordDefinition = {
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  error: {
    message: ({ schemaCode }) => _`"must be multiple of " + ${schemaCode}`,
    params: ({ schemaCode }) => _`{multipleOf: ${schemaCode}}`,
  },
  errors: false,
  compile: (divisor: number) => {
    const known = decimal(divisor)
    return (value: number) =>
      Number.isSafeInteger(value) && Number.isSafeInteger(divisor)
        ? value % divisor === 0
        : Number.isFinite(value) && divides(known, decimal(value))
  },
}

/** `digits` times ten to the power of `exponent`. */
interface Decimal {
  readonly digits: bigint
  readonly exponent: number
}

/** The shortest decimal that is read as this number: at most 17 digits, and an exponent within 400. */
function decimal(value: number): Decimal {
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
}

function divides(divisor: Decimal, value: Decimal): boolean {
  const shift = value.exponent - divisor.exponent
  if (shift >= 0) return (value.digits * 10n ** BigInt(shift)) % divisor.digits === 0n
  return value.digits % (divisor.digits * 10n ** BigInt(-shift)) === 0n
}
