/** Writes an object identifier in dotted form (X.690 §8.19). */
import { readAt } from '../validation/der.ts'

/** Of the OID that `content` begins with, such as an AlgorithmIdentifier's. */
export function oidOf({ content }: { readonly content: Buffer }): string {
  const numbers: number[] = []
  let number = 0
  for (const octet of readAt(content, 0).content) {
    number = number * 128 + (octet & 0x7f)
    if (octet >= 0x80) continue
    numbers.push(number)
    number = 0
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...rest].join('.')
}
