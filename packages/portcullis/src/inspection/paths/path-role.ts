/**
 * Decides whether a path may be handed to a tool: resolved as text, then compared. What its reader might decode or rewrite on
 * the way (percent signs, look-alike dots, Windows' own spellings) is refused, for nobody here knows the reader.
 */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { views } from '../views/views.ts'
import { isUnder } from './containment.ts'

export interface PathRules {
  /** Whose paths: of POSIX systems (default) or of Windows. */
  readonly style?: 'posix' | 'win32'
  /** Default `either` when there are roots, else `relative`. */
  readonly form?: 'relative' | 'absolute' | 'either'
  /** Absolute folders; the path has to lead into one of them. */
  readonly roots?: readonly string[]
  /** The folder that relative paths start from. Default: the first root. */
  readonly base?: string
  /** Lower case with the dot, such as `.txt`; the last one of the name counts. */
  readonly extensions?: readonly string[]
  /** A weakening: `..` may stand in the path as long as it leads into a root. Default `refused`. */
  readonly parents?: 'refused' | 'within-roots'
  /** Characters. Default 4096. */
  readonly maxLength?: number
}

interface Flaw {
  readonly reason: string
  readonly says: string
}

const DEFAULT_MAX_LENGTH = 4096
// oxlint-disable-next-line no-control-regex -- NUL ends a path for some readers, and no file is named with the others
const CONTROLS = /[\u0000-\u001f\u007f]|%00|\\0(?!\d)|%u0000|\\u0000|\\x00/i
const PARENT = /(?:^|[/\\])\.\.(?:[/\\]|$)/
/** Dots and separators in other clothes that some decoder undoes: `..;/` (Java), `....//` (filters), `. ./`. */
const ODD_PARENT = /(?:^|[/\\])(?:\.\.[;\s%].*?|\.{3,}|\.[\s;]\.)(?:[/\\]|$)/
const SCHEME = /^[a-z][a-z0-9+.-]+:/i
const DRIVE = /^[a-z]:/i
/** Names that Windows opens as devices in every folder, whatever their extension. */
const DEVICE = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])\s*(?:\.|:|$)/i

/** Gives `breach` for every path outside of its rules. */
export function pathRole(rules: PathRules): Inspect {
  return (value) => {
    const wrong = judgeSpelling(value, rules) ?? judgeViews(value, rules) ?? judgePlace(value, rules)
    return wrong === undefined ? NOTHING : [{ family: 'path', weight: 'breach', evidence: evidence(value), ...wrong }]
  }
}

const NOTHING: readonly Sighting[] = []

function judgeSpelling(value: string, rules: PathRules): Flaw | undefined {
  if (value === '') return flaw('empty', 'must not be empty')
  if (value.length > (rules.maxLength ?? DEFAULT_MAX_LENGTH)) return flaw('too-long', 'must be shorter')
  if (CONTROLS.test(value)) return flaw('control', 'must not contain control characters')
  if (/^(?:[/\\]{2}|[/\\]\?\?[/\\])/.test(value)) return flaw('network', 'must not name another machine or a device')
  // Many a tool trims what it gets, and ` /etc` is relative until then.
  if (value.trim() !== value) return flaw('blank', 'must not begin or end with blanks')
  if (value.startsWith('~')) return flaw('home', 'must not start with a tilde')
  if (ODD_PARENT.test(value)) return flaw('odd-parent', 'must not contain disguised parent folders')
  return rules.style === 'win32' ? judgeWindows(value) : judgePosix(value)
}

function judgePosix(value: string): Flaw | undefined {
  if (value.includes('\\')) return flaw('backslash', 'must separate folders by slashes')
  if (SCHEME.test(value) || DRIVE.test(value)) return flaw('scheme', 'must be a path, not a URL or a drive')
  return undefined
}

function judgeWindows(value: string): Flaw | undefined {
  const rest = value.replace(DRIVE, '')
  // `C:name` depends on a current folder per drive; `name:stream` is another file inside of a file.
  if (rest.includes(':')) return flaw('stream', 'must not contain colons after the drive')
  if (rest !== value && !/^[/\\]/.test(rest)) return flaw('drive', 'must have a separator after the drive')
  if (/[<>"|?*]/.test(rest)) return flaw('wildcard', 'must not contain < > " | ? *')
  for (const name of rest.split(/[/\\]/)) {
    if (DEVICE.test(name)) return flaw('device', 'must not name a device')
    if (/[. ]$/.test(name) && name !== '.' && name !== '..')
      return flaw('trailing', 'must not end names in dots or blanks')
    if (/~\d/.test(name)) return flaw('short-name', 'must not contain short names')
  }
  return undefined
}

/** A view may differ from the path in letters, not in where it leads. */
function judgeViews(path: string, { style }: PathRules): Flaw | undefined {
  // A backslash is no escape there.
  const value = style === 'win32' ? path.replaceAll('\\', '/') : path
  const shape = shapeOf(value)
  const decoded = views(value).slice(1)
  const other = decoded.find(({ text }) => shapeOf(text) !== shape || PARENT.test(text) !== PARENT.test(value))
  return other === undefined ? undefined : flaw('encoded', 'must be spelled plainly, without encodings')
}

const shapeOf = (path: string): string => path.replace(/[^/\\:]/g, '')

function judgePlace(value: string, rules: PathRules): Flaw | undefined {
  const { style = 'posix', roots, form = roots === undefined ? 'relative' : 'either', parents, extensions } = rules
  const isAbsolute = style === 'posix' ? value.startsWith('/') : /^(?:[a-z]:)?[/\\]/i.test(value)
  if (form === 'relative' && isAbsolute) return flaw('absolute', 'must be a relative path')
  if (form === 'absolute' && !isAbsolute) return flaw('relative', 'must be an absolute path')
  if (PARENT.test(value) && (parents !== 'within-roots' || roots === undefined)) {
    return flaw('parent', 'must not contain parent folders')
  }
  if (roots !== undefined) {
    const base = rules.base ?? roots[0] ?? '/'
    if (!isUnder(value, { roots, base, style })) return flaw('outside', 'must stay inside the allowed folders')
  }
  const name = value.split(/[/\\]/).at(-1) ?? ''
  const extension = /(\.[^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return extensions === undefined || extensions.includes(extension)
    ? undefined
    : flaw('extension', 'must have an extension that is allowed')
}

const flaw = (reason: string, says: string): Flaw => ({ reason: `path.${reason}`, says })
