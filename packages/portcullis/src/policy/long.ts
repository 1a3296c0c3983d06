/** Cedar's Long: a signed 64-bit integer whose overflow is an evaluation error. */
import { EvaluationError } from './value.ts'

export type Long = number | bigint

const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** A Long from exact arithmetic: a number where that is exact. Throws EvaluationError outside of 64 bits. */
export function toLong(exact: bigint): Long {
  if (exact < MIN || exact > MAX) throw new EvaluationError('integer overflow')
  const small = Number(exact)
  return Number.isSafeInteger(small) ? small : exact
}

const isSafe = Number.isSafeInteger

/** Sum; the fast path is exact because the result stays within 2^53. */
export function add(left: Long, right: Long): Long {
  if (typeof left === 'number' && typeof right === 'number' && isSafe(left + right)) return left + right
  return toLong(BigInt(left) + BigInt(right))
}

export function subtract(left: Long, right: Long): Long {
  if (typeof left === 'number' && typeof right === 'number' && isSafe(left - right)) return left - right
  return toLong(BigInt(left) - BigInt(right))
}

export function multiply(left: Long, right: Long): Long {
  // `+ 0` turns -0 into 0, which Cedar does not tell apart.
  if (typeof left === 'number' && typeof right === 'number' && isSafe(left * right)) return left * right + 0
  return toLong(BigInt(left) * BigInt(right))
}

export function negate(value: Long): Long {
  return subtract(0, value)
}
