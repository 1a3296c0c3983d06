/** Reads a profile of sandbox-exec and answers as its kernel would: of the rules that match, the last one decides. */

type Expression = string | readonly Expression[]

export interface Question {
  readonly operation: string
  /** Real path of a file. */
  readonly path?: string
  /** `host:port` of a peer. */
  readonly remote?: string
  readonly target?: 'same-sandbox' | 'others'
  readonly sysctl?: string
}

/** Throws on what is not a profile of version 1 with a decision for everything else. */
export function evaluate(profile: string, question: Question): 'allow' | 'deny' {
  const [version, ...rules] = parse(profile)
  if (JSON.stringify(version) !== '["version","1"]') throw new Error('not version 1')
  let decision: string | undefined
  for (const rule of rules) {
    const [verdict, ...rest] = listOf(rule)
    const operations = rest.filter((part) => typeof part === 'string')
    const filters = rest.filter((part) => typeof part !== 'string')
    const isMeant = operations.some((operation) => covers(operation, question.operation))
    if (isMeant && (filters.length === 0 || filters.some((filter) => matches(filter, question))))
      decision = String(verdict)
  }
  if (decision !== 'allow' && decision !== 'deny') throw new Error(`no decision: ${decision}`)
  return decision
}

/** `file-read*` covers `file-read-data`; `process-exec` covers `process-exec*` only by itself. */
function covers(operation: string, asked: string): boolean {
  if (operation === 'default') return true
  return operation.endsWith('*') ? asked.startsWith(operation.slice(0, -1)) : operation === asked
}

function matches(filter: Expression, question: Question): boolean {
  const [name, ...values] = listOf(filter)
  if (name === 'target') return question.target === values[0]
  const value = textOf(values.at(-1))
  switch (String(name)) {
    case 'literal':
      return question.path === value
    case 'subpath':
      return question.path === value || question.path?.startsWith(`${value}/`) === true
    case 'remote':
      return values[0] === 'ip' && question.remote === value
    case 'sysctl-name':
      return question.sysctl === value
    case 'sysctl-name-prefix':
      return question.sysctl?.startsWith(value) === true
    default:
      throw new Error(`unknown filter ${String(name)}`)
  }
}

const listOf = (expression: Expression | undefined): readonly Expression[] => {
  if (expression === undefined || typeof expression === 'string') throw new Error(`not a list: ${expression}`)
  return expression
}

/** Strings keep their opening quote while they are parsed, so that no symbol is taken for one. */
const textOf = (expression: Expression | undefined): string => {
  if (typeof expression !== 'string' || !expression.startsWith('"')) throw new Error('not a string')
  return expression.slice(1)
}

const TOKEN = /\s*(?:([()])|"((?:[^"\\]|\\["\\])*)"|([^\s()"]+))/y

export function parse(text: string): readonly Expression[] {
  const open: Expression[][] = [[]]
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const [, bracket, string, symbol] = TOKEN.exec(text) ?? failAt(text)
    const top = open.at(-1) ?? failAt(text)
    if (bracket === '(') open.push([])
    else if (bracket === ')') {
      open.pop()
      ;(open.at(-1) ?? failAt(text)).push(top)
    } else top.push(string === undefined ? (symbol ?? '') : `"${string.replaceAll(/\\(.)/g, '$1')}`)
  }
  if (open.length !== 1) failAt(text)
  return open[0] ?? []
}

function failAt(text: string): never {
  throw new Error(`not a profile: ${text.slice(TOKEN.lastIndex, TOKEN.lastIndex + 40)}`)
}
