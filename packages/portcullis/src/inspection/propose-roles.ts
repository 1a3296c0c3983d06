/** Proposes a role for every argument of a tool, down to members of members and elements of lists. */
import type { ToolDefinition } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import type { ArgumentRoles, Role } from './role.ts'
import { roleOf, speechOf } from './role-of-argument.ts'
import { resolve } from './schema-bounds.ts'
import { eachInner, type Inner } from './schema-walk.ts'

/** Deeper members, and whatever comes after so many schemas or roles, are `text` to whoever asks. */
const MAX_DEPTH = 16
const MAX_VISITS = 10_000
const MAX_ROLES = 2_000

/**
 * JSON pointer patterns to roles; `*` stands for any element, and for any member of a table. Left out is what cannot be
 * free text: numbers, booleans, `enum`, `const`, and objects and lists themselves. Where two branches of a schema
 * disagree, the argument is `text`.
 */
export const proposeRoles = (tool: ProposedTool): ArgumentRoles => surveyArguments(tool).roles

export type ProposedTool = Pick<ToolDefinition, 'name' | 'inputSchema' | 'annotations' | 'raw'>

/** The roles, and which arguments there are at all. */
export interface ArgumentSurvey {
  readonly roles: ArgumentRoles
  /** Patterns of everything that the schema declares, objects and lists too. */
  readonly declared: ReadonlySet<string>
  /** Patterns of objects that take members of any name; the empty pattern are the arguments themselves. */
  readonly open: ReadonlySet<string>
  /** Patterns at which a schema comes again that they lie in, to the pattern at which it came first. */
  readonly loops: ReadonlyMap<string, string>
}

/** What `proposeRoles` and whoever names arguments in a configuration need to know of a tool. */
export function surveyArguments({ name, inputSchema, annotations, raw }: ProposedTool): ArgumentSurvey {
  const proposal = new Proposal(inputSchema, speechOf(name, raw['description'], annotations?.['title'] ?? raw['title']))
  proposal.visit(inputSchema, { pointer: '', name: '', description: undefined, depth: 0 })
  return proposal
}

interface Position {
  readonly pointer: string
  /** What the value is called: an element is called as its list is. */
  readonly name: string
  /** Of the argument, for branches that have none of their own. */
  readonly description: unknown
  readonly depth: number
}

class Proposal implements ArgumentSurvey {
  readonly roles = new Map<string, Role>()
  readonly declared = new Set<string>()
  readonly open = new Set<string>()
  readonly loops = new Map<string, string>()
  readonly #root: Params
  readonly #tool: string
  /** Schemas that are being visited, and where. */
  readonly #open = new Map<Params, string>()
  #visits = 0

  constructor(root: Params, tool: string) {
    this.#root = root
    this.#tool = tool
  }

  visit(schema: Params, at: Position): void {
    if (++this.#visits > MAX_VISITS || at.depth > MAX_DEPTH || this.roles.size >= MAX_ROLES) return
    // A schema inside itself tells nothing new about its own members.
    const first = this.#open.get(schema)
    if (first !== undefined) {
      if (first !== at.pointer) this.loops.set(at.pointer, first)
      return
    }
    this.#open.set(schema, at.pointer)
    this.declared.add(at.pointer)
    if (takesAnyMember(schema)) this.open.add(at.pointer)
    const description = schema['description'] ?? at.description
    if (at.pointer !== '' && takesText(schema)) this.#note(at, { ...schema, description })
    eachInner(schema, (inner) => {
      if (inner.position === 'in-place') this.visit(inner.schema, { ...at, description })
      else if (inner.position === 'child') this.visit(inner.schema, child(at, inner))
    })
    const target = typeof schema['$ref'] === 'string' ? resolve(this.#root, schema['$ref']) : undefined
    if (isRecord(target)) this.visit(target, { ...at, description, depth: at.depth + 1 })
    this.#open.delete(schema)
  }

  #note({ pointer, name }: Position, schema: Params): void {
    const role = roleOf({ name, schema, tool: this.#tool })
    const before = this.roles.get(pointer)
    this.roles.set(pointer, before === undefined || before === role ? role : 'text')
  }
}

function child({ pointer, name, depth }: Position, inner: Inner): Position {
  const isMember = inner.keyword === 'properties' && inner.name !== undefined
  const step = isMember ? pointerToken(inner.name) : '*'
  return {
    pointer: `${pointer}/${step}`,
    name: isMember ? inner.name : name,
    description: undefined,
    depth: depth + 1,
  }
}

/** A member's name as a token of a JSON pointer (RFC 6901 §3). */
export const pointerToken = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** Whether the schema itself, apart from its branches, lets a string through that nobody has spelled out. */
function takesText(schema: Params): boolean {
  if ('enum' in schema || 'const' in schema) return false
  const { type } = schema
  if (type !== undefined) return [type].flat().includes('string')
  return !['$ref', 'anyOf', 'oneOf', 'allOf', 'properties', 'items'].some((keyword) => keyword in schema)
}

/** Whether members may come whose names the schema does not know. An object that declares nothing is free in form. */
function takesAnyMember({ type, properties, additionalProperties, patternProperties }: Params): boolean {
  if (patternProperties !== undefined) return true
  if (additionalProperties !== undefined) return additionalProperties !== false
  return type !== undefined && [type].flat().includes('object') && properties === undefined
}
