/** Decides whether a command line stays within its rules: by its syntax tree, where a pattern would guess. */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { breach, checkPlace, checkProgram, type ShellBreach } from './program-rules.ts'
import { loadShellParser, type ShellFlaw, type ShellNode, type ShellTree } from './shell-parser.ts'
import type { ShellFeature, ShellRules } from './shell-rules.ts'
import { hasDollarQuotes, readWord, type ShellWord } from './shell-words.ts'

/** Which word allows a node of this type; `always` is part of any command. What is missing here is refused. */
const FEATURE_OF: Readonly<Record<string, ShellFeature | 'always'>> = {
  ...{ File: 'always', Stmt: 'always', CallExpr: 'always', Word: 'always', Lit: 'always', Comment: 'always' },
  ...{ SglQuoted: 'always', DblQuoted: 'always', BinaryCmd: 'always', Redirect: 'always' },
  ...{ ParamExp: 'variables', CmdSubst: 'substitution', ProcSubst: 'substitution', ExtGlob: 'globbing' },
  ...{ ArithmExp: 'arithmetic', ArithmCmd: 'arithmetic', BinaryArithm: 'arithmetic', UnaryArithm: 'arithmetic' },
  ...{ ParenArithm: 'arithmetic', LetClause: 'arithmetic', CoprocClause: 'background', FuncDecl: 'functions' },
  ...{ Assign: 'assignments', ArrayExpr: 'assignments', ArrayElem: 'assignments', DeclClause: 'assignments' },
  ...{ IfClause: 'compound', WhileClause: 'compound', ForClause: 'compound', WordIter: 'compound' },
  ...{ CStyleLoop: 'compound', CaseClause: 'compound', CaseItem: 'compound', Subshell: 'compound', Block: 'compound' },
  ...{
    TestClause: 'compound',
    BinaryTest: 'compound',
    UnaryTest: 'compound',
    ParenTest: 'compound',
    TimeClause: 'compound',
  },
}

/** Token numbers of the parser, pinned with its version. */
const CONDITIONS: ReadonlySet<number> = new Set([10, 11])
const PIPES: ReadonlySet<number> = new Set([12, 13])
const FILE_REDIRECTIONS: ReadonlySet<number> = new Set([54, 55, 56, 57, 58, 59, 60, 64, 65])
const HERE_DOCUMENTS: ReadonlySet<number> = new Set([61, 62, 63])
const DUPLICATIONS: ReadonlySet<number> = new Set([58, 59])

/** Variables by which a shell or a loader runs or reads something else. */
const RULING_VARIABLES =
  /^(?:PATH|IFS|ENV|BASH_.*|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|LD_.*|DYLD_.*|GIT_.*|.*PAGER|.*EDITOR|VISUAL|BROWSER|NODE_.*|PYTHON.*|PERL.*|RUBY.*|JAVA_.*|.*_OPTIONS|GCONV_PATH|LESSOPEN|LESSCLOSE|SHELL|CDPATH|PWD|HOME|TMPDIR|XDG_.*|.*_(?:RSH|SSH|ASKPASS|CONFIG|CONFIG_PATH|PROXY)|.*_proxy|OPENSSL_.*|CURL_.*|LUA_.*|MAKEFLAGS|LESS|WGETRC|INPUTRC|EXINIT|VIMINIT|FPATH|ZDOTDIR)$/

const FLAWS: Readonly<Record<ShellFlaw, string>> = {
  'too-long': 'must be shorter',
  'too-complex': 'must be a simpler command',
  control: 'must not contain control characters',
  unparsable: 'must be a command that can be parsed',
}

/** Loads the grammar and gives the detector's maker. Nothing is loaded for a gateway that never calls this. */
export async function loadShellRole(): Promise<(rules: ShellRules) => Inspect> {
  const parse = await Promise.resolve().then(loadShellParser)
  return (rules) => {
    const allowed: ReadonlySet<ShellFeature> = new Set(rules.allow)
    return (value) => {
      const tree = parse(value, rules)
      const wrong = typeof tree === 'string' ? breach(tree, value, FLAWS[tree]) : firstBreach(tree, rules, allowed)
      return wrong === undefined ? NOTHING : [sighting(wrong)]
    }
  }
}

const NOTHING: readonly Sighting[] = []

const sighting = ({ reason, evidence: shown, says }: ShellBreach): Sighting => ({
  family: 'command',
  weight: 'breach',
  reason,
  evidence: evidence(shown),
  says,
})

function firstBreach(tree: ShellTree, rules: ShellRules, allowed: ReadonlySet<ShellFeature>): ShellBreach | undefined {
  let found = checkLists(tree, allowed)
  let programs = 0
  try {
    tree.walk((node, type) => {
      if (type === 'CallExpr' && (node.Args?.length ?? 0) > 0) programs++
      found ??= checkNode(tree, node, type, rules, allowed)
    })
  } catch {
    return breach('unparsable', '', FLAWS.unparsable)
  }
  return found ?? (programs === 0 ? breach('empty', '', 'must be a command') : undefined)
}

function checkLists({ root }: ShellTree, allowed: ReadonlySet<ShellFeature>): ShellBreach | undefined {
  return (root.Stmts?.length ?? 0) > 1 ? need('sequences', ';', allowed) : undefined
}

function checkNode(
  tree: ShellTree,
  node: ShellNode,
  type: string,
  rules: ShellRules,
  allowed: ReadonlySet<ShellFeature>,
): ShellBreach | undefined {
  const feature = Object.hasOwn(FEATURE_OF, type) ? FEATURE_OF[type] : undefined
  if (feature === undefined) return breach('unknown-syntax', type, 'must be a simpler command')
  if (feature !== 'always' && !allowed.has(feature)) return need(feature, type, allowed)
  switch (type) {
    case 'Stmt':
      return checkStatement(node, allowed)
    case 'BinaryCmd':
      return checkOperator(node.Op ?? -1, allowed)
    case 'Redirect':
      return checkRedirection(tree, node, rules, allowed)
    case 'Assign':
      return checkAssignment(tree, node)
    case 'WordIter':
      return checkVariable(nameOf(node))
    case 'Word':
      return checkWord(tree, node, allowed)
    case 'CallExpr':
      return checkCall(
        (node.Args ?? []).map((word) => readWord(tree, word)),
        rules,
        allowed,
      )
    default:
      return undefined
  }
}

/** Wildcards first: `ls ~` is refused as one, not as a path that leads nowhere. */
function checkCall(
  words: readonly ShellWord[],
  rules: ShellRules,
  allowed: ReadonlySet<ShellFeature>,
): ShellBreach | undefined {
  const wild = words.slice(1).find(({ globs }) => globs)
  const refused = wild === undefined ? undefined : need('globbing', wild.text, allowed)
  return refused ?? checkProgram(words, rules)
}

function checkStatement(node: ShellNode, allowed: ReadonlySet<ShellFeature>): ShellBreach | undefined {
  if (node.Background === true || node.Coprocess === true) return need('background', '&', allowed)
  return node.Negated === true ? need('conditions', '!', allowed) : undefined
}

function checkOperator(operator: number, allowed: ReadonlySet<ShellFeature>): ShellBreach | undefined {
  if (CONDITIONS.has(operator)) return need('conditions', '&&', allowed)
  if (PIPES.has(operator)) return need('pipes', '|', allowed)
  return breach('unknown-syntax', String(operator), 'must be a simpler command')
}

function checkRedirection(
  tree: ShellTree,
  node: ShellNode,
  rules: ShellRules,
  allowed: ReadonlySet<ShellFeature>,
): ShellBreach | undefined {
  const operator = node.Op ?? -1
  if (HERE_DOCUMENTS.has(operator)) return need('here-documents', '<<', allowed)
  if (!FILE_REDIRECTIONS.has(operator)) return breach('unknown-syntax', String(operator), 'must be a simpler command')
  const refused = need('redirection', '>', allowed)
  if (refused !== undefined || node.Word === undefined || node.Word === null) return refused
  const target = readWord(tree, node.Word)
  if (!target.fixed || target.globs) return breach('computed-target', target.text, 'must name its files plainly')
  if (DUPLICATIONS.has(operator) && /^(?:\d{1,2}-?|-)$/.test(target.text)) return undefined
  if (/^\/dev\/(?:tcp|udp)\//.test(target.text)) return breach('network', target.text, 'must not open connections')
  return checkPlace(target.text, rules, true)
}

function checkWord(tree: ShellTree, node: ShellNode, allowed: ReadonlySet<ShellFeature>): ShellBreach | undefined {
  const { text, globs } = readWord(tree, node)
  if (hasDollarQuotes(tree, node)) return breach('escaped-quotes', text, 'must not contain $\'…\' or $"…"')
  return globs ? need('globbing', text, allowed) : undefined
}

/** `export "PATH=x"` names its variable in a word; options make it a name for another one, and subscripts are evaluated. */
function checkAssignment(tree: ShellTree, node: ShellNode): ShellBreach | undefined {
  const { Value: value } = node
  if (node.Name !== undefined && node.Name !== null) return checkVariable(nameOf(node))
  if (typeof value !== 'object' || value === null) return undefined
  const { text, fixed } = readWord(tree, value)
  if (!fixed || /^-\w*n|\[/.test(text)) return breach('ruling-variable', text, 'must not set this variable')
  return checkVariable(text.split('=', 1)[0] as string)
}

const nameOf = ({ Name: name }: ShellNode): string => (typeof name?.Value === 'string' ? name.Value : '')

const checkVariable = (name: string): ShellBreach | undefined =>
  RULING_VARIABLES.test(name.replace(/\+$/, ''))
    ? breach('ruling-variable', name, 'must not set this variable')
    : undefined

const WORDS: Readonly<Record<ShellFeature, string>> = {
  sequences: 'must be one command',
  conditions: 'must not join commands by conditions',
  pipes: 'must not contain pipes',
  redirection: 'must not redirect input or output',
  'here-documents': 'must not contain here-documents',
  globbing: 'must not contain wildcards',
  variables: 'must not contain variables',
  assignments: 'must not set variables',
  substitution: 'must not contain command substitution',
  arithmetic: 'must not contain arithmetic',
  background: 'must not run in the background',
  functions: 'must not define functions',
  compound: 'must be a plain command',
}

function need(feature: ShellFeature, shown: string, allowed: ReadonlySet<ShellFeature>): ShellBreach | undefined {
  return allowed.has(feature) ? undefined : breach(feature, shown, WORDS[feature])
}
