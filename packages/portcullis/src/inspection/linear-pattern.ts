import { RE2JS } from 're2js'
import { withEcmaScriptMeaning } from './ecmascript-pattern.ts'
import { UnusableSchema } from './schema-bounds.ts'
import { spend, spendMatch } from './validation-budget.ts'

/**
 * Runs the regular expressions of schemas in linear time: an upstream writes the pattern and a client the text, so a
 * backtracking engine would let either of them stop the gateway.
 */
export interface LinearPattern {
  test(text: string): boolean
  toString(): string
}

// A counted repetition is unrolled, so that a short pattern can be a long program; all patterns of a schema share a budget.
const STEPS_PER_INSTRUCTION = 50

/** Throws UnusableSchema for what linear time cannot do: lookaround, back references, more than 1,000 repetitions. */
export function linearPattern(source: string): LinearPattern {
  const compiled = compile(source)
  const instructions = compiled.programSize()
  spend(instructions * STEPS_PER_INSTRUCTION)
  return {
    test(text) {
      spendMatch(text.length, instructions)
      return compiled.test(text)
    },
    toString: () => source,
  }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(withEcmaScriptMeaning(RE2JS.translateRegExp(source)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown syntax'
    throw new UnusableSchema(`the pattern ${JSON.stringify(source)} is not supported: ${reason}`, { cause })
  }
}
