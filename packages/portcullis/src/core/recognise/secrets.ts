/** Decides which characters of a text are credentials, by the maintained table of their forms. */
import { NOTHING } from './find-all.ts'
import type { Find, Span } from './kinds.ts'
import type { SecretRule } from './secret-rule.ts'
import { SECRET_RULES } from './secret-rules.ts'
import { SignTable } from './sign-table.ts'

const LEAST_LENGTH = 12

interface Placed {
  readonly rule: SecretRule
  /** Tried where a sign is and nowhere else; with places of groups, which only what matched pays for. */
  readonly pattern: RegExp
  readonly least: number
  readonly most: number
}

const PLACED: readonly Placed[] = SECRET_RULES.map((rule) => {
  const [least, most] = rule.before ?? [0, 0]
  const { source, flags } = rule.pattern
  return { rule, pattern: new RegExp(source, `${flags.replace('g', '')}dy`), least, most }
})
const table = new SignTable(SECRET_RULES.flatMap(({ signs }, of) => signs.map((text) => ({ text, of }))))

/** Where a rule holds, and whether what stands there was wanted no more. */
export type Hears = (rule: SecretRule, start: number, end: number) => void

/** All that holds at a sign between two places of a text; of one rule, nothing inside of what it has found. Linear in the text. */
export function scanSecrets(text: string, from: number, to: number, hears: Hears): void {
  let done: Map<number, number> | undefined
  table.scan(text, from, to, (of, at) => {
    if (done !== undefined && at < (done.get(of) ?? 0)) return
    const placed = PLACED[of] as Placed
    const [start, end] = matchAt(text, placed, at)
    if (end === 0) return
    done ??= new Map()
    done.set(of, end)
    hears(placed.rule, start, end)
  })
}

export const findSecrets: Find = (text) => {
  if (text.length < LEAST_LENGTH) return NOTHING
  let spans: Span[] | undefined
  scanSecrets(text, 0, text.length, (_rule, start, end) => void (spans ??= []).push({ start, end, kind: 'secret' }))
  return spans?.toSorted((one, other) => one.start - other.start) ?? NOTHING
}

const NO_MATCH: readonly [number, number] = [0, 0]

/** What is secret in the match whose sign is at a place. */
function matchAt(text: string, { rule, pattern, least, most }: Placed, sign: number): readonly [number, number] {
  if (rule.isUpper === true && text.charCodeAt(sign) > CAPITAL_Z) return NO_MATCH
  for (let start = sign - least; start >= Math.max(0, sign - most); start--) {
    pattern.lastIndex = start
    const match = pattern.exec(text)
    if (match === null) continue
    const found = match.indices?.groups?.['secret'] ?? [start, start + match[0].length]
    if (rule.check === undefined || rule.check(text.slice(...found))) return found
  }
  return NO_MATCH
}

const CAPITAL_Z = 90
