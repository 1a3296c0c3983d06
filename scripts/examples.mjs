/**
 * Holds what the documents show against the program: configurations against the schema, policies against the language, and
 * commands with their options against those that there are.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { PACKAGE, ROOT } from './workspace.mjs'

const source = (path) => import(join(PACKAGE, 'src', path))
const { readShape } = await source('config/read-shape.ts')
const { configJsonSchema } = await source('config/schema-node.ts')
const { openCedar } = await source('policy/cedar.ts')
const { splitPolicies } = await source('policy/source.ts')
const { buildProgram } = await source('cli/program.ts')

const FOLDERS = ['docs', 'examples']
/** What was once, and what is to be. */
const UNSHOWN = ['CHANGELOG.md', 'SPECIFICATION.md']
const FENCE = /^( *)```(\w*)([^\n]*)\n(.*?)^ *```/gms
/** What stands for something that is left out. */
const LEFT_OUT = '…'

const PROGRAM = /\.(?:mjs|js|py)$/

/** Programs under examples/ that neither a test nor what a test starts has a name for. */
function unrunExamples() {
  const below = (folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, String(name)))
  const callers = [...below('packages/portcullis/test'), ...below('scripts')].filter((file) =>
    /\.(?:ts|mjs)$/.test(file),
  )
  const texts = callers.map((file) => readFileSync(join(ROOT, file), 'utf8'))
  return below('examples')
    .filter((file) => PROGRAM.test(file))
    .filter((file) => {
      const [name = '', folder = ''] = file.split(sep).toReversed()
      return !texts.some((text) => text.includes(name) && text.includes(folder) && text.includes('examples'))
    })
    .map((file) => `${file}: no test runs it`)
}

/** One line each: where, and what is wrong. */
export function exampleProblems() {
  const inDocuments = documents().flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const name = relative(ROOT, file).split(sep).join('/')
    const blocks = [...text.matchAll(FENCE)].map(([whole, indent, language, info, body], index) => ({
      ...{ language, info: info.trim(), body: body.replaceAll(new RegExp(`^${indent}`, 'gm'), '') },
      line: text.slice(0, text.indexOf(whole)).split('\n').length,
      index,
    }))
    const shown = blocks.flatMap((block) => problemsOf(block).map((wrong) => `${name}:${block.line}: ${wrong}`))
    const spoken = [...text.replace(FENCE, '').matchAll(/`(?:npx )?portcullis ([a-z][^`]*)`/g)]
    return [...shown, ...spoken.flatMap(([, words]) => commandProblems(words).map((wrong) => `${name}: ${wrong}`))]
  })
  return [...inDocuments, ...unrunExamples()]
}

function documents() {
  const inside = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(ROOT, folder, String(name))),
  )
  const above = readdirSync(ROOT).map((name) => join(ROOT, name))
  return [...above, ...inside].filter((file) => file.endsWith('.md') && !UNSHOWN.some((name) => file.endsWith(name)))
}

function problemsOf({ language, info, body }) {
  if (/^ya?ml$/.test(language)) return configProblems(body, /\bat=(\S+)/.exec(info)?.[1])
  if (language === 'cedar') return policyProblems(body)
  if (!['', 'sh', 'bash', 'console'].includes(language)) return []
  return body
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => /^\s*(?:\$ )?(?:npx )?portcullis ([a-z].*)$/.exec(line)?.[1] ?? [])
    .flatMap(commandProblems)
}

const cedar = openCedar()

function policyProblems(text) {
  return splitPolicies({ file: 'shown.cedar', text }).flatMap((policy) => {
    const answer = cedar.parse(policy.text)
    return Array.isArray(answer) ? answer.map(({ message }) => message) : []
  })
}

const TOP = Object.keys(configJsonSchema().properties)

/** A fragment that does not begin at the top says where it belongs, behind the word `yaml`: `at=upstreams.files.stdio`. A file of others says its name. */
function configProblems(body, at) {
  const foreign = /^# (\S+\.ya?ml)\n/.exec(body)?.[1]
  if (foreign !== undefined && foreign !== 'portcullis.yaml') return []
  const whole = body.replaceAll(`sha256:${LEFT_OUT}`, `sha256:${'0'.repeat(64)}`)
  const text = at === undefined ? whole : nested(whole, at.split('.'))
  const names = [...text.matchAll(/^([\w-]+):/gm)].map(([, name]) => name)
  // Cases for `policy test`.
  if (at === undefined && names.length === 0 && text.startsWith('- ')) return []
  if (!names.some((name) => TOP.includes(name)))
    return ['is no configuration; say at=PATH, or begin with the name of the file that it is']
  try {
    readShape(text, join(ROOT, 'portcullis.yaml'), complete)
    return []
  } catch (thrown) {
    if (thrown.problems === undefined) throw thrown
    return thrown.problems
      .filter(({ wrong }) => !wrong.includes(LEFT_OUT))
      .map(({ path, wrong, right }) => `${path}: ${wrong}; ${right}`)
  }
}

function nested(body, path) {
  const lines = body.split('\n').filter((line) => line.trim() !== '')
  const depth = Math.min(...lines.map((line) => line.search(/\S/)))
  const inner = lines.map((line) => '  '.repeat(path.length) + line.slice(depth))
  return [...path.map((key, level) => `${'  '.repeat(level)}${key}:`), ...inner, ''].join('\n')
}

/** What a fragment need not repeat. */
function complete(config) {
  config.version ??= 1
  config.state ??= 'state'
  for (const upstream of Object.values(config.upstreams ?? {})) {
    if ((upstream.stdio ?? upstream.http ?? upstream.code) === undefined) upstream.http = {}
    if (upstream.http) upstream.http.url ??= 'https://upstream.example/mcp'
    if (upstream.stdio) upstream.stdio.command ??= 'server'
  }
}

function commandProblems(line) {
  const words = wordsOf(line)
  const { command, rest } = commandOf(words)
  if (command === undefined) return [`there is no command: portcullis ${words.join(' ')}`]
  const known = new Set(command.options.flatMap(({ short, long }) => [short, long]).concat('-h', '--help'))
  return rest
    .filter((word) => /^--?[a-z]/i.test(word))
    .map((word) => word.replace(/=.*/, ''))
    .filter((word) => !known.has(word))
    .map((word) => `portcullis ${words.join(' ')}: there is no option ${word}`)
}

const nowhere = { out: () => {}, err: () => {}, environment: {}, clock: { now: () => 0 } }
const program = buildProgram('', { ...nowhere, interrupted: new AbortController().signal }, () => {})

/** The command that the first words name, and what stands behind them. */
function commandOf(words) {
  let command = program
  let at = 0
  for (; ; at++) {
    const next = command.commands.find((one) => one.name() === words[at])
    if (next === undefined) break
    command = next
  }
  const isStray =
    command.commands.length > 0 && /^[a-z]/.test(words[at] ?? '') && command.registeredArguments.length === 0
  return { command: at === 0 || isStray ? undefined : command, rest: words.slice(at) }
}

/** Until a comment, a pipe or a redirection; brackets around what may be left out are none. */
function wordsOf(line) {
  const words = line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? []
  const end = words.findIndex((word) => /^[#|<>&;]/.test(word))
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replace(/^\[|\]$/g, ''))
}
