/** The Cedar schema that policies are validated against, in Cedar's own text form. */
import type { RecordShape, Shape } from './shape.ts'
import { allRoles, USES, type Vocabulary } from './vocabulary.ts'

/** The schema for calls of tools whose arguments have this shape. */
export function schemaText(vocabulary: Pick<Vocabulary, 'roles' | 'upstreams' | 'tenants'>, args: RecordShape): string {
  const uses = Object.entries(USES).map(([action, types]) => {
    const context = action === 'tools/call' ? `{ ${CONTEXT}, "args": ${shapeText(args)} }` : 'Circumstances'
    return `action "${action}" in ["use"] appliesTo { principal: [User], resource: [${types.join(', ')}], context: ${context} };`
  })
  return [
    `type Circumstances = { ${CONTEXT} };`,
    `entity Role enum [${names(allRoles(vocabulary))}];`,
    `entity Upstream enum [${names(vocabulary.upstreams)}];`,
    ENTITIES,
    'action "use";',
    ...uses,
    'action "connect" appliesTo { principal: [User], resource: [Upstream], context: Circumstances };',
  ].join('\n')
}

const CONTEXT = [
  'time: { now: datetime, epochSeconds: Long, hour: Long, minute: Long, weekday: Long }',
  'address: ipaddr',
  'encrypted: Bool',
  'era: String',
  'method: String',
  'signed: Bool',
].join(', ')

const ENTITIES = `
entity User in [Role] { id: String, tenant: String, roles: Set<String>, credential: String, senderConstrained: Bool, acr?: String, amr?: Set<String>, scopes?: Set<String> };
entity Tool in [Upstream] { name: String, upstream: String, readOnly: Bool, destructive: Bool, idempotent: Bool, openWorld: Bool };
entity Prompt in [Upstream] { name: String, upstream: String };
entity Resource in [Upstream] { uri: String, scheme: String, upstream: String };
entity Task in [Upstream] { upstream: String };`

/** Cedar wants at least one name in an enumeration; this one cannot be a role or an upstream. */
const names = (known: readonly string[]) => (known.length === 0 ? ['(none)'] : known).map(quote).join(', ')

/** A Cedar type. The order of names is fixed, so equal shapes have equal texts. */
export function shapeText(shape: Shape): string {
  if (shape.kind === 'Set') return `Set<${shapeText(shape.element)}>`
  if (shape.kind !== 'Record') return `__cedar::${shape.kind}`
  const fields = [...shape.fields].toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `{ ${fields.map(([name, { shape: field, required }]) => `${quote(name)}${required ? '' : '?'}: ${shapeText(field)}`).join(', ')} }`
}

/** A Cedar string literal. */
export function quote(text: string): string {
  const escaped = text.replace(/["\\]|[^\x20-\x7e]/gu, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\u{${(char.codePointAt(0) as number).toString(16)}}`,
  )
  return `"${escaped}"`
}
