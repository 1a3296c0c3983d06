/**
 * What our filter answers to one system call, as rules over its arguments. They are read out of the filter itself, so
 * that a container and a bubblewrap sandbox cannot differ.
 */
import { argument, OPCODE } from '../bpf.ts'
import { ANY, both, exactly, otherThan, type Pattern } from './bits.ts'

/** The 32-bit action of the filter for calls whose arguments match all of `args`. */
export interface CallRule {
  readonly action: number
  /** At most one for an index; the lower half of the argument, as in the filter. */
  readonly args: readonly (Pattern & { readonly index: number })[]
}

/** Arguments that lead to a place in the filter: what is known of each, by its index. */
type Known = ReadonlyMap<number, readonly Pattern[]>

/** What the accumulator holds: a word that is known, or a part of an argument. */
type Accumulator = { readonly word: number } | { readonly index: number; readonly mask: number }

interface Place {
  readonly at: number
  readonly accumulator: Accumulator
  readonly known: Known
}

const INSTRUCTION_BYTES = 8
const WORD = 0xffff_ffff
const FIRST_ARGUMENT = argument(0)

/** All rules for a call, disjoint, and complete but for its answers in `ignore`. */
export function rulesOfCall(
  filter: Buffer,
  call: { readonly architecture: number; readonly number: number },
  ignore: number,
): readonly CallRule[] {
  const head = [call.number, call.architecture]
  const walk = ({ at, accumulator, known }: Place): readonly CallRule[] => {
    const opcode = filter.readUInt16LE(at)
    const operand = filter.readUInt32LE(at + 4)
    const next = at + INSTRUCTION_BYTES
    if (opcode === OPCODE.return) return operand === ignore ? [] : combinations(operand, known)
    if (opcode === OPCODE.load) return walk({ at: next, accumulator: loaded(operand, head), known })
    if (opcode === OPCODE.and) return walk({ at: next, accumulator: masked(accumulator, operand), known })
    if (opcode === OPCODE.jumpAlways) return walk({ at: next + operand * INSTRUCTION_BYTES, accumulator, known })
    return [true, false].flatMap((holds) => {
      const narrowed = narrow(known, accumulator, { opcode, operand, holds })
      const skipped = filter.readUInt8(at + (holds ? 2 : 3))
      return narrowed ? walk({ at: next + skipped * INSTRUCTION_BYTES, accumulator, known: narrowed }) : []
    })
  }
  return walk({ at: 0, accumulator: { word: 0 }, known: new Map() })
}

function loaded(offset: number, head: readonly number[]): Accumulator {
  if (offset >= FIRST_ARGUMENT) return { index: (offset - FIRST_ARGUMENT) >> 3, mask: WORD }
  return { word: head[offset >> 2] ?? 0 }
}

function masked(accumulator: Accumulator, mask: number): Accumulator {
  if ('word' in accumulator) return { word: (accumulator.word & mask) >>> 0 }
  return { ...accumulator, mask: (accumulator.mask & mask) >>> 0 }
}

interface Condition {
  readonly opcode: number
  readonly operand: number
  readonly holds: boolean
}

/** What is known after a comparison, or undefined when no arguments lead there. */
function narrow(known: Known, accumulator: Accumulator, condition: Condition): Known | undefined {
  if ('word' in accumulator) return decide(accumulator.word, condition) === condition.holds ? known : undefined
  const { index, mask } = accumulator
  const patterns = both(known.get(index) ?? ANY, setOf(mask, condition))
  return patterns.length === 0 ? undefined : new Map([...known, [index, patterns]])
}

function decide(word: number, { opcode, operand }: Condition): boolean {
  if (opcode === OPCODE.jumpEqual) return word === operand
  if (opcode === OPCODE.jumpAtLeast) return word >= operand
  if (opcode === OPCODE.jumpAnyBit) return (word & operand) !== 0
  throw new Error(`opcode ${opcode} in a filter`)
}

function setOf(mask: number, { opcode, operand, holds }: Condition): readonly Pattern[] {
  if (opcode === OPCODE.jumpEqual) return holds ? exactly(mask, operand) : otherThan(mask, operand)
  if (opcode === OPCODE.jumpAnyBit) return holds ? otherThan(mask & operand, 0) : exactly(mask & operand, 0)
  throw new Error(`opcode ${opcode} on an argument`)
}

/** One rule for each choice of a pattern for each argument. */
function combinations(action: number, known: Known): readonly CallRule[] {
  let rules: readonly CallRule[] = [{ action, args: [] }]
  for (const [index, patterns] of known) {
    rules = rules.flatMap(({ args }) =>
      patterns.map((pattern) => ({ action, args: pattern.mask === 0 ? args : [...args, { index, ...pattern }] })),
    )
  }
  return rules
}
