/** Decides which parts of a message a signature can cover and how they are named (RFC 9421 §2). */
import { type Item, serializeItem } from 'structured-headers'
import { SignatureProblem } from './problem.ts'

export interface Component {
  /** Lower case; derived ones begin with `@`. */
  readonly name: string
  /** Of the request, in the signature of an answer. */
  readonly ofRequest: boolean
  /** Of a dictionary, the one member that is covered. */
  readonly member: string | undefined
  /** Of `@query-param`: which parameter, percent-encoded. */
  readonly parameter: string | undefined
  /** As in the signature base. */
  readonly text: string
}

const DERIVED: ReadonlySet<string> = new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '@query-param',
  '@status',
])
const FIELD = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** `sf` and `bs` need what Node does not keep, and trailers are refused. */
const PARAMETERS: ReadonlySet<string> = new Set(['req', 'key', 'name'])

/** `derived` are the names with `@` that there are. Throws SignatureProblem for what does not exist or cannot be covered here. */
export function componentOf([name, parameters]: Item, derived: ReadonlySet<string> = DERIVED): Component {
  if (typeof name !== 'string' || !(derived.has(name) || FIELD.test(name))) throw problem(String(name))
  for (const parameter of parameters.keys()) if (!PARAMETERS.has(parameter)) throw problem(`${name};${parameter}`)
  const [ofRequest, member, parameter] = ['req', 'key', 'name'].map((one) => parameters.get(one))
  if (ofRequest !== undefined && ofRequest !== true) throw problem(`${name};req`)
  if (member !== undefined && (typeof member !== 'string' || name.startsWith('@'))) throw problem(`${name};key`)
  if ((parameter !== undefined) !== (name === '@query-param')) throw problem(`${name};name`)
  if (parameter !== undefined && typeof parameter !== 'string') throw problem(`${name};name`)
  const text = serializeItem([name, parameters])
  return { name, ofRequest: ofRequest === true, member, parameter, text }
}

/** A component without parameters, or one of the request that is answered. */
export const component = (name: string, ofRequest = false, member?: string): Component => {
  // The name of a header is a token, which needs no escape.
  if (!ofRequest && member === undefined) return { name, ofRequest, member, parameter: undefined, text: `"${name}"` }
  const parameters = new Map<string, true | string>()
  if (ofRequest) parameters.set('req', true)
  if (member !== undefined) parameters.set('key', member)
  return { name, ofRequest, member, parameter: undefined, text: serializeItem([name, parameters]) }
}

/** The same for two components that cover the same, in whichever order their parameters stand. */
export const identityOf = ({ name, ofRequest, member, parameter }: Component): string =>
  JSON.stringify([name, ofRequest, member ?? null, parameter ?? null])

const problem = (what: string): SignatureProblem => new SignatureProblem(`cannot cover ${what.slice(0, 100)}`)
