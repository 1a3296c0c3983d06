/** Decides whether a dotted name of SQL is one that a pattern means: without regard to case, `*` within one part. */
export interface NamePattern {
  /** As configured, in lower case. */
  readonly text: string
  readonly parts: readonly string[]
}

export function namePattern(text: string): NamePattern {
  const lower = text.toLowerCase()
  return { text: lower, parts: lower.split('.') }
}

export function matchesName({ parts }: NamePattern, name: readonly string[]): boolean {
  return parts.length === name.length && parts.every((part, index) => matchesPart(part, name[index] as string))
}

/** Linear: after the first `*` each piece is looked for once, from where the last one ended. */
export function matchesPart(pattern: string, text: string): boolean {
  const [first = '', ...pieces] = pattern.split('*')
  const name = text.toLowerCase()
  const last = pieces.pop()
  if (last === undefined) return name === first
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces) {
    const found = name.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= name.length - last.length
}
