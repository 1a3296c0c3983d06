/**
 * Decides whether a value that should be a word carries a command: something that ends a word for a shell, and a program after it
 * with the arguments that only a command has. Either alone is ordinary prose (`a hero; more than that`).
 */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { handedValue } from '../views/handed-value.ts'
import { cellsWithin } from '../views/values-within.ts'
import {
  ENDS,
  FLAG,
  LATER_FLAG,
  DURATION,
  FEW_ARGUMENTS,
  WAITS,
  ENDED_VALUE,
  LEAST_LIST,
  FILE,
  SYSTEM_PLACE,
  PROSE,
  PROGRAM_FOLDER,
  hasArguments,
} from './command-arguments.ts'
import { disguised } from './disguised-program.ts'
import { hasGlobbedPath } from './globbed-path.ts'
import { plainForm } from './plain-form.ts'
import { isProduct, isWrapper, programKind } from './program-names.ts'
import { shellSyntax } from './shell-syntax.ts'
import { windowsCommand } from './windows-command.ts'

/** What none of the rules can do without. Letters, digits, blanks, dots, commas and hyphens alone are never searched further. */
const SIGNS = /[;|&`$<>(){}\n\r"'\\/*?~%^=:]|\s-/

/** Where a command may begin: after a separator, inside of a substitution, after a quote or what stands before a value. */
const POSITION = /[;|\n\r`&$<>"'=(,:]|%(?:25)?(?:0[ad]|1a)/gi
const REFERENCE = /&#?\w{1,10};/y
/** Blanks and quotes, then the word. Before a value there is no blank, or prose would be full of commands. */
const WORD = /([ \t"'@({!]{0,8}(?:(?:\$\w{1,8}|[a-z_]\w{0,20}=[^\s;|&]{0,40})[ \t])?)((?:[A-Za-z]:)?[\w./\\-]{1,80})/iy
const INNER_WORD = /(["'@(]{0,3})((?:[A-Za-z]:)?[\w./\\-]{1,80})/y
const MAX_POSITIONS = 512
const ARGUMENTS_LENGTH = 160

const REASONS: Readonly<Partial<Record<Start, string>>> = { inner: 'program', pipe: 'separator', doubled: 'separator' }

type Start = 'separator' | 'doubled' | 'pipe' | 'ampersand' | 'line' | 'substitution' | 'backtick' | 'value' | 'inner'

/** Raw or decoded text; give it `inViews`. */
export const commandInjection: Inspect = (value) => {
  if (!SIGNS.test(value)) return withoutSigns(value)
  const found = inText(value) ?? inQuotedValues(value) ?? inHandedValue(value)
  return found === undefined ? NOTHING : [strong(...found)]
}

type Found = readonly [reason: string, evidence: string]

function inText(text: string): Found | undefined {
  const plain = plainForm(text)
  return (
    shellSyntax(text) ??
    windowsCommand(text) ??
    injected(text) ??
    (plain === text ? undefined : (injected(plain) ?? disguised(text, plain))) ??
    (hasGlobbedPath(text) || hasGlobbedPath(plain) ? ['command.wildcard-path', plain] : undefined)
  )
}

/** A value without any of these is a word, which is no command. */
const COMMAND_SIGNS = /[ ;|&`$<({*?'\\^]/

function inQuotedValues(text: string): Found | undefined {
  for (const inner of cellsWithin(text)) {
    if (!COMMAND_SIGNS.test(inner)) continue
    const found =
      inText(inner) ?? inCellsOfCell(inner) ?? (wrapped(inner) ? ['command.wrapped-program', inner] : undefined)
    if (found !== undefined) return found
  }
  return undefined
}

/** JSON in a table, XML in JSON. */
function inCellsOfCell(text: string): Found | undefined {
  for (const inner of cellsWithin(text)) {
    const found = COMMAND_SIGNS.test(inner) ? inText(inner) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function inHandedValue(text: string): Found | undefined {
  const value = handedValue(text)
  return value === undefined ? undefined : inText(value)
}

const NOTHING: readonly Sighting[] = []

/** Commands need signs, but for wrappers (`nohup whoami`) and the conditions of batch files. */
function withoutSigns(value: string): readonly Sighting[] {
  if (wrapped(value)) return [strong('command.wrapped-program', value)]
  const found = /^\s*if\s/i.test(value) ? windowsCommand(value) : undefined
  return found === undefined ? NOTHING : [strong(...found)]
}

const strong = (reason: string, shown: string): Sighting => ({
  family: 'command',
  weight: 'strong',
  reason,
  evidence: evidence(shown),
})

function injected(text: string): Found | undefined {
  if (isCommandAt(text, 0, 'value', 0)) return ['command.program', text.slice(0, ARGUMENTS_LENGTH)]
  POSITION.lastIndex = 0
  let backticks = 0
  for (let count = 0; count < MAX_POSITIONS; count++) {
    const sign = POSITION.exec(text)
    if (sign === null) break
    const at = sign.index
    const place = startAt(text, at)
    if (place === undefined) continue
    const [start, length] = place
    // Every second one closes what the one before opened.
    if (start === 'backtick' && ++backticks % 2 === 0) continue
    POSITION.lastIndex = at + length
    if (isCommandAt(text, POSITION.lastIndex, start, at)) {
      return [`command.${REASONS[start] ?? start}`, text.slice(at, at + ARGUMENTS_LENGTH)]
    }
  }
  return undefined
}

function startAt(text: string, at: number): readonly [start: Start, length: number] | undefined {
  const next = text[at + 1]
  switch (text.charAt(at)) {
    case ';':
      return ['separator', 1]
    case '|':
      return next === '|' ? ['doubled', 2] : ['pipe', 1]
    case '\n':
    case '\r':
      return ['line', 1]
    case '%':
      // Nobody writes an encoded end of a line before the name of a program.
      return ['separator', text[at + 1] === '2' ? 5 : 3]
    case '`':
      return ['backtick', 1]
    case '&':
      REFERENCE.lastIndex = at
      return next === '&' ? ['doubled', 2] : REFERENCE.test(text) ? undefined : ['ampersand', 1]
    case '$':
    case '<':
      return next === '(' ? ['substitution', 2] : undefined
    case '>':
      return next === '(' ? ['substitution', 2] : ['inner', 1]
    case ':':
      return ['inner', next === ' ' ? 2 : 1]
    default:
      return ['inner', 1]
  }
}

/** `from`: where blanks, quotes and the word begin; `at`: where the sign stands. Nothing is copied for what is no program. */
function isCommandAt(text: string, from: number, start: Start, at: number): boolean {
  const pattern = start === 'inner' ? INNER_WORD : WORD
  pattern.lastIndex = from
  const [, lead = '', name] = pattern.exec(text) ?? []
  if (name === undefined || !mayBeProgram(name)) return false
  const end = pattern.lastIndex
  const before = text.slice(Math.max(0, at - ARGUMENTS_LENGTH), at)
  // `+` stands for a blank in forms.
  const rest = text.slice(end, end + ARGUMENTS_LENGTH).replace(/^\+(?=[-/\w$])/, ' ')
  return isCommand({ start, name, rest, before, lead })
}

/** Before anything is copied out of the text. */
function mayBeProgram(word: string): boolean {
  const name = word.slice(Math.max(word.lastIndexOf('/'), word.lastIndexOf('\\')) + 1)
  return programKind(name) !== undefined || PROGRAM_FOLDER.test(word)
}

/** A word where a command may begin, what follows it and what stands before. `lead`: blanks and quotes between sign and word. */
interface Place {
  readonly start: Start
  readonly name: string
  readonly rest: string
  readonly before: string
  readonly lead: string
}

function isCommand({ start, name: word, rest, before, lead }: Place): boolean {
  const inFolder = PROGRAM_FOLDER.test(word)
  const name = word.slice(Math.max(word.lastIndexOf('/'), word.lastIndexOf('\\')) + 1)
  if (!inFolder && name !== word && !word.startsWith('./')) return false
  const kind = programKind(name)
  if (kind === undefined) return inFolder && start !== 'inner' && start !== 'value' && ENDS.test(rest)
  if (isWrapper(name) && start !== 'backtick' && wrapped(`${name}${rest}`)) return true
  const isPlain = kind === 'plain' || inFolder
  switch (start) {
    case 'substitution':
      return isPlain ? !/^[.=\w]/.test(rest) : ENDS.test(rest) || /^\s/.test(rest)
    case 'backtick':
      return isBacktickCommand(isPlain, rest, before)
    case 'separator':
    case 'doubled':
    case 'pipe':
      return isSeparated({ start, name, rest, before, lead }, isPlain)
    case 'ampersand':
      return isBehindAmpersand({ start, name, rest, before, lead }, isPlain)
    case 'line':
      if (/["']\s*$/.test(before) && /^\s*[;|&#]/.test(rest)) return true
      if ((WAITS.test(name) || /["';|&]\s*$/.test(before)) && (DURATION.test(rest) || FLAG.test(rest))) return true
      return isPlain ? (ENDS.test(rest) && lead === '' && name !== 'go') || hasArguments(rest) : SYSTEM_PLACE.test(rest)
    case 'value':
    case 'inner':
      return isDirect({ start, name, rest, before, lead }, isPlain, inFolder)
  }
}

/** `R&D`, `cut & paste` and `a=1&date=2` are no commands. */
function isBehindAmpersand({ name, rest, before, lead }: Place, isPlain: boolean): boolean {
  if (/^(?:\s*[=&]|\w)/.test(rest)) return false
  if (isPlain && lead === '' && before === '' && /^\s/.test(rest)) return true
  if (hasArguments(rest) || DURATION.test(rest) || (isPlain && lead === '' && FILE.test(rest))) return true
  if (ENDS.test(rest)) return isPlain ? !(isProduct(name) && lead !== '') : name.length > 1 && ENDED_VALUE.test(before)
  return FEW_ARGUMENTS.test(rest) && (ENDED_VALUE.test(before) || before.trim() === '')
}

function isSeparated({ start, name, rest, before, lead }: Place, isPlain: boolean): boolean {
  if (/^[=.:\w]/.test(rest)) return false
  const isGlued = !/^[ "'@]/.test(lead) || /[({!]/.test(lead)
  if (!isPlain && isGlued && isList(before, name, rest)) return false
  // No sentence begins with `;ps`.
  if (lead === '' && /(?:^|[\s:"'(>])$/.test(before) && (!rest.startsWith('|') || rest === '|')) return true
  if (isPlain && name.includes('-')) return true
  if (PROSE.test(rest)) return start !== 'separator' && isPlain && name.length > 3 && !isProduct(name)
  if (LATER_FLAG.test(rest) && isPlain) return true
  if (/[({!]/.test(lead) && (ENDS.test(rest) || /^\s/.test(rest))) return true
  // A table: `4|2|c|1`.
  if (lead === '' && rest.startsWith('|') && before.includes('|') && !isPlain) return false
  if (hasArguments(rest) || FILE.test(rest) || DURATION.test(rest)) return true
  if (isPlain && !(isProduct(name) && !isGlued)) return ENDS.test(rest) || /^\s+[\w"'-]/.test(rest)
  // `file.txt && hostname`, and nothing else.
  if (rest.trim() === '' && /^\s*\S+\s+$/.test(before) && start !== 'pipe' && name.length > 2) return true
  const isBehindValue =
    isGlued || start === 'doubled' || /[|&]\s*$/.test(before) || /["')]\s*$/.test(before) || before.trim() === ''
  // `red; date` may be a list; `red;date` and `x | date` hardly are.
  return (
    isBehindValue &&
    (isGlued || name.length > 1) &&
    (ENDS.test(rest) || (FEW_ARGUMENTS.test(rest) && !(start === 'pipe' && /[a-z_]$/i.test(before)))) &&
    !/[a-z]{3}[,;]? [a-z]{3,} ?$/i.test(before)
  )
}

const MAX_HEAD = 48

function isList(before: string, name: string, rest: string): boolean {
  const head = /[\w-]+(?:[|;][\w-]+)*$/.exec(before.slice(-MAX_HEAD))?.[0] ?? ''
  const tail = /^(?:[|;][\w-]+)*/.exec(rest)?.[0] ?? ''
  return `${head};${name}${tail}`.split(/[|;]/).length >= LEAST_LIST
}

/** In Markdown a pair of backticks is how prose names a program: only what no prose would put there counts. */
function isBacktickCommand(isPlain: boolean, rest: string, before: string): boolean {
  const [, body = '', end = '', after = ''] = /^([^`]{0,150})(`?)(.{0,40})/.exec(rest) ?? []
  if (before === '' && end === '`' && after === '') return isPlain || /^\s/.test(body)
  if (/[\s([/,]$/.test(before)) return SYSTEM_PLACE.test(body) && /[;|&$<>]/.test(body)
  if (PROSE.test(after) || /^ [a-z]{2,}/i.test(after)) return SYSTEM_PLACE.test(body)
  return end === '`' ? isPlain || before !== '' : isPlain && hasArguments(body)
}

function isDirect({ start, name, rest, before }: Place, isPlain: boolean, inFolder: boolean): boolean {
  if (SYSTEM_PLACE.test(rest)) return true
  if (start === 'inner') return isPlain && (FLAG.test(rest) || (before.endsWith('@') && ENDS.test(rest)))
  if (inFolder) return /^\s+\S/.test(rest) || ENDS.test(rest)
  if (isPlain && /^\s*(?:;|\|\|?|&&)\s*[^\s&|;]/.test(rest)) return true
  if (isPlain && !/^\w+$/.test(name)) return /^\s+[\w-]+/.test(rest) || ENDS.test(rest)
  if (/^["']?\s+[/~.]\s+-[a-z]/i.test(rest)) return true
  return isPlain
    ? hasArguments(rest) || FILE.test(rest) || /^\s+install\s+\w/.test(rest)
    : /^["']?\s+--?[a-z][\w-]*(?:$|[\s=])/i.test(rest)
}

/** `nohup whoami`, `time sh -c …`: nobody says that. */
function wrapped(text: string): boolean {
  const match = /^\s*["']?(\w+)["']?\s+(?:-\S+\s+|\w+=\S*\s+|\d+\s+)*["']?([\w.-]+)(.{0,80})/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined || !isWrapper(match[1])) return false
  const kind = programKind(match[2])
  return (
    (kind === 'plain' || (kind === 'word' && /^(?:nohup|strace|setsid|sudo)$/.test(match[1]))) &&
    (!PROSE.test(match[3] ?? '') || (kind === 'plain' && !isProduct(match[2])))
  )
}
