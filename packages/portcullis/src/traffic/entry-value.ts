/** Decides what can be the value of an entry, and in which spelling it is kept. */
import { Fault } from '../core/fault.ts'
import { type BlockKind, PLACES } from './blocks.ts'
import { networkName, parseNetwork } from './network.ts'

const MAX_VALUE_CHARS = 2_000

/** What would be right, in one phrase, and whether a value is. */
const RULES: Readonly<Record<BlockKind, readonly [right: string, test: (value: string) => boolean]>> = {
  address: ['an address or a network such as 192.0.2.0/24', isNetwork],
  country: ['two letters of a country such as NL', (value) => /^[A-Za-z]{2}$/.test(value)],
  principal: ['the id of a principal', isName],
  client: ['the id of a client', isName],
  key: ['the id of an API key', isName],
  tool: ['a tool such as files__write', (value) => isName(value) && /^[a-z][a-z0-9-]*__./.test(value)],
  upstream: ['the name of an upstream', (value) => /^[a-z][a-z0-9-]{0,31}$/.test(value)],
}

/** What is wrong with a value, as what would be right; undefined when nothing is. */
export function valueProblem(kind: BlockKind, value: string, tenant: string): string | undefined {
  const [right, test] = RULES[kind]
  if (!test(value)) return right
  return tenant !== '' && PLACES.includes(kind) ? 'of all tenants: a place is none of one tenant' : undefined
}

/** The one spelling of a good value: networks without bits behind their prefix, countries in capitals. */
export function canonicalValue(kind: BlockKind, value: string): string {
  if (kind === 'address') return networkName(parseNetwork(value))
  return kind === 'country' ? value.toUpperCase() : value
}

/** The spelling that is kept. Throws `administration.refused` for a value that names nothing of its kind. */
export function checkedValue(kind: BlockKind, value: string, tenant: string): string {
  const right = valueProblem(kind, value, tenant)
  if (right === undefined) return canonicalValue(kind, value)
  throw new Fault('administration.refused', { kind, right }, { says: `A block of this kind names ${right}.` })
}

function isName(value: string): boolean {
  return value.length > 0 && value.length <= MAX_VALUE_CHARS && !/\p{Cc}/u.test(value)
}

function isNetwork(value: string): boolean {
  try {
    parseNetwork(value)
    return true
  } catch {
    return false
  }
}
