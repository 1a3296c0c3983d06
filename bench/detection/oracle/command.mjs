// Decides whether a value makes a shell do more than pass words to a program, by asking a real parser of shells (mvdan/sh, as bash). For
// cmd.exe there is no parser: of it only variables between percent signs are added, since its other signs are those of a shell too.
import { loadShellParser } from '../../../packages/portcullis/src/inspection/shell/shell-parser.ts'

/** Where a value stands in a command line: as words, and inside of either kind of quotes. */
const PLACES = ['tool §', 'tool name=§', 'tool "§"', "tool '§'"]

/** A function that says for a value what a shell does with it beside passing words, or undefined. */
export function loadCommandOracle() {
  const parse = loadShellParser()
  return (value) => {
    if (/%\w+%/.test(value)) return 'cmd.exe: variable'
    for (const place of PLACES) {
      const tree = parse(
        place.replace('§', () => value),
        { variant: 'bash', maxLength: 4_096 },
      )
      const what = typeof tree === 'string' ? undefined : beyondWords(tree)
      if (what !== undefined) return `${what} in ${place}`
    }
    return undefined
  }
}

/** A function that says whether a value is a command line by itself, which is what the role `shell` judges. */
export function loadCommandLines(isProgram) {
  const parse = loadShellParser()
  return (value) => {
    const tree = parse(value, { variant: 'bash', maxLength: 4_096 })
    if (typeof tree === 'string') return /^\s*(?:if|for)\b/i.test(value)
    const calls = []
    tree.walk((node, type) => type === 'CallExpr' && calls.push(node))
    const name = calls[0]?.Args?.[0]?.Parts?.map((part) => String(part.Value ?? '')).join('') ?? ''
    return isProgram(name.replace(/^.*[/\\]/, ''))
  }
}

const WORDS = new Set(['File', 'Stmt', 'CallExpr', 'Word', 'Lit', 'SglQuoted', 'DblQuoted', 'Comment'])
// A slash between brackets makes them none (POSIX, "Patterns Used for Filename Expansion").
const EXPANDS = /(?<!\\)(?:\\\\)*(?:[*?]|\[[^\]/]+\]|\{[^{}]*(?:,|\.\.)[^{}]*\})|^~/

function beyondWords({ root, walk, typeOf }) {
  if (root.Stmts?.length !== 1) return 'statements'
  const [{ Background, Coprocess, Negated, Redirs, Cmd }] = root.Stmts
  if (Background || Coprocess || Negated) return 'background'
  if ((Redirs?.length ?? 0) > 0) return 'redirection'
  if (typeOf(Cmd) !== 'CallExpr' || (Cmd.Assigns?.length ?? 0) > 0) return 'operator'
  let what
  walk((node, type) => {
    if (!WORDS.has(type)) what ??= type
    if (type === 'Comment') what ??= 'comment'
  })
  if (what !== undefined) return what
  const literals = Cmd.Args.flatMap(({ Parts = [] }) => Parts).filter((part) => typeOf(part) === 'Lit')
  return literals.some(({ Value }) => EXPANDS.test(String(Value))) ? 'expansion' : undefined
}
