/** Refuses conditions that compare a fact with a word that it never has: they would never hold, and nobody would be told. */
import type { CredentialKind } from '../core/principal.ts'
import type { Era } from '../mcp/message.ts'
import type { Policy } from './policy.ts'
import { suggest } from './problem.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Kinds of credential, complete by its type. */
const CREDENTIALS = { 'api-key': true, jwt: true, opaque: true, certificate: true } satisfies Record<
  CredentialKind,
  true
>
const ERAS = { modern: true, legacy: true } satisfies Record<Era, true>

export const CREDENTIAL_KINDS = Object.keys(CREDENTIALS) as readonly CredentialKind[]

/** A word that is none, with where it stands in the policy's text. */
export interface StrangeWord {
  /** UTF-16 units from the beginning of the policy. */
  readonly at: number
  readonly wrong: string
  readonly right: string
}

type Node = Readonly<Record<string, unknown>>

/** Every word of the policy that its fact never has. Names of tenants are known only where tenants are configured. */
export function strangeWords({ json, source }: Policy, { tenants }: Vocabulary): readonly StrangeWord[] {
  const known = new Map<string, readonly string[]>([
    ['principal.credential', CREDENTIAL_KINDS],
    ['context.era', Object.keys(ERAS)],
    ...(tenants === undefined ? [] : [['principal.tenant', [...tenants.keys()]] as const]),
  ])
  const found: StrangeWord[] = []
  for (const { fact, word } of compared(json.conditions)) {
    const words = known.get(fact)
    if (words === undefined || words.includes(word)) continue
    const wrong = `${fact} is never ${JSON.stringify(word)}`
    const at = Math.max(0, source.text.indexOf(JSON.stringify(word)))
    found.push({ at, wrong, right: suggest(word, words, fact.slice(fact.indexOf('.') + 1)) })
  }
  return found
}

interface Compared {
  readonly fact: string
  readonly word: string
}

function compared(node: unknown): readonly Compared[] {
  if (Array.isArray(node)) return node.flatMap(compared)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node as Node).flatMap(([operator, operand]) => [
    ...(['==', '!=', 'contains'].includes(operator) ? pairsOf(operand as Node) : []),
    ...compared(operand),
  ])
}

/** Either side may be the fact; a set of words is compared word by word. */
function pairsOf({ left, right }: Node): readonly Compared[] {
  const pair = (one: unknown, other: unknown): readonly Compared[] => {
    const fact = factOf(one)
    return fact === undefined ? [] : wordsOf(other).map((word) => ({ fact, word }))
  }
  return [...pair(left, right), ...pair(right, left)]
}

function factOf(node: unknown): string | undefined {
  const { left, attr } = ((node as Node | null)?.['.'] ?? {}) as Node
  const variable = (left as Node | undefined)?.['Var']
  return typeof variable === 'string' ? `${variable}.${String(attr)}` : undefined
}

function wordsOf(node: unknown): readonly string[] {
  const { Value: value, Set: members } = (node ?? {}) as Node
  if (Array.isArray(members)) return members.flatMap(wordsOf)
  return typeof value === 'string' ? [value] : []
}
