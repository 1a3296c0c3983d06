/** Decides whether a name is one that a pattern with `*` means, without regard to case. */

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
