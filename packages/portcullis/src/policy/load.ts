/** Makes policies out of texts, or tells everything that is wrong with them at once. */
import { createHash } from 'node:crypto'
import { type Cedar, openCedar } from './cedar.ts'
import { PolicyEngine } from './engine.ts'
import { unknownNames } from './names.ts'
import { compilePolicy, type Policy } from './policy.ts'
import { type CedarAnswers, RememberedCedar } from './remembered-cedar.ts'
import { PolicyError, type PolicyProblem } from './problem.ts'
import { Lines, type PolicySource, type PolicyText, splitPolicies, unitsOf } from './source.ts'
import { Validator } from './validate.ts'
import { EvaluationError } from './value.ts'
import { type Vocabulary, vocabularyOf } from './vocabulary.ts'
import { strangeWords } from './words.ts'

/** Nobody reads more at once, and each costs the time of a parser. */
const MOST_PROBLEMS = 1_000

/**
 * Parses, checks and compiles policies. Throws PolicyError with every problem, or with the first thousand: syntax, unknown
 * names and attributes, conditions on arguments that a tool does not have, words that a fact never has, policies that can
 * never apply, ids that repeat.
 */
export async function loadPolicies(
  given: readonly PolicySource[],
  vocabulary: Vocabulary,
  cedar: Cedar = openCedar(),
): Promise<PolicyEngine> {
  // What holds for all comes first, so that of two equal ids the tenant's is the one to change.
  const sources = given.toSorted((one, other) => Number(one.tenant !== undefined) - Number(other.tenant !== undefined))
  const files = new Map(sources.map(({ file, text }) => [file, new Lines(text)]))
  const problems: PolicyProblem[] = []
  const policies: Policy[] = []
  const wordsFor = tenantWords(vocabulary)
  for (const text of sources.flatMap(splitPolicies)) {
    if (problems.length >= MOST_PROBLEMS) throw new PolicyError(inOrder(problems))
    const compiled = compile(cedar, text, policies.length)
    if (Array.isArray(compiled)) problems.push(...compiled.map((told) => placed(told, text, files)))
    else {
      policies.push(compiled as Policy)
      problems.push(...strangeWords(compiled as Policy, vocabulary).map((told) => placed(told, text, files)))
    }
    problems.push(...unknownNames(text, files.get(text.file) ?? new Lines(''), wordsFor(text)))
  }
  problems.push(...repeatedIds(policies, files))
  const validator = new Validator(cedar, files)
  const validation = validator.validate(policies, vocabulary)
  // Cedar tells unknown roles and upstreams as well, with fewer words.
  const told = new Set(problems.map(placeOf))
  for (const problem of validation.problems) if (!told.has(placeOf(problem))) problems.push(problem)
  if (problems.length > 0) throw new PolicyError(inOrder(problems))
  const revision = revisionOf(sources, vocabulary)
  return new PolicyEngine({ policies, vocabulary, validator, cedar, revision }, validation)
}

/** Whether `loadPolicies` would ask Cedar nothing that is not in `known`. */
export async function isAnswered(
  sources: readonly PolicySource[],
  vocabulary: Vocabulary,
  known: CedarAnswers,
): Promise<boolean> {
  try {
    await loadPolicies(sources, vocabulary, new RememberedCedar(SILENT, known))
    return true
  } catch {
    return false
  }
}

const SILENT: Cedar = {
  parse: () => unanswered(),
  validate: () => unanswered(),
  print: () => unanswered(),
}

function unanswered(): never {
  throw new Error('this was not asked before')
}

/** A problem before it has a place: `at` counts UTF-16 units from the beginning of the policy. */
interface Told {
  readonly at: number
  readonly wrong: string
  readonly right: string
}

/** What a policy may name: what all know, or what its tenant has. */
function tenantWords(vocabulary: Vocabulary): (text: PolicyText) => Vocabulary {
  const known = new Map<string, Vocabulary>()
  return ({ tenant }) => {
    if (tenant === undefined) return vocabulary
    const words = known.get(tenant) ?? vocabularyOf(vocabulary, tenant)
    known.set(tenant, words)
    return words
  }
}

function compile(cedar: Cedar, source: PolicyText, order: number): Policy | readonly Told[] {
  const parsed = cedar.parse(source.text)
  if (!('effect' in parsed)) {
    return parsed.map(({ message, help, at }) => ({
      at: unitsOf(source.text, at),
      wrong: message,
      right: help ?? 'see the guide to policies',
    }))
  }
  try {
    return compilePolicy(parsed, source, order)
  } catch (thrown) {
    if (!(thrown instanceof EvaluationError)) throw thrown
    return [{ at: 0, wrong: thrown.message, right: 'write the condition without it' }]
  }
}

function placed(
  { at, wrong, right }: Told,
  { file, offset }: PolicyText,
  files: ReadonlyMap<string, Lines>,
): PolicyProblem {
  return { file, ...(files.get(file) ?? new Lines('')).at(offset + at), wrong, right }
}

/** Two tenants may give one id to two policies: no call meets both. Those that hold for all come first. */
function repeatedIds(policies: readonly Policy[], files: ReadonlyMap<string, Lines>): PolicyProblem[] {
  const common = new Map<string, Policy>()
  const ofTenants = new Map<string, Map<string, Policy>>()
  return policies.flatMap((policy) => {
    const { tenant } = policy.source
    const own = tenant === undefined ? common : (ofTenants.get(tenant) ?? new Map<string, Policy>())
    if (tenant !== undefined) ofTenants.set(tenant, own)
    const earlier = own.get(policy.id) ?? common.get(policy.id)
    if (earlier === undefined) {
      own.set(policy.id, policy)
      return []
    }
    const wrong = `the id ${JSON.stringify(policy.id)} is already taken at ${earlier.source.file}:${earlier.source.line}`
    return [placed({ at: 0, wrong, right: 'give each policy its own @id("…")' }, policy.source, files)]
  })
}

const placeOf = ({ file, line, column }: PolicyProblem): string => JSON.stringify([file, line, column])

function inOrder(problems: readonly PolicyProblem[]): readonly PolicyProblem[] {
  const places = [...new Set(problems.map(({ file }) => file))]
  return problems.toSorted(
    (left, right) =>
      places.indexOf(left.file) - places.indexOf(right.file) || left.line - right.line || left.column - right.column,
  )
}

function revisionOf(sources: readonly PolicySource[], { roles, upstreams, tenants }: Vocabulary): string {
  const texts = sources.map(({ file, text, tenant }) => (tenant === undefined ? [file, text] : [file, text, tenant]))
  return createHash('sha256')
    .update(JSON.stringify([texts, roles, upstreams, ...(tenants === undefined ? [] : tenants)]))
    .digest('hex')
}
