/** Decides what one word of a command line is for the program that gets it. */
import type { ShellNode, ShellTree } from './shell-parser.ts'

/** A word after quote removal. `fixed` is false when the shell replaces a part of it, whose value nobody can know here. */
export interface ShellWord {
  readonly text: string
  readonly fixed: boolean
  readonly globs: boolean
}

const GLOB = /[*?[\]{}]|^~|[=:]~/

export function readWord(tree: Pick<ShellTree, 'typeOf'>, word: ShellNode): ShellWord {
  let text = ''
  let fixed = true
  let globs = false
  for (const part of word.Parts ?? []) {
    const read = readPart(tree, part)
    text += read.text
    fixed &&= read.fixed
    globs ||= read.globs
  }
  return { text, fixed, globs }
}

/**
 * Whether a part is `$'…'` with escapes or `$"…"`: no text stands there, but what a shell makes of it. Older grammars read a
 * dollar sign there, the shells that they were written for have learned the escapes since.
 */
export function hasDollarQuotes(tree: Pick<ShellTree, 'typeOf'>, { Parts: parts = [] }: ShellNode): boolean {
  return parts.some((part, at) => {
    const type = tree.typeOf(part)
    if (type !== 'SglQuoted' && type !== 'DblQuoted') return false
    if (part.Dollar === true) return type === 'DblQuoted' || String(part.Value).includes('\\')
    const before = parts[at - 1]
    return before !== undefined && tree.typeOf(before) === 'Lit' && /(?<!\\)(?:\\\\)*\$$/.test(String(before.Value))
  })
}

function readPart(tree: Pick<ShellTree, 'typeOf'>, part: ShellNode): ShellWord {
  const value = typeof part.Value === 'string' ? part.Value : ''
  switch (tree.typeOf(part)) {
    case 'Lit':
      return { text: unescaped(value), fixed: true, globs: GLOB.test(value.replace(/\\[\s\S]/g, '')) }
    case 'SglQuoted':
      // $'…' has escapes of its own, so its text is not what it says.
      return { text: value, fixed: part.Dollar !== true || !value.includes('\\'), globs: false }
    case 'DblQuoted':
      return (part.Parts ?? []).reduce<ShellWord>(
        (whole, inner) => {
          const isText = tree.typeOf(inner) === 'Lit'
          return {
            ...whole,
            text: whole.text + (isText && typeof inner.Value === 'string' ? unquoted(inner.Value) : ''),
            fixed: whole.fixed && isText,
          }
        },
        // $"…" is translated by a catalogue.
        { text: '', fixed: part.Dollar !== true, globs: false },
      )
    default:
      return { text: '', fixed: false, globs: false }
  }
}

const unescaped = (text: string): string =>
  text.replace(/\\(\n|[\s\S])/g, (_, char: string) => (char === '\n' ? '' : char))

const unquoted = (text: string): string =>
  text.replace(/\\([$`"\\\n])/g, (_, char: string) => (char === '\n' ? '' : char))
