/** What `portcullis doctor` says of an assault: each wall once, then by name every attack that it did not hold. */
import type { Finding } from '../sandbox/assault.ts'
import type { Verdict, Wall } from '../sandbox/attack.ts'
import type { Enforcement } from '../sandbox/driver.ts'

export interface WallReport {
  readonly wall: Wall
  readonly state: 'ok' | 'weak' | 'FAILED'
  readonly held: number
  /** Whatever was not held. */
  readonly others: readonly OtherFinding[]
}

export interface OtherFinding {
  readonly id: string
  readonly title: string
  readonly verdict: Exclude<Verdict, 'held'>
  /** What the attack said last, or what this host lacks. */
  readonly told: string
}

const WALLS: readonly Wall[] = ['files', 'processes', 'kernel', 'network', 'environment', 'quotas']

/** In the order of the walls. A wall of which no attack ran proves nothing, and fails. */
export function reportWalls(findings: readonly Finding[], enforces: Enforcement): readonly WallReport[] {
  return WALLS.map((wall) => {
    const own = findings.filter(({ attack }) => attack.wall === wall)
    const held = own.filter(({ verdict }) => verdict === 'held').length
    const others = own.flatMap((finding) => otherFinding(finding, enforces))
    const failed = held === 0 || others.some(({ verdict }) => verdict === 'breach')
    return { wall, state: failed ? 'FAILED' : others.length > 0 ? 'weak' : 'ok', held, others }
  })
}

function otherFinding({ attack, verdict, told }: Finding, enforces: Enforcement): readonly OtherFinding[] {
  const { id, title, needs = {} } = attack
  if (verdict === 'held') return []
  if (verdict !== 'not-promised') return [{ id, title, verdict, told }]
  const lacks = Object.entries(needs).filter(([quantity, how]) => enforces[quantity as keyof typeof needs] !== how)
  const said = lacks.map(([quantity, how]) => `${quantity} is not held by "${how}" here`)
  return [{ id, title, verdict, told: said.join(', ') }]
}

/** A sentence such as `53 attacks held, 1 breached`. */
export function countWall({ held, others }: WallReport): string {
  const count = (wanted: Verdict, word: string) => {
    const number = others.filter(({ verdict }) => verdict === wanted).length
    return number === 0 ? [] : [`${number} ${word}`]
  }
  const parts = [...count('breach', 'BREACHED'), ...count('not-promised', 'not promised by this host')]
  return [`${held} attacks held`, ...parts, ...count('inconclusive', 'inconclusive')].join(', ')
}

/** Without control characters: the last words are an attacker's. */
export function tellOther({ id, title, verdict, told }: OtherFinding): string {
  const words = told === verdict ? '' : ` (${told.replaceAll(/[^ -~]/g, '?').slice(0, 120)})`
  return `${verdict} ${id}: ${title}${words}`
}
