/** `inspection`: what follows from what is found in arguments and results, for all upstreams, one upstream, or one tool. */
import { z } from 'zod'
import { type FAMILIES, type PLACES, VERDICTS } from '../core/inspection-words.ts'
import { argument } from './argument-schema.ts'
import { results, toolResults, upstreamResults } from './result-schema.ts'

const SAID_OF_FAMILIES = {
  sql: 'SQL, and SQL in values that are none.',
  command: 'Commands, and commands in values that are none.',
  markup: 'Scripts and active markup.',
  path: 'Paths that leave their folder.',
  url: 'URLs and hosts that lead where nobody should get.',
  expression: 'Templates, look-ups and queries in other languages.',
  secret: 'Credentials.',
  characters:
    'Characters that nobody sees, orders to a terminal, and quotes and brackets alone in what names something.',
  prompt: 'Text that speaks to a model.',
} as const satisfies Readonly<Record<(typeof FAMILIES)[number], string>>

const SAID_OF_PLACES = {
  identifier: 'Names, ids and words of a narrow form.',
  text: 'Free text.',
  path: 'Paths of files and folders.',
  url: 'URLs.',
  host: 'Host names and addresses.',
  sql: 'SQL statements.',
  shell: 'Command lines.',
  html: 'Markup.',
  code: 'Source code and patterns.',
  number: 'Numbers that are sent as text.',
  expression: 'Formulas.',
  secret: 'Credentials.',
  result: 'What upstreams answer.',
} as const satisfies Readonly<Record<(typeof PLACES)[number], string>>

const verdict = z.enum(VERDICTS)

const weights = z.strictObject({
  breach: verdict
    .optional()
    .describe('A rule is broken, or what has to be parsed cannot be. Weakness: anything milder than `refuse`.'),
  strong: verdict.optional().describe('An attack beyond reasonable doubt.'),
  hint: verdict.optional().describe('Evidence for a reader.'),
})

function each<Name extends string>(names: Readonly<Record<Name, string>>) {
  const entries = Object.entries<string>(names).map(([name, says]) => [name, weights.optional().describe(says)])
  return z.strictObject(Object.fromEntries(entries) as Record<Name, z.ZodOptional<typeof weights>>)
}

const verdicts = {
  mode: z
    .enum(['enforce', 'shadow'])
    .optional()
    .describe(
      'Weakness: `shadow` only records what would have happened. Default: what is said farther out, else `enforce`.',
    ),
  on: each(SAID_OF_FAMILIES).optional().describe('Verdicts by what was found. The nearest word counts.'),
  roles: each(SAID_OF_PLACES)
    .optional()
    .describe(
      'Verdicts by where it was found; `on` at the same place comes first. Default: `refuse` for breaches, and for strong findings where values have a narrow form; `mask` for strong markup and characters in results; else `annotate`.',
    ),
}

const tool = z.strictObject({
  ...verdicts,
  results: toolResults.optional().describe('What is done about its results beside verdicts.'),
  arguments: z
    .record(
      z
        .string()
        .regex(/^[^\0\r\n]{1,512}$/)
        .meta({ title: 'the name of an argument, or a JSON pointer such as /rows/*/id' }),
      argument,
    )
    .optional()
    .describe(
      'Arguments by name, or by JSON pointer with `*` for any element. A name that the tool does not have is an error.',
    ),
})

/** Of one upstream. */
export const upstreamInspection = z.strictObject({
  ...verdicts,
  results: upstreamResults.optional().describe('What is done about its results beside verdicts.'),
  tools: z
    .record(
      z
        .string()
        .regex(/^[^\0\r\n]{1,256}$/)
        .meta({ title: 'the name of a tool as its upstream calls it' }),
      tool,
    )
    .optional()
    .describe('Tools by the name that the upstream gives them. A tool that is not there is an error.'),
})

/** Of all. */
export const inspection = z.strictObject({
  ...verdicts,
  results: results.prefault({}).describe('What is done about results beside verdicts.'),
})
