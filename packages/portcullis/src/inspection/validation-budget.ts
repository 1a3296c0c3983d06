/**
 * Bounds the work of one validation, because a small schema can demand an exponential amount of it (references that
 * branch) and the author of a schema is an upstream.
 *
 * Validation is synchronous, so the one running owns the counter.
 */
let left = 0
let matching = 0

/** Thrown in the middle of a validation that has used its steps. */
export class BudgetSpent extends Error {}

/**
 * Runs `validate` with so many steps: one for each schema applied to a value, and one for each 16 characters matched; and
 * with so much matching, see `spendMatch`.
 */
export function withBudget<T>(steps: number, validate: () => T, work = Number.POSITIVE_INFINITY): T {
  left = steps
  matching = work
  return validate()
}

/**
 * Before a match of so many characters by a program of so many instructions. Linear is not quick: a program of a thousand
 * instructions can take 50 microseconds for each character of a text that was made for it.
 */
export function spendMatch(characters: number, instructions: number): void {
  spend(characters >> 4)
  matching -= characters * instructions
  if (matching < 0) throw new BudgetSpent()
}

export function spend(steps: number): void {
  left -= steps
  if (left < 0) throw new BudgetSpent()
}

/** For a keyword of a schema: always true, or BudgetSpent. */
export function spendStep(): true {
  if (--left < 0) throw new BudgetSpent()
  return true
}
