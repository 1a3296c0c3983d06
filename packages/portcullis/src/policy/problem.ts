/** How a mistake in the policies is told: where it stands, what is wrong, and what would be right. */

export interface PolicyProblem {
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 units. */
  readonly column: number
  readonly wrong: string
  readonly right: string
}

/** Thrown with every mistake at once. The message has one line for each. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly problems: readonly PolicyProblem[]

  constructor(problems: readonly PolicyProblem[]) {
    super(problems.map(formatPolicyProblem).join('\n'))
    this.problems = problems
  }
}

/** `file:line:column: what is wrong; what would be right`. */
export function formatPolicyProblem({ file, line, column, wrong, right }: PolicyProblem): string {
  return `${file}:${line}:${column}: ${wrong}; ${right}`
}

/** "did you mean …?" when one of the known names is close, otherwise the known names themselves. */
export function suggest(name: string, known: readonly string[], noun: string): string {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter((entry) => entry.distance <= Math.max(2, name.length / 3))
    .toSorted((left, right) => left.distance - right.distance)
  if (best !== undefined) return `did you mean ${JSON.stringify(best.candidate)}?`
  if (known.length === 0) return `there is no ${noun}`
  const shown = known.slice(0, 8).map((candidate) => JSON.stringify(candidate))
  return `known: ${shown.join(', ')}${known.length > 8 ? ', …' : ''}`
}

/** Levenshtein distance. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + same))
    }
    row = next
  }
  return row[right.length] as number
}
